"""The load: wrk, one thread, kept connections, the same requests for everybody."""

import dataclasses
import json
import os
import pathlib
import subprocess

SCRIPT = pathlib.Path(__file__).parent / "load.lua"

# With Host the six fields of the hello workload.
FIELDS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip",
    "Accept-Language": "en",
    "User-Agent": "bench",
    "X-Request-Id": "0123456789abcdef",
}


@dataclasses.dataclass
class Load:
    """What one run of wrk has seen; latencies in microseconds, of a closed loop."""

    requests: int
    us: int
    bytes: int
    bad: int
    broken: int
    p50: int
    p99: int
    p999: int
    max: int

    @property
    def rate(self):
        return self.requests * 1e6 / self.us


def start(url, connections, seconds, body=0, fields=0, spread=0, bare=False):
    """Starts wrk. `fields`: header fields more; `spread`: NUMBER in the URL counts from 1 to it."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(SCRIPT)]
    for name, value in {} if bare else FIELDS.items():
        command += ["-H", f"{name}: {value}"]
    environment = os.environ | {
        "BENCH_BODY": str(body),
        "BENCH_FIELDS": str(fields),
        "BENCH_SPREAD": str(spread),
    }
    return subprocess.Popen([*command, url], stdout=subprocess.PIPE, text=True, env=environment)


def finish(running, lenient=False):
    """Waits for it. An answer that is not 2xx or a broken connection makes all figures worthless, unless `lenient`."""
    text, _ = running.communicate()
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if running.returncode != 0 or not lines:
        raise RuntimeError(f"wrk has failed: {' '.join(running.args)}\n{text}")
    load = Load(**json.loads(lines[-1]))
    if not lenient and (load.bad or load.broken or not load.bytes):
        raise RuntimeError(f"{running.args[-1]}: {load}")
    return load


def run(*args, lenient=False, **named):
    return finish(start(*args, **named), lenient)
