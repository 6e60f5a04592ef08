#!/bin/sh
# Installs Deno from npm into target/tools, and prints its path.
set -eu
cd "$(dirname "$0")/../../.."
version=2.9.6
dir=target/tools/deno-$version
mkdir -p target/tools
# Tests run side by side.
exec 9>target/tools/.lock
flock 9
if [ ! -e "$dir/complete" ]; then
  command -v npm >/dev/null || { echo "npm is missing: install node.js 18 or later with npm" >&2; exit 1; }
  mkdir -p "$dir"
  # The program itself is a package of its own for each machine.
  npm install --prefix "$dir" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error "deno@$version" >&2
  touch "$dir/complete"
fi
exec 9>&-
for program in "$dir"/node_modules/@deno/linux-*-glibc/deno; do
  [ -x "$program" ] && echo "$PWD/$program" && exit
done
echo "the package deno@$version has no program for this machine" >&2
exit 1
