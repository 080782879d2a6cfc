# shellcheck shell=bash
# The environment: values from files, and what must be there. Sourced.

SECRETS=(INSTANCE_CONTROL_TOKEN INSTANCE_SERVICES_TOKEN OPENCLAW_GATEWAY_TOKEN OPENROUTER_API_KEY ANTHROPIC_API_KEY
  AGENTMAIL_API_KEY TELNYX_API_KEY BANKR_API_KEY PRIVATE_WALLET_KEY)

# NAME_FILE names a file with the value of NAME, as secrets are mounted. Both at once would be two truths.
load_secret_files() {
  local name file
  for name in "${SECRETS[@]}"; do
    file=${name}_FILE
    [ -n "${!file:-}" ] || continue
    [ -z "${!name:-}" ] || die "$name and $file are both set: keep one of them"
    [ -r "${!file}" ] || die "$file names ${!file}, which cannot be read"
    export "$name=$(<"${!file}")"
    unset "$file"
  done
}

# require NAME 'what to do about it' [NAME 'what' …]: all that is missing is told at once.
require() {
  local missing=0
  while [ "$#" -gt 0 ]; do
    if [ -z "${!1:-}" ]; then
      say "$1 is missing: $2"
      missing=1
    fi
    shift 2
  done
  [ "$missing" -eq 0 ] || die 'see runtime/.env.example, or let scripts/keys.sh make the variables'
}
