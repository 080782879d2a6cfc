# shellcheck shell=bash
# The right Node and the commands that belong to us. Sourced.

# Puts our commands on PATH. From a checkout, the workspace's Node comes first: the machine's may be too old.
set_node_path() {
  local bin
  for bin in "$RUNTIME_ROOT/../node_modules/.bin" "$RUNTIME_ROOT/node_modules/.bin" "$RUNTIME_ROOT/openclaw/bin"; do
    if [ -d "$bin" ]; then PATH=$(cd "$bin" && pwd -P):$PATH; fi
  done
  export PATH
  local version
  version=$(node --version 2>/dev/null) || version=none
  if [[ ! $version =~ ^v([0-9]+)\.([0-9]+) ]] || ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 24016)); then
    die "Node 24.16 or newer is needed; here is $version"
  fi
}

need_openclaw() {
  [ -f "$RUNTIME_ROOT/node_modules/openclaw/openclaw.mjs" ] || die "OpenClaw is not installed; run: npm ci --prefix $RUNTIME_ROOT"
}
