#!/usr/bin/env bash
# All variables of an agent, for local use. `keys.sh` prints them as an env file: what is set already, new tokens where one is missing.
# `keys.sh FILE` makes that file, or adds to it what it lacks; a value that is there is never touched.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
source "$(dirname "${BASH_SOURCE[0]}")/lib/init.sh"

random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# What can be made here; everything else is somebody's to give.
made() {
  case $1 in
  INSTANCE_ID) random 6 ;;
  INSTANCE_CONTROL_TOKEN | INSTANCE_SERVICES_TOKEN | OPENCLAW_GATEWAY_TOKEN | SETUP_PASSWORD) random 32 ;;
  esac
}

# The example's lines, each with a value where there is one; without those whose variables file $1 has.
fill_in() {
  local line name
  while IFS= read -r line; do
    if [[ ! $line =~ ^#?\ ?([A-Z][A-Z0-9_]*)=(.*)$ ]]; then
      [ -n "$1" ] || printf '%s\n' "$line"
      continue
    fi
    name=${BASH_REMATCH[1]}
    if [ -n "$1" ] && grep -Eq "^#? ?$name=" "$1"; then continue; fi
    if [ -n "${!name:-}" ]; then
      printf '%s=%s\n' "$name" "${!name}"
    elif [[ $line == \#* ]]; then
      printf '%s\n' "$line"
    else
      printf '%s=%s\n' "$name" "${BASH_REMATCH[2]:-$(made "$name")}"
    fi
  done <"$RUNTIME_ROOT/.env.example"
}

case $# in
0) fill_in '' ;;
1)
  if [ -e "$1" ]; then
    missing=$(fill_in "$1")
    if [ -n "$missing" ]; then printf '%s\n' "$missing" >>"$1"; fi
    say "$1 has all variables; $(grep -c . <<<"$missing" || true) were added"
  else
    fill_in '' >"$1"
    say "$1 is made; fill in the keys that it lacks"
  fi
  ;;
*) die 'usage: keys.sh [FILE]' ;;
esac
