#!/usr/bin/env bash
# The control API as another implementation of gRPC sees it: health, reflection, a registration and its refusals, by the
# Python packages of the gRPC project. Usage: grpc.sh [DIRECTORY OF valord, valor-shim AND THE EXAMPLES]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "${1:-$here/../../../target/release}" && pwd)
[ -x "$bin/valord" ] || { echo "$bin/valord is missing: run \`make build\`" >&2; exit 1; }

venv=$here/../../../target/conformance-grpc
if ! [ -x "$venv/bin/python" ]; then
    python3 -m venv "$venv" || { echo "python3 with its venv module is missing: apt-get install python3-venv" >&2; exit 1; }
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
exec "$venv/bin/python" "$here/grpc_client.py" "$bin"
