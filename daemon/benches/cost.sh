#!/usr/bin/env bash
# What one request costs: valord with the hello plugin beside the same answer in process under axum, interleaved in one
# run. CPU time, context switches and system calls are those of all server processes together. Instructions: guard.py.
# Needs root, wrk and strace (Debian packages).
set -euo pipefail
cd "$(dirname "$0")/../.."
bin=target/release rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-4}
make -s build >/dev/null
cargo build --release --locked -q -p valord --example axum_in_process
dir=$(mktemp -d)
strip -o "$dir/libhello.so" $bin/libhello_plugin.so
trap 'jobs -p | xargs -r kill; wait; rm -rf "$dir"' EXIT

axum() { exec "$@" $bin/examples/axum_in_process 127.0.0.1:8092; }
valord() { exec "$@" $bin/valord --listen 127.0.0.1:8091 --control "$dir/c.sock" --state-dir "$dir/state" 2>"$dir/valord.log"; }
port() { [[ $1 == axum ]] && echo 8092 || echo 8091; }
load() { # server connections seconds: the number of requests
  wrk -t1 -c"$2" -d"$3" -H 'Accept: */*' -H 'Accept-Encoding: gzip' -H 'Accept-Language: en' -H 'User-Agent: bench' \
    -H 'X-Request-Id: 0123456789abcdef' "http://127.0.0.1:$(port "$1")/hello" >"$dir/wrk"
  awk '/requests in/ {print $1}' "$dir/wrk"
}
ready() { # server: waits until it answers
  for _ in {1..300}; do
    [[ $(load "$1" 1 1s) -gt 0 ]] && ! grep -q Non-2xx "$dir/wrk" && return
    sleep 0.2
  done
  echo "$1 does not answer" >&2; exit 1
}
tree() { local p; for p in "$@"; do echo "$p"; tree $(pgrep -P "$p"); done; }
cpu() { local p; for p in "$@"; do awk '{print $14 + $15}' "/proc/$p/stat"; done | awk '{s += $1} END {print s * 10000}'; }
switches() { local p; for p in "$@"; do cat /proc/"$p"/task/*/status; done | awk '/ctxt_switches/ {s += $2} END {print s}'; }

valord & pid_valord=$!
axum & pid_axum=$!
for _ in {1..100}; do $bin/valorctl --control "$dir/c.sock" info >/dev/null 2>&1 && break; sleep 0.1; done
$bin/valorctl --control "$dir/c.sock" register "$dir/libhello.so" --name hello --prefix /hello >/dev/null
ready axum; ready valord

printf '%-8s %4s %9s %11s %9s %9s\n' server c req/s cpu-us/req switches syscalls
for ((round = 1; round <= rounds; round++)); do
  for c in 1 64; do
    for server in axum valord; do
      pid=pid_$server pids=$(tree "${!pid}")
      c0=$(cpu $pids) s0=$(switches $pids)
      n=$(load $server $c "${seconds}s")
      c1=$(cpu $pids) s1=$(switches $pids) rps=$(awk '/Requests\/sec/ {printf "%.0f", $2}' "$dir/wrk")
      attach=(); for p in $pids; do attach+=(-p "$p"); done
      timeout -s INT 4 strace -f -c -o "$dir/strace" "${attach[@]}" 2>/dev/null & tracer=$!
      sleep 1; m=$(load $server $c 1s); wait $tracer || true
      calls=$(awk '$NF == "total" {print $4}' "$dir/strace")
      awk -v s=$server -v c=$c -v r="$rps" -v n="$n" -v cpu=$((c1 - c0)) -v sw=$((s1 - s0)) -v calls="$calls" -v m="$m" \
        'BEGIN {printf "%-8s %4d %9d %11.1f %9.2f %9.2f\n", s, c, r, cpu / n, sw / n, calls / m}'
    done
  done
done
kill $pid_axum $pid_valord; wait || true
