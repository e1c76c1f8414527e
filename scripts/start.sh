#!/usr/bin/env bash
# npm start: boots a microVM, runs `uname -a` in it and ends with its exit code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh run
echo 'start: smolvm run -- uname -a (boots a microVM, runs the command in it, removes the microVM)' >&2
exec node dist/cli/main.js run -- uname -a
