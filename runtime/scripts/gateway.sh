#!/usr/bin/env bash
# Becomes the OpenClaw gateway, on loopback. The agent server starts it, as often as needed, in a process group of its own and with these
# variables only: PATH HOME RAILWAY_VOLUME_MOUNT_PATH | OPENCLAW_STATE_DIR, RAILWAY_PUBLIC_DOMAIN, CHROMIUM_PATH, INSTANCE_ID, XMTP_ENV,
# OPENCLAW_GATEWAY_TOKEN OPENCLAW_GATEWAY_PORT OPENCLAW_HEAP_MB, OPENROUTER_API_KEY OPENROUTER_API_URL OPENCLAW_PRIMARY_MODEL ANTHROPIC_API_KEY,
# SERVICES_URL INSTANCE_SERVICES_TOKEN, AGENT_LINK_URL AGENT_LINK_TOKEN AGENT_ENV_FILE, and those of the tools.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
source "$(dirname "${BASH_SOURCE[0]}")/lib/init.sh"
source "$RUNTIME_ROOT/scripts/lib/paths.sh"
source "$RUNTIME_ROOT/scripts/lib/env-load.sh"
source "$RUNTIME_ROOT/scripts/lib/node-path.sh"
source "$RUNTIME_ROOT/scripts/lib/sync.sh"

require OPENCLAW_GATEWAY_TOKEN 'the token of the Control UI, and of whoever else talks to the gateway'
derive_paths
make_state_root
set_node_path
need_openclaw
# again at each start: a claim may have changed the model or the key meanwhile, a reset has wiped both folders
prepare_gateway

export OPENCLAW_STATE_DIR=$GATEWAY_STATE OPENCLAW_CONFIG_PATH=$GATEWAY_STATE/openclaw.json OPENCLAW_WORKSPACE_DIR=$WORKSPACE
# what the agent's commands keep beside their work goes with the rest on a reset
export HOME=$GATEWAY_STATE/home
mkdir -p "$HOME"
# the image is the version: nothing updates, announces, fetches or rewrites itself
export OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_CONFIG_READONLY=1 OPENCLAW_OFFLINE=1 DO_NOT_TRACK=1
# who starts this by hand may have them; the agent's tools must not
unset INSTANCE_CONTROL_TOKEN SETUP_PASSWORD

cd "$WORKSPACE"
exec node --max-old-space-size="${OPENCLAW_HEAP_MB:-768}" --max-semi-space-size=4 \
  "$RUNTIME_ROOT/node_modules/openclaw/openclaw.mjs" gateway run --port "${OPENCLAW_GATEWAY_PORT:-18789}"
