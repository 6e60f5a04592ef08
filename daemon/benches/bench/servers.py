"""The servers that are measured, each in a control group of its own: valord and its peers."""

import contextlib
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import time

import tools
from meter import Group

PEERS = pathlib.Path(__file__).parent / "peers"

# valord finds Deno there.
PATH = f"{tools.CACHE / 'deno/bin'}:{os.environ['PATH']}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fill(name, into, **values):
    """Writes a configuration of peers/ with its @NAMES@ filled in."""
    text = (PEERS / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key.upper()}@", str(value))
    (into / name).write_text(text)
    return into / name


class Server:
    """Processes that together answer on one port; `hello` and `echo` are the paths of those workloads."""

    hello, echo = "/", "/echo"
    running = []

    def __init__(self, name, dir):
        self.name = name
        Server.running.append(self)
        self.dir = pathlib.Path(dir) / name
        self.dir.mkdir()
        self.port = free_port()
        self.group = Group(name.replace(" ", "-"))
        self.processes = []

    def spawn(self, *command):
        log = (self.dir / "log").open("a")
        self.processes.append(
            subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.dir,
                env=os.environ | {"DENO_DIR": str(self.dir), "HOME": str(self.dir), "PATH": PATH},
                preexec_fn=self.group.enter,
            )
        )

    def url(self, path=None):
        return f"http://127.0.0.1:{self.port}{self.hello if path is None else path}"

    def get(self, path):
        """Status, fields and body of a GET, or of None when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except (OSError, http.client.HTTPException):
                return None, [], b""

    def ready(self, path=None, seconds=30):
        """Waits until it answers with 200."""
        path = self.hello if path is None else path
        end = time.monotonic() + seconds
        while self.get(path)[0] != 200:
            dead = [p for p in self.processes if p.poll() is not None]
            if dead or time.monotonic() > end:
                why = f"has exited with {dead[0].returncode}" if dead else f"does not answer {path}"
                raise RuntimeError(f"{self.name} {why}: {(self.dir / 'log').read_text()[-500:]}")
            time.sleep(0.002)
        return self

    def stop(self):
        Server.running.remove(self)
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.group.remove()


class Axum(Server):
    """The limit: the same answer in process."""

    def __init__(self, dir, bin, name="axum"):
        super().__init__(name, dir)
        self.spawn(bin / "examples/axum_peer", f"127.0.0.1:{self.port}")


class Nginx(Server):
    """axum behind nginx over a Unix socket; `services` of them, each below a path of its own."""

    def __init__(self, dir, bin, services=1, name="nginx"):
        program = tools.nginx()
        super().__init__(name, dir)
        upstreams, locations = [], []
        for i in range(1, services + 1):
            self.spawn(bin / "examples/axum_peer", f"unix:axum-{i}.sock")
            socket = f"unix:{self.dir}/axum-{i}.sock"
            upstreams.append(f"    upstream service-{i} {{ server {socket}; keepalive 512; keepalive_requests 1000000000; }}")
            path = "/" if services == 1 else f"/hello-{i}"
            locations.append(f"        location {path} {{ proxy_pass http://service-{i}; }}")
        for i in range(1, services + 1):
            for _ in range(200):
                if (self.dir / f"axum-{i}.sock").exists():
                    break
                time.sleep(0.02)
        config = fill(
            "nginx.conf", self.dir, port=self.port, upstreams="\n".join(upstreams), locations="\n".join(locations)
        )
        self.spawn(program, "-p", self.dir, "-c", config)


class Haproxy(Server):
    """axum behind haproxy over a Unix socket."""

    def __init__(self, dir, bin):
        program = tools.haproxy()
        super().__init__("haproxy", dir)
        self.spawn(bin / "examples/axum_peer", "unix:axum.sock")
        self.spawn(program, "-db", "-f", fill("haproxy.cfg", self.dir, port=self.port, dir=self.dir))


class Wasmtime(Server):
    """`wasmtime serve` with the component that valord serves, too."""

    def __init__(self, dir, bin):
        program = tools.wasmtime()
        super().__init__("wasmtime serve", dir)
        # wasip2 programs import more than the proxy world has; valord gives that to them, too.
        self.spawn(program, "serve", "-S", "cli", "--addr", f"127.0.0.1:{self.port}", bin / "hello_wasi.wasm")


class Deno(Server):
    """`deno serve`, one thread, as a JavaScript plugin has."""

    def __init__(self, dir):
        program = tools.deno()
        super().__init__("deno serve", dir)
        self.spawn(program, "serve", "--host", "127.0.0.1", "--port", self.port, fill("hello.js", self.dir))


class Workerd(Server):
    """workerd, one thread."""

    def __init__(self, dir):
        program = tools.workerd()
        super().__init__("workerd", dir)
        fill("hello.js", self.dir)
        self.spawn(program, "serve", fill("workerd.capnp", self.dir, port=self.port))


class Valord(Server):
    """valord, with the plugins that `register` gives it."""

    def __init__(self, dir, bin, name="valord"):
        super().__init__(name, dir)
        self.bin = bin
        self.control = self.dir / "control.sock"
        self.spawn(
            *[bin / "valord", "--listen", f"127.0.0.1:{self.port}", "--control", self.control],
            *["--state-dir", self.dir / "state", "--config", fill("valord.toml", self.dir)],
        )
        for _ in range(500):
            if self.ctl("info", check=False).returncode == 0:
                return
            time.sleep(0.02)
        raise RuntimeError(f"valord does not start: {(self.dir / 'log').read_text()[-500:]}")

    def ctl(self, *args, check=True):
        done = subprocess.run(
            [self.bin / "valorctl", "--control", self.control, *map(str, args)], capture_output=True, text=True
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"valorctl {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done

    def register(self, name, file, *options):
        self.ctl("register", file, "--name", name, "--prefix", f"/{name}", *options)
        return self

    def plugin_pids(self):
        return [pid for pid in self.group.pids() if pid != self.processes[0].pid]


class Door:
    """One plugin of a valord, measured as a server of its own; the plugins beside it are idle then."""

    def __init__(self, name, valord, prefix, echo=None):
        self.name, self.valord = name, valord
        self.hello, self.echo = prefix, echo
        self.group, self.port = valord.group, valord.port

    def url(self, path=None):
        return self.valord.url(self.hello if path is None else path)

    def ready(self):
        self.valord.ready(self.hello)
        return self


def stripped(library, dir):
    """The library without its symbols, as it would be deployed."""
    target = pathlib.Path(dir) / library.name
    if not target.exists():
        done = subprocess.run(["strip", "-o", target, library])
        if done.returncode != 0:
            shutil.copy(library, target)
    return target
