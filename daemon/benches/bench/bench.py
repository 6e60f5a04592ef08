"""One run of the benchmark: its samples, its bounds in time, and how one measurement is made."""

import os
import statistics
import sys
import tempfile
import time

import load
from meter import Syscalls, memory
from servers import Server


# Minutes that all rounds take, on a machine that does nothing else.
FULL = 14


class Bench:
    """Collects samples. A sample says what was done (`workload`), by whom (`server`), `at` which size, and the figures."""

    def __init__(self, bin, quick, minutes, peers, missing, only=None):
        self.bin, self.quick, self.only = bin, quick, only
        self.peers, self.missing = peers, missing
        self.temporary = tempfile.TemporaryDirectory(prefix="valor-bench-")
        self.dir = self.temporary.name
        self.end = time.monotonic() + 60 * (2 if quick else minutes)
        self.share = minutes / FULL
        # Of what else the machine did.
        self.busy = os.getloadavg()
        self.samples = []
        self.notes = []

    def rounds(self, full, quick=1):
        """Numbers of rounds; they end early when time runs out, after one at least."""
        count = quick if self.quick else max(1, round(full * self.share))
        for number in range(count):
            if number and self.left() < 0:
                self.notes.append(f"time ran out: {number} rounds instead of {count}")
                return
            yield number

    def interleaved(self, servers, full, quick=1):
        """Rounds in which everybody comes, in another order each time."""
        for number in self.rounds(full, quick):
            turn = number % len(servers)
            yield from servers[turn:] + servers[:turn]

    def sample(self, workload, server, at, **figures):
        self.samples.append({"workload": workload, "server": server, "at": at, **figures})

    def measure(self, workload, server, at, url, connections, seconds=1, **options):
        """Loads a server, and notes what that has cost it."""
        cpu, (switches, voluntary) = server.group.cpu(), server.group.switches()
        done = load.run(url, connections, seconds, **options)
        cpu, after = server.group.cpu() - cpu, server.group.switches()
        # A long stream may not end within the run.
        each = max(done.requests, 1)
        self.sample(
            workload,
            server.name,
            at,
            rate=done.rate,
            cpu=cpu / each,
            switches=(after[0] - switches) / each,
            voluntary=(after[1] - voluntary) / each,
            # Of the bytes that came back; a body that was cut off by the end of the run counts, too.
            mib=done.bytes / 2**20 / (done.us / 1e6),
            cpu_mib=cpu / (done.bytes / 2**20),
            p50=done.p50,
            p99=done.p99,
            p999=done.p999,
        )
        return done

    def syscalls(self, workload, server, at, url, connections, **options):
        """Counts system calls in a short round of its own, since counting costs."""
        with_counter = Syscalls(server.group.pids())
        try:
            done = load.run(url, connections, 1, **options)
        finally:
            count = with_counter.stop()
        self.sample(workload, server.name, at, syscalls=count / done.requests)

    def memory(self, workload, server, at, pids, share=1):
        private, pss = memory(pids)
        self.sample(workload, server, at, private=private / share, pss=pss / share, processes=len(pids) / share)

    def figure(self, workload, server, at, name):
        """The median of a figure, or None."""
        values = self.values(workload, server, at, name)
        return statistics.median(values) if values else None

    def values(self, workload, server, at, name):
        return [
            s[name]
            for s in self.samples
            if (s["workload"], s["server"], s["at"]) == (workload, server, at) and name in s
        ]

    def say(self, text):
        print(f"[{self.left():4.0f} s left] {text}", file=sys.stderr, flush=True)

    def left(self):
        return self.end - time.monotonic()

    def close(self):
        while Server.running:
            Server.running[-1].stop()
        self.temporary.cleanup()
