# shellcheck shell=bash
# The workspace and the gateway's configuration, brought up to date. Sourced.

# Seeds the workspace; what the agent or its owner changed stays theirs.
sync_workspace() {
  local seed=$RUNTIME_ROOT/openclaw/workspace
  [ -d "$seed" ] || return 0
  node "$RUNTIME_ROOT/scripts/lib/sync-workspace.ts" "$seed" "$WORKSPACE" "$GATEWAY_STATE/workspace.sha256"
}

apply_config() {
  OPENCLAW_WORKSPACE_DIR=$WORKSPACE node "$RUNTIME_ROOT/scripts/lib/write-config.ts" "$RUNTIME_ROOT/openclaw/openclaw.json" "$GATEWAY_CONFIG"
}
