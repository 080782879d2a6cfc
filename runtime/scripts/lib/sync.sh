# shellcheck shell=bash
# The workspace and the gateway's configuration, brought up to date. Sourced.

# Seeds the workspace; what the agent or its owner changed stays theirs.
sync_workspace() {
  node "$RUNTIME_ROOT/scripts/lib/sync-workspace.ts" "$RUNTIME_ROOT/openclaw/workspace" "$WORKSPACE" "$GATEWAY_STATE/workspace.sha256"
}

apply_config() {
  # the image names the place of a browser that it need not have
  [ -x "${CHROMIUM_PATH:-}" ] || unset CHROMIUM_PATH
  OPENCLAW_WORKSPACE_DIR=$WORKSPACE node "$RUNTIME_ROOT/scripts/lib/write-config.ts" "$RUNTIME_ROOT/openclaw/openclaw.json" "$GATEWAY_CONFIG"
}
