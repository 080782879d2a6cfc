# shellcheck shell=bash
# What the gateway lives in, brought up to date with the image and the environment. Sourced.

# Seeds the workspace (what the agent or its owner changed stays theirs) and writes the gateway's openclaw.json. Safe to repeat.
prepare_gateway() {
  mkdir -p "$GATEWAY_STATE" "$WORKSPACE"
  # the image names the place of a browser that it need not have
  [ -x "${CHROMIUM_PATH:-}" ] || unset CHROMIUM_PATH
  node "$RUNTIME_ROOT/scripts/lib/prepare.ts" "$RUNTIME_ROOT/openclaw" "$GATEWAY_STATE" "$WORKSPACE"
}
