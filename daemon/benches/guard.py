#!/usr/bin/env python3
"""The guard against regressions: instructions per request under callgrind, beside the committed figures.

    guard.py [--update] [BIN]        BIN: where the release build is, target/release unless named

Each program answers requests one after the other in its own process; a long run less a short one leaves the
requests alone. Instructions are user-space only and of the threads that are named below. A figure that is more than
TOLERANCE above the committed one fails; one that is as far below says that it wants to be committed (--update).
Needs valgrind (a Debian package).
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
FIGURES = HERE / "guard.txt"
TOLERANCE = 0.04
SHORT, LONG = 300, 2300

# Name, program, arguments before the number of requests, the threads that count (by the order of their start).
PROGRAMS = [
    ("codec", "examples/codec_alone", [], [1]),
    ("plane", "examples/plane_alone", [], [2]),
    ("shim", "examples/serve_alone", ["libhello_plugin.so"], [3]),
    ("js", "examples/js_alone", [HERE / "bench/peers/hello.js"], [3]),
]


def instructions(bin, program, args, requests, threads, after=()):
    with tempfile.TemporaryDirectory() as dir:
        out = pathlib.Path(dir) / "callgrind"
        command = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}"]
        command += [bin / program, *[bin / arg for arg in args], str(requests), *map(str, after)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        if done.returncode != 0:
            sys.exit(f"{program} {requests} has failed:\n{done.stdout.decode(errors='replace')}")
        total = 0
        for thread in threads:
            text = pathlib.Path(f"{out}-{thread:02}").read_text()
            total += int(re.search(r"^(?:totals|summary): (\d+)", text, re.M).group(1))
        return total


def per_request(bin, program, args, threads):
    runs = [instructions(bin, program, args, requests, threads) for requests in (SHORT, LONG)]
    return (runs[1] - runs[0]) / (LONG - SHORT)


def main():
    args = sys.argv[1:]
    update = "--update" in args
    args = [arg for arg in args if arg != "--update"]
    bin = pathlib.Path(args[0] if args else HERE / "../../target/release").resolve()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed: apt-get install valgrind")
    committed = dict(line.split() for line in FIGURES.read_text().splitlines() if line and line[0] != "#")
    failed, lines = False, []
    print(f"{'':8}{'measured':>10}{'committed':>11}{'':>8}")
    for name, program, before, threads in PROGRAMS:
        figure = per_request(bin, program, before, threads)
        known = float(committed.get(name, 0))
        change = figure / known - 1 if known else 0
        worse = not known or change > TOLERANCE
        word = "worse" if worse else "better: --update" if change < -TOLERANCE else ""
        failed |= worse and not update
        print(f"{name:8}{figure:10.0f}{known:11.0f}{change:+8.1%}  {word}")
        lines.append(f"{name:8}{figure:8.0f}")
    if update:
        kept = [line for line in FIGURES.read_text().splitlines() if line.startswith("#")]
        FIGURES.write_text("\n".join(kept + lines) + "\n")
    if failed:
        sys.exit("a request costs more than it did: make it cheaper, or say in the commit why it must, with --update")


if __name__ == "__main__":
    main()
