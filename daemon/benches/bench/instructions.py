"""Instructions per request in user space, under callgrind: of valord by the guard's programs, of peers as they are.

Machines without hardware counters count nothing else; and these are the same in every run.
"""

import contextlib
import http.client
import pathlib
import re
import sys
import time

import tools
from servers import Server, fill

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import guard  # noqa: E402  its neighbour

SHORT, LONG = 300, 1300


def all_of(bench):
    bench.say("instructions, under callgrind")
    tools.debian(("valgrind", "valgrind"))
    ours = {name: guard.per_request(bench.bin, program, args, threads) for name, program, args, threads in guard.PROGRAMS}
    note(bench, "valord native (daemon + plugin process)", ours["plane"] + ours["shim"])
    note(bench, "valord, the daemon's data worker", ours["plane"])
    note(bench, "valord, the plugin process", ours["shim"])
    for routes in [1, 500] if bench.quick else [1, 10, 100, 500]:
        figures = [guard.instructions(bench.bin, "examples/plane_alone", [], n, [2], [routes]) for n in (SHORT, LONG)]
        bench.sample("routes", "valord", routes, instructions=(figures[1] - figures[0]) / (LONG - SHORT))
    axum = counted(bench, Counted.axum)
    note(bench, "axum in process", axum)
    for name, make in (("nginx", Counted.nginx), ("haproxy", Counted.haproxy)):
        with contextlib.suppress(tools.Missing):
            note(bench, f"{name} → UDS → axum", counted(bench, make) + axum)


def note(bench, name, value):
    bench.sample("instructions", name, "", instructions=value)


class Counted(Server):
    """A peer under callgrind; what stands behind it is not counted."""

    def __init__(self, bench, name):
        super().__init__(f"counted-{name}-{time.monotonic_ns()}", bench.dir)
        self.bin = bench.bin

    def valgrind(self, *command):
        self.spawn("valgrind", "--tool=callgrind", f"--callgrind-out-file={self.dir}/out.%p", *command)
        return self

    def behind(self):
        self.spawn(self.bin / "examples/axum_peer", "unix:axum-1.sock")
        while not (self.dir / "axum-1.sock").exists():
            time.sleep(0.02)

    @classmethod
    def axum(cls, bench):
        server = cls(bench, "axum")
        return server.valgrind(server.bin / "examples/axum_peer", f"127.0.0.1:{server.port}")

    @classmethod
    def nginx(cls, bench):
        program = tools.nginx()
        server = cls(bench, "nginx")
        server.behind()
        upstream = f"    upstream service-1 {{ server unix:{server.dir}/axum-1.sock; keepalive 512; keepalive_requests 1000000; }}"
        location = "        location / { proxy_pass http://service-1; }"
        config = fill("nginx.conf", server.dir, port=server.port, upstreams=upstream, locations=location)
        return server.valgrind(program, "-p", server.dir, "-c", config, "-g", "master_process off;")

    @classmethod
    def haproxy(cls, bench):
        program = tools.haproxy()
        server = cls(bench, "haproxy")
        server.behind()
        config = fill("haproxy.cfg", server.dir, port=server.port, dir=server.dir)
        config.write_text(config.read_text().replace("axum.sock", "axum-1.sock").replace("nbthread 2", "nbthread 1"))
        return server.valgrind(program, "-db", "-f", config)


def counted(bench, make):
    totals = []
    for requests in (SHORT, LONG):
        server = make(bench).ready(seconds=60)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        fields = {"Accept": "*/*", "Accept-Language": "en", "User-Agent": "bench", "X-Request-Id": "0123456789abcdef"}
        for _ in range(requests):
            connection.request("GET", "/hello", headers=fields | {"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            if answer.status != 200 or not answer.read():
                raise RuntimeError(f"{server.name}: {answer.status}")
        connection.close()
        server.stop()
        texts = [file.read_text() for file in server.dir.glob("out.*")]
        totals.append(sum(int(re.search(r"^(?:totals|summary): (\d+)", text, re.M)[1]) for text in texts))
    return (totals[1] - totals[0]) / (LONG - SHORT)
