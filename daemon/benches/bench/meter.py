"""What a group of processes has used: CPU time, context switches, system calls, memory."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

CPUACCT = pathlib.Path("/sys/fs/cgroup/cpuacct")
UNIFIED = pathlib.Path("/sys/fs/cgroup")


class Group:
    """A control group for one server and everything that it starts, so that no child is forgotten, ended ones neither."""

    def __init__(self, name):
        self.old = (CPUACCT / "cpuacct.usage").exists()
        self.path = (CPUACCT if self.old else UNIFIED) / f"bench-{os.getpid()}-{name}"
        self.path.mkdir()

    def enter(self):
        """In the child, before exec."""
        (self.path / "cgroup.procs").write_text("0")

    def pids(self):
        return [int(pid) for file in self.path.rglob("cgroup.procs") for pid in file.read_text().split()]

    def cpu(self):
        """Microseconds, user and system."""
        if self.old:
            return int((self.path / "cpuacct.usage").read_text()) / 1000
        return float(re.search(r"usage_usec (\d+)", (self.path / "cpu.stat").read_text())[1])

    def switches(self):
        """Context switches of the threads that live: all, and the voluntary ones, which the work of others does not add to."""
        total = voluntary = 0
        for pid in self.pids():
            for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
                with contextlib.suppress(OSError):
                    own, forced = map(int, re.findall(r"ctxt_switches:\s+(\d+)", status.read_text()))
                    total, voluntary = total + own + forced, voluntary + own
        return total, voluntary

    def remove(self):
        for _ in range(100):
            try:
                return self.path.rmdir()
            except OSError:
                time.sleep(0.05)


def memory(pids):
    """Private and proportional memory of processes together, in bytes."""
    private = pss = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            private += sum(map(int, re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M)))
            pss += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    return private * 1024, pss * 1024


class Syscalls:
    """Counts the system calls of processes and their threads: by perf where it can, else by strace, which slows them."""

    def __init__(self, pids):
        self.perf = perf_counts()
        if self.perf:
            command = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", ",".join(map(str, pids))]
        else:
            command = ["strace", "-f", "-c", *[word for pid in pids for word in ("-p", str(pid))]]
        self.running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3 if self.perf else 1.0)

    def stop(self):
        self.running.send_signal(signal.SIGINT)
        _, text = self.running.communicate(timeout=30)
        if self.perf:
            return int(re.search(r"^(\d+),.*raw_syscalls", text, re.M)[1])
        return int(re.search(r"^\s*100\.00.*?(\d+)(?:\s+\d+)? total", text, re.M)[1])


def perf_counts():
    return perf_event("raw_syscalls:sys_enter")


def perf_event(event):
    """Whether perf counts `event` here; virtual machines often have no hardware counters."""
    if not shutil.which("perf"):
        return False
    done = subprocess.run(["perf", "stat", "-x,", "-e", event, "true"], capture_output=True, text=True)
    return done.returncode == 0 and re.search(r"^\d+,", done.stderr, re.M) is not None
