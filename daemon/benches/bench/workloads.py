"""The workloads. Each starts what it needs beside what is there, measures everybody in turn, and leaves its samples."""

import subprocess
import time

import load
import servers
from servers import Door

KIB, MIB = 1024, 1024 * 1024

CONNECTIONS = [1, 16, 64, 256]

# Of idle plugins; Deno is large.
COUNTS = {"valord native": [1, 100, 500], "valord deno": [1, 10]}


def hello(bench, everybody):
    """A small answer to six header fields."""
    for connections in [1, 64] if bench.quick else CONNECTIONS:
        bench.say(f"hello, {connections} connections")
        for server in bench.interleaved(everybody, 5):
            bench.measure("hello", server, connections, server.url(), connections)
    for connections in [1, 64]:
        for server in everybody:
            bench.syscalls("hello", server, connections, server.url(), connections)


def echo(bench, everybody):
    """Bodies both ways: 64 KiB, and streams of 1 and 64 MiB."""
    everybody = [server for server in everybody if server.echo]
    native = [server for server in everybody if server.name in ("axum", "nginx", "haproxy", "valord native")]
    for size, connections, who in [(64 * KIB, 16, everybody), (MIB, 4, native), (64 * MIB, 2, native)]:
        bench.say(f"echo of {size // KIB} KiB, {connections} connections")
        for server in bench.interleaved(who, 5 if size < MIB else 3):
            seconds = 2 if size > MIB else 1
            url = server.url(server.echo)
            bench.measure("echo", server, size, url, connections, seconds, body=size, bare=True)
    for server in native:
        url = server.url(server.echo)
        bench.syscalls("echo", server, 64 * KIB, url, 16, body=64 * KIB, bare=True)


def crowd(bench, hello_library, bench_library):
    """A hundred plugins at once, beside a hundred services behind nginx; and what more plugins cost the others."""
    count = 20 if bench.quick else 100
    bench.say(f"{count} plugins at once")
    many = servers.Valord(bench.dir, bench.bin, name="valord-many")
    try:
        peers = [(many, "valord native"), (servers.Nginx(bench.dir, bench.bin, count, "nginx-many"), "nginx")]
    except RuntimeError as error:
        bench.notes.append(f"{count} services behind nginx: {error}")
        peers = [(many, "valord native")]
    for i in range(1, count + 1):
        many.register(f"hello-{i}", hello_library)
    many.register("alone", hello_library)
    for server, name in peers:
        server.name = name
        for i in range(1, count + 1):
            server.ready(f"/hello-{i}")
    for number in bench.rounds(5):
        for server, _ in peers[::-1] if number % 2 else peers:
            url = server.url("/hello-NUMBER")
            bench.measure("many", server, count, url, 64, spread=count)
        # The same requests, by the same script, to one of them.
        bench.measure("one of many", many, count, many.url("/alone/NUMBER"), 64, spread=count)
    for server, name in peers:
        bench.memory("many", name, count, server.group.pids())


def neighbours(bench, hello_library, bench_library):
    """A healthy plugin alone, beside one that hangs and one that crashes, and beside two healthy ones, under as many requests of their own."""
    bench.say("a hanging and a crashing neighbour")
    house = servers.Valord(bench.dir, bench.bin, name="valord-mix")
    for name in ("hello", "one", "other"):
        house.register(name, hello_library)
    house.register("hangs", bench_library, "--timeout", "1s")
    house.register("crashes", bench_library)
    house.ready("/hello")

    def beside(who, *paths):
        loads = [load.start(house.url(path), 2, 2) for path in paths]
        time.sleep(0.2)
        bench.measure("neighbours", house, who, house.url("/hello"), 16, 2)
        for running in loads:
            load.finish(running, lenient=True)

    for _ in bench.rounds(7, 2):
        bench.measure("neighbours", house, "healthy", house.url("/hello"), 16, 2)
        beside("beside good ones", "/one", "/other")
        beside("beside bad ones", "/hangs/hang", "/crashes/crash")
        for name in ("hangs", "crashes"):
            house.ctl("restart", name, check=False)


def life(bench, plugins):
    """CPU and time from the word to ready: enable (a start, nothing else), register (with its inspection), replace."""
    bench.say("start, ready and replace")
    house = servers.Valord(bench.dir, bench.bin, name="valord-life")

    def timed(workload, name, *args):
        cpu, begin = house.group.cpu(), time.monotonic()
        house.ctl(*args)
        wall = time.monotonic() - begin
        # What goes on behind the answer belongs to it.
        time.sleep(0.1)
        bench.sample(workload, name, "", cpu=house.group.cpu() - cpu, wall=wall * 1e6)

    for name, spec in plugins.items():
        house.register("warm", *spec)
        house.ctl("unregister", "warm")
    for number in bench.rounds(7, 3):
        for name, spec in plugins.items():
            plugin = f"{name.replace(' ', '-')}-{number}"
            timed("register", name, "register", *spec, "--name", plugin)
            timed("replace", name, "replace", plugin, spec[0])
            house.ctl("disable", plugin)
            timed("start", name, "enable", plugin)
            house.ctl("unregister", plugin)


def idle(bench, plugins):
    """Private memory of idle plugins: all their processes together, a plugin."""
    for name, spec in plugins.items():
        for count in [1] if bench.quick else COUNTS.get(name, [1, 100]):
            bench.say(f"memory of {count} idle plugins: {name}")
            house = servers.Valord(bench.dir, bench.bin, name=f"idle-{name.replace(' ', '-')}-{count}")
            try:
                for i in range(count):
                    house.register(f"plugin-{i}", *spec)
                # Each has answered once.
                for i in range(count):
                    house.ready(f"/plugin-{i}")
                bench.memory("idle", name, count, house.plugin_pids(), count)
                bench.memory("idle daemon", name, count, [house.processes[0].pid])
                if name == "valord native":
                    house.name = name
                    for _ in bench.rounds(5):
                        bench.measure("beside", house, count, house.url("/plugin-0"), 64)
            finally:
                house.stop()


def peers_memory(bench, everybody):
    """Of whole servers, after the load."""
    for server in everybody:
        if not isinstance(server, Door):
            bench.memory("memory", server.name, "", server.group.pids())


def scaling(bench, trio):
    """What a request costs as connections, header fields and bodies grow."""
    bench.say("scaling")
    rounds = 2
    for connections in [4, 1024]:
        for server in bench.interleaved(trio, rounds):
            bench.measure("hello", server, connections, server.url(), connections)
    for fields in [0, 8, 16, 32, 64]:
        for server in bench.interleaved(trio, rounds):
            bench.measure("fields", server, fields, server.url(), 64, fields=fields)
    for size in [1, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB]:
        for server in bench.interleaved(trio, rounds):
            url = server.url(server.echo)
            bench.measure("body", server, size, url, 16, body=size, bare=True)


def settled(function, *args):
    """A workload that fails is named, and takes no other with it."""
    bench = args[0]
    if bench.only and function.__name__ not in bench.only:
        return
    if bench.left() < 0:
        bench.notes.append(f"{function.__name__}: time ran out")
        return
    try:
        function(*args)
    except (RuntimeError, OSError, ValueError, subprocess.SubprocessError, SystemExit) as error:
        bench.notes.append(f"{function.__name__}: {error}")
        bench.say(f"{function.__name__} has failed: {error}")
