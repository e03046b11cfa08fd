#!/usr/bin/env bash
# Starts a cluster and lets OpenAI's Python and Node clients use it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/.cache/clients
mkdir -p "$cache/node"

# Install what is not installed yet; a changed pin installs again.
if ! cmp -s "$here/requirements.txt" "$cache/venv/requirements.txt"; then
	python3 -m venv --clear "$cache/venv"
	"$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
	cp "$here/requirements.txt" "$cache/venv/requirements.txt"
fi
cp "$here/package.json" "$here/chat.mjs" "$cache/node/"
if ! cmp -s "$here/package-lock.json" "$cache/node/package-lock.json"; then
	cp "$here/package-lock.json" "$cache/node/"
	(cd "$cache/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || {
		rm -f "$cache/node/package-lock.json"
		exit 1
	}
fi

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

export HACHI_URL="http://127.0.0.1:$port/v1"
"$cache/venv/bin/python" "$here/chat.py"
(cd "$cache/node" && node chat.mjs)
