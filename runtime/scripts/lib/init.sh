# shellcheck shell=bash
# What every script begins with: strictness, where we are, how we speak. Sourced.
set -Eeuo pipefail
umask 077

RUNTIME_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
export RUNTIME_ROOT

say() { printf 'runtime: %s\n' "$*" >&2; }

# Configuration errors: nothing that a restart would cure.
die() {
  say "$@"
  exit 78
}
