#!/usr/bin/env bash
# Brings the workspace and the gateway's openclaw.json up to date with the image and the environment. Safe to repeat.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
source "$(dirname "${BASH_SOURCE[0]}")/lib/init.sh"
source "$RUNTIME_ROOT/scripts/lib/paths.sh"
source "$RUNTIME_ROOT/scripts/lib/node-path.sh"
source "$RUNTIME_ROOT/scripts/lib/sync.sh"

derive_paths
make_state_root
set_node_path
prepare_gateway
