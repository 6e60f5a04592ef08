#!/usr/bin/env python3
"""valord beside its peers, in one interleaved run: `make bench`, or `make bench QUICK=1` for two minutes.

    bench [--quick | --minutes N] [--only WORKLOAD,..] [--out DIR] [BIN]    BIN: where the build is, target/release unless named

Needs root (control groups, a plugin's memory). Writes DIR/bench.json, bench.md and *.svg; the first measurement
installs the peers, which takes longer. No figure fails anything.
"""

import argparse
import os
import pathlib
import sys
import time

import instructions
import report
import servers
import tools
import workloads
from bench import FULL, Bench
from servers import Door, Server, stripped

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, default=FULL, help="fewer rounds in less time")
    parser.add_argument("--only", type=lambda names: names.split(","), help="these workloads, such as hello,life,idle")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/bench")
    parser.add_argument("bin", nargs="?", type=pathlib.Path, default=ROOT / "target/release")
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root, for control groups and the memory of plugins")
    tools.debian(("wrk", "wrk"), ("perf", "linux-perf"), ("strace", "strace"), ("valgrind", "valgrind"))
    peers, missing = tools.peers()
    bench = Bench(args.bin.resolve(), args.quick, args.minutes, peers, missing, args.only)
    try:
        run(bench)
    finally:
        bench.close()
    report.write(bench, args.out)


def run(bench):
    bin, dir = bench.bin, bench.dir
    native, busy = stripped(bin / "libhello_plugin.so", dir), stripped(bin / "libvalor_test_bench_plugin.so", dir)
    plugins = {"valord native": [native]} | guests(bench)
    valord = servers.Valord(dir, bin)
    doors = house(bench, valord, plugins, busy)
    peers = [server for make in PEERS if (server := started(bench, make)) is not None]
    everybody = peers + doors
    for server in doors:
        server.ready()
    trio = [server for server in everybody if server.name in ("axum", "nginx", "valord native")]
    workloads.settled(workloads.hello, bench, everybody)
    workloads.settled(workloads.echo, bench, everybody)
    workloads.settled(workloads.peers_memory, bench, peers)
    workloads.settled(instructions.all_of, bench)
    if not bench.quick:
        workloads.settled(workloads.scaling, bench, trio)
    workloads.settled(workloads.neighbours, bench, native, busy)
    workloads.settled(workloads.life, bench, plugins)
    workloads.settled(workloads.idle, bench, plugins)
    workloads.settled(workloads.crowd, bench, native, busy)


PEERS = [
    lambda bench: servers.Axum(bench.dir, bench.bin),
    lambda bench: servers.Nginx(bench.dir, bench.bin),
    lambda bench: servers.Haproxy(bench.dir, bench.bin),
    lambda bench: servers.Wasmtime(bench.dir, bench.bin),
    lambda bench: servers.Deno(bench.dir),
    lambda bench: servers.Workerd(bench.dir),
]


def started(bench, make):
    """A peer that answers, and what that has cost it; or None: what cannot be had is in the report."""
    begin = time.monotonic()
    try:
        server = make(bench).ready()
    except tools.Missing:
        return None
    except RuntimeError as error:
        bench.missing[Server.running[-1].name] = str(error).splitlines()[0]
        Server.running[-1].stop()
        return None
    bench.sample("start", server.name, "", cpu=server.group.cpu(), wall=(time.monotonic() - begin) * 1e6)
    return server


def guests(bench):
    """Files and options of the same answers: as a module, as a component and in JavaScript, as far as they are built."""
    files = {
        "valord deno": [servers.PEERS / "hello.js", "--engine", "deno"],
        "valord quickjs": [servers.PEERS / "hello.js"],
        "valord wasm": [bench.bin.parent / "wasm32-unknown-unknown" / bench.bin.name / "hello_plugin.wasm"],
        "valord wasi": [bench.bin / "hello_wasi.wasm"],
    }
    for name, (file, *_) in files.items():
        if not file.exists():
            bench.missing[name] = f"{file.name} is not built"
    return {name: spec for name, spec in files.items() if spec[0].exists()}


def house(bench, valord, plugins, busy):
    """The plugins of one valord, each a server of its own to the workloads; the native one has two libraries."""
    valord.register("bench", busy)
    doors = []
    for name, spec in list(plugins.items()):
        plugin = name.split()[1]
        try:
            valord.register(plugin, *spec)
        except RuntimeError as error:
            bench.missing[name] = str(error).splitlines()[0].replace(f"{ROOT}/", "")
            del plugins[name]
            continue
        echo = {"native": "/bench/echo", "wasi": "/wasi/echo", "quickjs": "/quickjs", "deno": "/deno"}.get(plugin)
        doors.append(Door(name, valord, f"/{plugin}", echo))
    return doors


if __name__ == "__main__":
    main()
