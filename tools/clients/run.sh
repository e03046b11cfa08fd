#!/usr/bin/env bash
# Starts a cluster and lets the clients that people use talk to it. A client whose registry cannot be reached is skipped, with the reason.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/.cache/clients
mkdir -p "$cache/node"
cp "$here"/*.mjs "$here/package.json" "$cache/node/"
unreachable='NewConnectionError|ConnectTimeout|Max retries|Retrying \(|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN'
skipped=()

# install NAME PINS COMMAND... runs the command unless these pins are installed. Where the registry cannot be reached, NAME is skipped;
# any other error ends the run.
install() {
	local name=$1 pins=$2 log=$cache/$1.log
	shift 2
	cmp -s "$pins" "$cache/$name.installed" && return
	rm -f "$cache/$name.installed"
	if "$@" >"$log" 2>&1; then
		cp "$pins" "$cache/$name.installed"
	elif grep -Eq "$unreachable" "$log"; then
		skipped+=("$name: $(grep -Em1 "$unreachable" "$log")")
	else
		cat "$log" >&2
		exit 1
	fi
}
python() {
	python3 -m venv --clear "$cache/$1" &&
		"$cache/$1/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/$1.txt"
}
node_modules() {
	cp "$here/package-lock.json" "$cache/node/" &&
		(cd "$cache/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}
install openai "$here/openai.txt" python openai
install ecosystem "$here/ecosystem.txt" python ecosystem
install node "$here/package-lock.json" node_modules

(cd "$root" && CGO_ENABLED=0 go build -o "$cache/hachi" ./cmd/hachi)
data=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$cache/hachi" up --nodes 3 --listen "127.0.0.1:$port" --data-dir "$data" --ready-timeout 1m >"$data/up.log" 2>&1 &
cluster=$!
stop() {
	status=$?
	kill "$cluster" 2>/dev/null && wait "$cluster" || true
	[ "$status" -eq 0 ] || cat "$data/up.log" >&2
	rm -rf "$data"
}
trap stop EXIT

ready() { python3 - "http://127.0.0.1:$port/readyz" <<'PY'
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], timeout=2)
except OSError:
    sys.exit(1)
PY
}
until ready; do
	kill -0 "$cluster" || { echo "the cluster ended before it was ready" >&2; exit 1; }
	sleep 0.2
done

export HACHI_URL="http://127.0.0.1:$port/v1" HACHI_DATA_DIR="$data" HACHI="$cache/hachi"
# use INSTALLED COMMAND... runs one client, if it is installed.
use() {
	[ -f "$cache/$1.installed" ] || return 0
	(cd "$cache/node" && "${@:2}")
}
for client in chat.py openai_tools.py; do use openai "$cache/openai/bin/python" "$here/$client"; done
for client in anthropic_messages langchain_agent instructor_parse litellm_chat llama_index_chat; do
	use ecosystem "$cache/ecosystem/bin/python" "$here/$client.py"
done
for client in chat.mjs anthropic_messages.mjs ai_sdk.mjs; do use node node "$client"; done
for reason in "${skipped[@]}"; do echo "SKIPPED the clients of $reason"; done
