# shellcheck shell=bash
# Where state lies. Sourced.

# Sets STATE_ROOT and the folders in it. The volume wins: only what lies on it survives a redeploy.
derive_paths() {
  STATE_ROOT=${RAILWAY_VOLUME_MOUNT_PATH:-${OPENCLAW_STATE_DIR:-}}
  [ -n "$STATE_ROOT" ] || die 'RAILWAY_VOLUME_MOUNT_PATH is missing (attach a volume), and so is OPENCLAW_STATE_DIR (name a folder): state must have a place'
  case $STATE_ROOT in /*) ;; *) die "the state's folder must be an absolute path, not $STATE_ROOT" ;; esac
  GATEWAY_STATE=$STATE_ROOT/openclaw
  GATEWAY_CONFIG=$GATEWAY_STATE/openclaw.json
  WORKSPACE=$STATE_ROOT/workspace
}

# Makes the folders. Says what to do when they cannot be made, for a fresh volume belongs to root.
make_folders() {
  local made
  made=$(mkdir -p "$STATE_ROOT" "$GATEWAY_STATE" "$WORKSPACE" 2>&1 && touch "$GATEWAY_STATE/.writable" 2>&1 && rm "$GATEWAY_STATE/.writable" 2>&1) ||
    die "cannot write to $STATE_ROOT as user $(id -u) ($made); it belongs to user $(stat -c %u "$STATE_ROOT" 2>/dev/null || printf '?'). On Railway set RAILWAY_RUN_UID=0; elsewhere give the folder to user $(id -u)"
}
