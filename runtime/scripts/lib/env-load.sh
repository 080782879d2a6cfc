# shellcheck shell=bash
# The environment: values from files, and what must be there. Sourced.

SECRETS=(INSTANCE_CONTROL_TOKEN INSTANCE_SERVICES_TOKEN OPENCLAW_GATEWAY_TOKEN SETUP_PASSWORD OPENROUTER_API_KEY ANTHROPIC_API_KEY
  AGENTMAIL_API_KEY TELNYX_API_KEY BANKR_API_KEY PRIVATE_WALLET_KEY)

# A checkout may have a runtime/.env; the image has none. What is set already wins.
load_env_file() {
  local file=$RUNTIME_ROOT/.env line name
  [ -f "$file" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.+)$ ]] || continue
    name=${BASH_REMATCH[1]}
    [ -n "${!name:-}" ] || export "$name=${BASH_REMATCH[2]}"
  done <"$file"
}

# NAME_FILE names a file that holds NAME, as mounted secrets come. Both at once would be two truths.
load_secret_files() {
  local name file
  for name in "${SECRETS[@]}"; do
    file=${name}_FILE
    [ -n "${!file:-}" ] || continue
    [ -z "${!name:-}" ] || die "$name and $file are both set: keep one of them"
    [ -r "${!file}" ] || die "$file names ${!file}, which cannot be read"
    export "$name=$(<"${!file}")"
    [ -n "${!name}" ] || die "$file names ${!file}, which is empty"
    unset "$file"
  done
}

# require NAME 'what to do about it' …: tells all that are missing before it gives up.
require() {
  local missing=0
  while [ "$#" -gt 0 ]; do
    if [ -z "${!1:-}" ]; then
      say "$1 is missing: $2"
      missing=1
    fi
    shift 2
  done
  [ "$missing" -eq 0 ] || die 'see runtime/.env.example, or let scripts/keys.sh make what can be made'
}
