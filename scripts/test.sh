#!/usr/bin/env bash
# npm test: sets up, then runs every check; `npm test -- pure lint` runs only those named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! scripts/setup.sh test; then
  echo '0 passed, 1 failed'
  exit 1
fi
exec node .build/scripts/checks/main.js "$@"
