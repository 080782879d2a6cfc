#!/usr/bin/env bash
# Starts an agent: checks what it was given, prepares its state, and becomes the agent server. The image's ENTRYPOINT and the provider's
# start command both come here.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
source "$(dirname "${BASH_SOURCE[0]}")/lib/init.sh"
source "$RUNTIME_ROOT/scripts/lib/paths.sh"
source "$RUNTIME_ROOT/scripts/lib/env-load.sh"
source "$RUNTIME_ROOT/scripts/lib/node-path.sh"
source "$RUNTIME_ROOT/scripts/lib/sync.sh"

load_env_file
# while root may be here: a mounted secret is often root's alone
load_secret_files
derive_paths

# Root is needed for one thing only: a volume that belongs to it. AGENT_USER is set in the image alone.
if [ "$(id -u)" -eq 0 ] && [ -n "${AGENT_USER:-}" ]; then
  uid=$(id -u "$AGENT_USER") gid=$(id -g "$AGENT_USER")
  hand_over_state "$uid" "$gid"
  HOME=$(getent passwd "$AGENT_USER" | cut -d: -f6)
  export HOME
  exec setpriv --reuid="$uid" --regid="$gid" --init-groups "$RUNTIME_ROOT/scripts/entrypoint.sh"
fi

if [ -z "${OPENROUTER_API_KEY:-}${ANTHROPIC_API_KEY:-}" ]; then
  say 'OPENROUTER_API_KEY is missing: the agent cannot think until it is given one'
fi
require \
  INSTANCE_ID 'the name of this box; services give it, locally any word will do' \
  INSTANCE_CONTROL_TOKEN 'with it services provision this box; any long random text, e.g. from openssl rand -hex 32' \
  OPENCLAW_GATEWAY_TOKEN 'with it the owner opens the Control UI; any long random text, another than the control token'
make_state_root
set_node_path
if [ "${AGENT_ENGINE:-openclaw}" != lite ]; then
  need_openclaw
  # the gateway does it again at its start; what is wrong is to be seen before the box listens
  prepare_gateway
fi

server=$RUNTIME_ROOT/server/dist/index.js
[ -f "$server" ] || server=$RUNTIME_ROOT/server/src/index.ts
# What the agent decides to run is run by the same user, who can read in /proc what any process here was started with. So what commands the box
# is handed over by a pipe, which is empty once the server has read it.
exec 3<<<"$INSTANCE_CONTROL_TOKEN"
unset INSTANCE_CONTROL_TOKEN SETUP_PASSWORD
export INSTANCE_CONTROL_TOKEN_FD=3
# an init of our own, as the provider's start command takes the place of the image's: it reaps what tools leave behind
if command -v tini >/dev/null; then set -- tini -s --; else set --; fi
exec "$@" node --enable-source-maps "$server"
