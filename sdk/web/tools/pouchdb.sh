#!/bin/sh
# Installs PouchDB Server, a CouchDB-compatible database, into target/tools, and prints the program to run by node.
set -eu
cd "$(dirname "$0")/../../.."
version=4.2.0
dir=target/tools/pouchdb-server-$version
program=$dir/node_modules/pouchdb-server/bin/pouchdb-server
mkdir -p target/tools
# Tests run side by side.
exec 9>target/tools/.lock
flock 9
if [ ! -e "$dir/complete" ]; then
  command -v npm >/dev/null || { echo "npm is missing: install node.js 18 or later with npm" >&2; exit 1; }
  mkdir -p "$dir"
  # In memory it needs none of the native parts, so nothing is built.
  npm install --prefix "$dir" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error "pouchdb-server@$version" >&2
  touch "$dir/complete"
fi
exec 9>&-
echo "$PWD/$program"
