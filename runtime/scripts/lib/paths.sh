# shellcheck shell=bash
# Where state lies. Sourced.
# shellcheck disable=SC2034 # what is set here is used by those who source this

# Sets STATE_ROOT and the folders in it. The volume wins: only what lies on it survives a redeploy.
derive_paths() {
  STATE_ROOT=${RAILWAY_VOLUME_MOUNT_PATH:-${OPENCLAW_STATE_DIR:-}}
  [ -n "$STATE_ROOT" ] || die 'RAILWAY_VOLUME_MOUNT_PATH is missing (attach a volume), and so is OPENCLAW_STATE_DIR (name a folder): state must have a place'
  [[ $STATE_ROOT == /* ]] || die "the folder of the state must be an absolute path, not $STATE_ROOT"
  if [ -n "${RAILWAY_ENVIRONMENT_ID:-}" ] && [ -z "${RAILWAY_VOLUME_MOUNT_PATH:-}" ]; then
    say "no volume is attached: what lies in $STATE_ROOT is gone after the next deployment"
  fi
  GATEWAY_STATE=$STATE_ROOT/openclaw
  WORKSPACE=$STATE_ROOT/workspace
}

# A fresh volume belongs to root: says so, and what to do about it.
make_state_root() {
  mkdir -p "$STATE_ROOT" 2>/dev/null || true
  [ -d "$STATE_ROOT" ] && [ -w "$STATE_ROOT" ] && [ -x "$STATE_ROOT" ] && return
  local owner
  owner=$(stat -c %u "$STATE_ROOT" 2>/dev/null || printf nobody)
  die "user $(id -u) cannot write to $STATE_ROOT (owner: $owner). On Railway set RAILWAY_RUN_UID=0: the volume is then handed over at start, and root given up. Elsewhere: chown -R $(id -u) the folder"
}

# As root: gives the state to user $1 and group $2, whoever had it. Again at each start, as the last one may have been cut short.
hand_over_state() {
  mkdir -p "$STATE_ROOT"
  find "$STATE_ROOT" ! -user "$1" -exec chown -h "$1:$2" {} +
}
