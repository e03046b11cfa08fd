#!/bin/sh
# usage: tools/vuln/check.sh GOVULNCHECK [DATABASE]
# Looks for known vulnerabilities in what hachi calls. The database is that of
# https://vuln.go.dev, as the module golang.org/x/vulndb, so that every network from
# which hachi can be built has it; DATABASE is the URL of another, as govulncheck's -db.
# Ends with 3 if there are vulnerabilities, and with 2 if there is no database.
set -eu
database=${2:-}
if [ -z "$database" ]; then
	# Outside of every module: the database is no dependency.
	if ! said=$(cd "${TMPDIR:-/tmp}" && go mod download -json golang.org/x/vulndb@latest 2>&1); then
		echo "$said" >&2
		echo "NOT CHECKED: the database cannot be downloaded; allow golang.org/x/vulndb in GOPROXY, or give one with VULNDB=URL" >&2
		exit 2
	fi
	database=file://$(echo "$said" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/data/osv
fi
echo "database: $database"
mkdir -p .cache
status=0
"$1" -db "$database" ./... >.cache/vuln.txt || status=$?
grep -v '^      #' .cache/vuln.txt || true
echo "the calls that lead to each: .cache/vuln.txt"
exit "$status"
