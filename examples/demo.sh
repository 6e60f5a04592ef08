#!/usr/bin/env bash
# Starts valord with every example, shows each of them answering, and leaves it running: `make demo`, `make demo-stop`.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=target/release
dir=target/demo
# The control socket wants a directory that nobody else can write to, which a clone may not be.
run=${XDG_RUNTIME_DIR:-/tmp}/valor-demo-$(id -u)
control=$run/control.sock
pidfile=$dir/valord.pid

# The pid in the file, if it still is the valord that we started.
running() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && ((pid > 1)) || return 1
  [[ $(readlink "/proc/$pid/exe") == "$(realpath $bin)/valord"* ]] && echo "$pid"
}

stop() {
  local pid
  pid=$(running) || return 0
  kill -TERM "$pid"
  for _ in {1..300}; do
    [[ -e /proc/$pid ]] || return 0
    sleep 0.1
  done
  echo "valord (pid $pid) does not stop" >&2
  return 1
}

# http METHOD PATH [BODY]: prints the status line and the body; needs no curl.
http() {
  local method=$1 path=$2 body=${3-} answer
  exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}"
  printf '%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
    "$method" "$path" "$listen" "$(printf %s "$body" | wc -c)" "$body" >&3
  answer=$(tr -d '\r' <&3)
  exec 3>&-
  printf '%-4s %-42s %s\n' "$method" "$path" "${answer%%$'\n'*}"
  printf '%s\n' "${answer#*$'\n\n'}" | sed 's/^/       /'
  [[ $answer == "HTTP/1.1 200"* ]]
}

start() {
  listen=$1
  stop
  rm -rf "$dir"
  mkdir -p "$dir"
  mkdir -p -m 700 "$run"

  $bin/valord --listen "$listen" --control "$control" --state-dir $dir/state --plugins examples/plugins.json \
    </dev/null >$dir/valord.log 2>&1 &
  echo $! >$pidfile
  disown
  ctl() { $bin/valorctl --control "$control" "$@"; }
  for _ in {1..100}; do
    ctl info >/dev/null 2>&1 && break
    running >/dev/null || { cat $dir/valord.log >&2; echo "valord did not start: is $listen taken? (DEMO_LISTEN=ADDR:PORT make demo)" >&2; exit 1; }
    sleep 0.1
  done

  # examples/plugins.json has brought `hello` and `with-state` as Alice and Bob; the others come through the control API.
  ctl register $bin/libhello_c_plugin.so --name hello-c --prefix /hello-c
  ctl register target/wasm32-unknown-unknown/release/hello_plugin.wasm --name hello-wasm --prefix /hello-wasm
  ctl register $bin/hello_wasi.wasm --name hello-wasi --prefix /hello-wasi --allow-net "$listen" --allow-env GREETING=hello
  ctl register examples/hello-js/hello.js
  ctl register examples/with-state-js/with-state.js --config '"Alice"'
  ctl register $bin/libaxum_router_plugin.so --name axum-router --prefix /axum
  ctl register $bin/libmarkdown_plugin.so --name markdown --prefix /markdown
  ctl register $bin/libfetch_plugin.so --name fetch --prefix /fetch --allow-net "$listen"

  echo
  ctl list
  echo
  http GET /hello
  http GET '/alice?who=you'
  http GET '/bob?who=you'
  http GET /hello-c
  http GET /hello-wasm
  http GET /hello-wasi
  http GET /hello-wasi/env
  http GET "/hello-wasi/fetch?http://$listen/hello-js"
  http GET /hello-js
  http GET '/with-state-js?who=you'
  http GET /axum/
  http POST /markdown $'# Markdown\n\nin, *HTML* out'
  http GET '/fetch?url=/hello'
  http GET "/fetch?url=http://$listen/hello-c"

  cat <<EOF

valord (pid $(cat $pidfile)) serves on http://$listen; \`make demo-stop\` ends it. Try:

  curl -i http://$listen/hello
  curl --data-binary @README.md http://$listen/markdown
  export VALOR_CONTROL=$control PATH=$PWD/$bin:\$PATH
  valorctl list
  valorctl inspect hello
  valorctl register ./$bin/libhello_plugin.so --name again --prefix /again
  valorctl logs -f hello
EOF
}

case ${1-} in
  start) start "${2:-127.0.0.1:8080}" ;;
  stop) stop ;;
  *) echo "usage: $0 start [ADDR:PORT] | stop" >&2; exit 2 ;;
esac
