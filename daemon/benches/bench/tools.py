"""What is needed from elsewhere. The peers are installed once, outside of the clone; what cannot be had is named."""

import functools
import os
import pathlib
import shutil
import subprocess
import sys

CACHE = pathlib.Path(
    os.environ.get("VALOR_BENCH_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "valor-bench"
)

DENO = "2.9.8"
WORKERD = "1.20261117.1"
WASMTIME = "48.0.8"

# Of wasmtime's command line what `serve` takes; it does not compile without the first and third.
WASMTIME_FEATURES = "run,serve,component-model-async,cranelift,component-model,pooling-allocator,parallel-compilation"


class Missing(Exception):
    """Why a peer cannot be measured here."""


def debian(*programs):
    """Installs what is not there: (program, package)."""
    packages = [package for program, package in programs if not shutil.which(program)]
    if packages:
        quietly("apt-get", "update", "-qq")
        quietly("apt-get", "install", "-y", "-qq", *packages)


def quietly(*command):
    print("  $", *command, file=sys.stderr)
    try:
        done = subprocess.run(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise Missing(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        raise Missing(f"`{' '.join(map(str, command))}` has failed: {done.stdout.strip()[-300:]}")


def version(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown"


# What was tried in vain is not tried again.
FAILED = {}


def installed(program, *install):
    """The program in the cache, after the command `install` if it must be."""
    path = CACHE / program
    if not path.exists():
        if program in FAILED:
            raise FAILED[program]
        CACHE.mkdir(parents=True, exist_ok=True)
        try:
            quietly(*install)
        except Missing as why:
            FAILED[program] = why
            raise
    if not path.exists():
        raise Missing(f"its installation has left no {path.name}")
    return path


@functools.cache
def nginx():
    debian(("nginx", "nginx-light"))
    return "nginx"


@functools.cache
def haproxy():
    debian(("haproxy", "haproxy"))
    return "haproxy"


@functools.cache
def deno():
    target = CACHE / "deno"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--target", target, f"deno=={DENO}"]
    return installed("deno/bin/deno", *pip)


@functools.cache
def workerd():
    prefix = CACHE / "workerd"
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", prefix, f"workerd@{WORKERD}"]
    arch = {"x86_64": "64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    return installed(f"workerd/node_modules/@cloudflare/workerd-linux-{arch}/bin/workerd", *npm)


@functools.cache
def wasmtime():
    root = CACHE / "wasmtime"
    cargo = ["cargo", "install", "--locked", "--root", root, "--no-default-features"]
    cargo += ["--features", WASMTIME_FEATURES, f"wasmtime-cli@{WASMTIME}"]
    return installed("wasmtime/bin/wasmtime", *cargo)


def peers():
    """Installs what is not there yet: what each is, and why one is not to be had."""
    found, missing = {}, {"NGINX Unit": "Debian has no package of it any more"}
    for name, get, flag in [
        ("nginx", nginx, "-v"),
        ("haproxy", haproxy, "-v"),
        ("wasmtime serve", wasmtime, "--version"),
        ("deno serve", deno, "--version"),
        ("workerd", workerd, "--version"),
    ]:
        try:
            found[name] = version(str(get()), flag)
        except Missing as why:
            missing[name] = str(why)
    return found, missing
