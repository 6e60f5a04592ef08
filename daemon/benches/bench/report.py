"""The report: everything as JSON, the tables as Markdown, the growth of costs as plots."""

import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess

import plot
import targets
from plot import short

TRIO = ["axum", "nginx", "valord native"]


def write(bench, out):
    out.mkdir(parents=True, exist_ok=True)
    found = targets.all_of(bench)
    data = {
        "machine": machine(),
        "build": build(bench),
        "peers": bench.peers,
        "missing": bench.missing,
        "notes": bench.notes,
        "targets": [dataclasses.asdict(target) for target in found],
        "figures": figures(bench),
    }
    (out / "bench.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    plots = dict(plotted(bench))
    for name, text in plots.items():
        (out / f"{name}.svg").write_text(text)
    text = "\n".join(markdown(bench, found, data["machine"], plots))
    (out / "bench.md").write_text(text + "\n")
    print(text)


def machine():
    model = [line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} × {model[0] if model else platform.machine()}, Linux {platform.release().split('-')[0]}"


def build(bench):
    commit = subprocess.run(
        ["git", "-C", pathlib.Path(__file__).parent, "describe", "--always", "--dirty"], capture_output=True, text=True
    )
    return f"profile {bench.bin.name}, commit {commit.stdout.strip() or 'unknown'}"


def figures(bench):
    """Of each measurement [median, least, most] over the rounds."""
    grouped = {}
    for sample in bench.samples:
        key = (sample["workload"], sample["server"], sample["at"])
        for name, value in sample.items():
            if name not in ("workload", "server", "at"):
                grouped.setdefault(key, {}).setdefault(name, []).append(value)
    return [
        {"workload": key[0], "server": key[1], "at": key[2]}
        | {name: [round(f(values), 3) for f in (statistics.median, min, max)] for name, values in each.items()}
        for key, each in grouped.items()
    ]


def cell(bench, workload, server, at, name, scale=1.0, form=",.0f"):
    """Median, and in brackets the least and the most of the rounds."""
    values = [value * scale for value in bench.values(workload, server, at, name)]
    if not values:
        return ""
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}–{max(values):{form}})"


def table(head, rows):
    rows = [row for row in rows if any(row[1:])]
    if rows:
        yield "| " + " | ".join(head) + " |"
        yield "|---" + "|---:" * (len(head) - 1) + "|"
        yield from ("| " + " | ".join(row) + " |" for row in rows)
        yield ""


def servers_of(bench, workload, at):
    return list(dict.fromkeys(s["server"] for s in bench.samples if (s["workload"], s["at"]) == (workload, at)))


def sizes_of(bench, workload):
    return sorted({s["at"] for s in bench.samples if s["workload"] == workload})


def markdown(bench, found, machine, plots):
    yield "# valord beside its peers"
    yield ""
    yield f"One interleaved run on {machine}; the load generator (wrk, one thread) shares the cores. Medians, with the least and the most"
    yield "of the rounds in brackets. CPU, context switches and system calls are those of all processes of a server together, user and system."
    yield "nginx and haproxy stand before the same axum over a Unix socket; nginx keeps request bodies above 128 KiB in files."
    yield f"Built with {build(bench)}; the load average was {bench.busy[0]:.1f} at the start and {os.getloadavg()[0]:.1f} at the end, on {os.cpu_count()} cores: of a run on a"
    yield "busy machine trust the ratios of CPU, the counts and the instructions, not the latencies."
    yield ""
    yield "## Targets"
    yield ""
    words = {True: "met", False: "**missed**", None: "not measured"}
    yield from table(
        ["target", "bound", "measured", ""],
        [[t.name, f"{t.bound} {t.unit}", "" if t.measured is None else f"{t.measured:.2f} {t.unit}", words[t.met]] for t in found],
    )
    for connections in [c for c in sizes_of(bench, "hello") if c in (1, 16, 64, 256)]:
        yield f"## hello, {connections} connection{'s' * (connections > 1)}"
        yield ""
        yield from loaded(bench, "hello", connections)
    for size in sizes_of(bench, "echo"):
        yield f"## echo of {short(size)}B"
        yield ""
        yield from streamed(bench, size)
    yield "## Many plugins, bad neighbours"
    yield ""
    for workload in ("many", "one of many", "neighbours", "beside"):
        for at in sizes_of(bench, workload):
            yield from loaded(bench, workload, at, f"{workload}: {at}")
    yield "## Start, ready, replace"
    yield ""
    yield "A start finds artifact and machine code in valord's cache, and ends with the plugin ready; a peer's ends with its first answer."
    yield ""
    kinds = [s for s in servers_of(bench, "start", "")]
    yield from table(
        ["", "start: CPU ms", "ms", "register: CPU ms", "ms", "replace: CPU ms", "ms"],
        [
            [kind]
            + [cell(bench, w, kind, "", name, 1e-3, ".1f") for w in ("start", "register", "replace") for name in ("cpu", "wall")]
            for kind in kinds
        ],
    )
    yield "## Idle memory, private, MB a plugin"
    yield ""
    counts = sizes_of(bench, "idle")
    kinds = list(dict.fromkeys(s["server"] for s in bench.samples if s["workload"] == "idle"))
    yield from table(
        ["", *[f"{n} plugins" for n in counts], *[f"the daemon, {n}" for n in counts]],
        [[k, *[cell(bench, w, k, n, "private", 1e-6, ".2f") for w in ("idle", "idle daemon") for n in counts]] for k in kinds],
    )
    yield from table(
        ["after the load, the whole server", "private MB", "PSS MB"],
        [[s, *[cell(bench, "memory", s, "", name, 1e-6, ".1f") for name in ("private", "pss")]] for s in servers_of(bench, "memory", "")],
    )
    yield from instructions(bench)
    yield "## How costs grow"
    yield ""
    yield from (f"![{name}]({name}.svg)" for name in plots)
    yield ""
    yield "## What was measured"
    yield ""
    yield from (f"- {name}: {what}" for name, what in bench.peers.items())
    yield from (f"- {name}: **not measured**, {why}" for name, why in bench.missing.items())
    yield from (f"- {note}" for note in bench.notes)


def loaded(bench, workload, at, first=""):
    yield from table(
        [first, "requests/s", "CPU µs", "switches", "system calls", "p50 µs", "p99 µs", "p99.9 µs"],
        [
            [
                server,
                cell(bench, workload, server, at, "rate"),
                cell(bench, workload, server, at, "cpu", form=".1f"),
                cell(bench, workload, server, at, "switches", form=".2f"),
                cell(bench, workload, server, at, "syscalls", form=".2f"),
                *[cell(bench, workload, server, at, name) for name in ("p50", "p99", "p999")],
            ]
            for server in servers_of(bench, workload, at)
        ],
    )


def streamed(bench, size):
    yield from table(
        ["", "requests/s", "MiB/s", "CPU µs", "CPU µs a MiB", "system calls", "p50 µs", "p99 µs"],
        [
            [
                server,
                cell(bench, "echo", server, size, "rate", form=",.1f" if size > 2**20 else ",.0f"),
                cell(bench, "echo", server, size, "mib"),
                cell(bench, "echo", server, size, "cpu"),
                cell(bench, "echo", server, size, "cpu_mib"),
                cell(bench, "echo", server, size, "syscalls", form=".1f"),
                *[cell(bench, "echo", server, size, name) for name in ("p50", "p99")],
            ]
            for server in servers_of(bench, "echo", size)
        ],
    )


def instructions(bench):
    at = sizes_of(bench, "instructions")
    if not at:
        return
    yield "## Instructions a request, user space"
    yield ""
    yield "Under callgrind, one request after the other; deterministic, and without the kernel's share."
    yield ""
    rows = [s for s in bench.samples if s["workload"] == "instructions"]
    yield from table(["", "instructions"], [[s["server"], f"{s['instructions']:,.0f}"] for s in rows])


def plotted(bench):
    rows = []
    for server in servers_of(bench, "hello", 64):
        values = bench.values("hello", server, 64, "cpu")
        if values:
            rows.append((server, statistics.median(values), min(values), max(values)))
    if rows:
        yield "hello", plot.bars("CPU a request: hello, 64 connections", "µs", sorted(rows, key=lambda row: row[1]))
    for name, workload, label in [
        ("connections", "hello", "connections"),
        ("fields", "fields", "header fields beside six"),
        ("body", "body", "bytes of body, echoed"),
        ("plugins", "beside", "plugins registered"),
    ]:
        series = {}
        for server in TRIO if workload != "beside" else servers_of(bench, "beside", 1):
            for size in sizes_of(bench, workload):
                values = bench.values(workload, server, size, "cpu")
                if values:
                    series.setdefault(server.removeprefix("idle-"), []).append((size, statistics.median(values), min(values), max(values)))
        if series and any(len(each) > 1 for each in series.values()):
            yield name, plot.lines(f"CPU a request as {label} grow", label, "µs", series)
    sizes = sizes_of(bench, "routes")
    if sizes:
        points = [(n, v := bench.figure("routes", "valord", n, "instructions"), v, v) for n in sizes]
        yield "routes", plot.lines("Instructions a request as plugins grow", "plugins registered", "instructions", {"valord": points})
