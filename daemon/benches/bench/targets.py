"""The targets, each as a ratio or a figure of this one run. A report, not a test: nothing fails for them."""

import dataclasses

MIB = 2**20


@dataclasses.dataclass
class Target:
    """`measured` is None where it could not be measured."""

    name: str
    bound: str
    measured: float | None
    met: bool | None
    unit: str = "×"


def all_of(bench):
    hello = lambda server, at, name: bench.figure("hello", server, at, name)
    targets = []

    def at_most(name, bound, value, unit="×", digits=2):
        met = None if value is None else round(value, digits) <= bound
        targets.append(Target(name, f"≤ {bound:g}", value, met, unit))

    def at_least(name, bound, value):
        targets.append(Target(name, f"≥ {bound:g}", value, None if value is None else value >= bound))

    at_most("native hello, c=64: CPU beside axum in process", 1.5, ratio(hello, "valord native", "axum", 64, "cpu"))
    at_most("native hello, c=64: CPU beside nginx → UDS", 0.65, ratio(hello, "valord native", "nginx", 64, "cpu"))
    at_least("native hello, c=64: throughput beside nginx → UDS", 1.3, ratio(hello, "valord native", "nginx", 64, "rate"))
    added = difference(hello("valord native", 1, "p50"), hello("axum", 1, "p50"))
    at_most("native hello, c=1: p50 added over in process", 50, added, "µs", 0)
    # A timer now and then is no call of a request: one decimal.
    at_most("native hello, c=1: system calls a request", 9, hello("valord native", 1, "syscalls"), "", 1)
    # Preemption by what else the machine does is none of valord's; the tables have it.
    at_most("native hello, c=1: context switches a request (voluntary)", 3, hello("valord native", 1, "voluntary"), "", 1)
    echo = lambda server, at, name: bench.figure("echo", server, at, name)
    at_most("64 KiB echo: CPU beside nginx → UDS", 1.0, ratio(echo, "valord native", "nginx", 64 * 1024, "cpu"))
    at_most("WASI hello, c=64: CPU beside wasmtime serve", 1.0, ratio(hello, "valord wasi", "wasmtime serve", 64, "cpu"))
    at_most("JavaScript on Deno, c=64: CPU beside deno serve", 2.0, ratio(hello, "valord deno", "deno serve", 64, "cpu"))
    at_most("JavaScript on QuickJS, c=64: CPU beside deno serve", 2.0, ratio(hello, "valord quickjs", "deno serve", 64, "cpu"))
    mix = lambda at: bench.figure("neighbours", "valord-mix", at, "p99")
    at_most("p99 beside a hanging and a crashing plugin, to alone", 1.2, quotient(mix("beside bad ones"), mix("healthy")))
    # Any load beside it takes processors from it; what is told apart here is bad and good neighbours of the same load.
    change = quotient(mix("beside bad ones"), mix("beside good ones"))
    at_most("p99 beside a hanging and a crashing plugin, to two good ones", 1.2, change)
    start = bench.figure("start", "valord native", "", "cpu")
    at_most("sandboxed start of a native plugin to ready: CPU", 15, start and start / 1000, "ms", 1)
    for name, bound in [("native", 6), ("wasm", 12), ("wasi", 12), ("quickjs", 12)]:
        known = [bench.figure("idle", f"valord {name}", count, "private") for count in (100, 1)]
        idle = next((figure for figure in known if figure), None)
        at_most(f"idle plugin, {name}: private memory", bound, idle and idle / 1e6, "MB", 1)
    routes = quotient(bench.figure("routes", "valord", 500, "instructions"), bench.figure("routes", "valord", 1, "instructions"))
    at_most("500 plugins: instructions a request beside one plugin", 1.05, routes)
    return targets


def ratio(figure, ours, theirs, at, name):
    return quotient(figure(ours, at, name), figure(theirs, at, name))


def quotient(a, b):
    return a / b if a is not None and b else None


def difference(a, b):
    return a - b if a is not None and b is not None else None
