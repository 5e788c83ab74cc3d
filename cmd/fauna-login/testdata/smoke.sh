#!/bin/sh
# Starts `dev` as a newcomer would and pastes the printed walk-through line by line.
set -eu
cd "$(dirname "$0")/../../.."
dir=$(mktemp -d)
out=$dir/out
go build -o "$dir/fauna-login" ./cmd/fauna-login
"$dir/fauna-login" dev --listen 127.0.0.1:0 --auth0-listen 127.0.0.1:0 --fauna-listen 127.0.0.1:0 >"$out" 2>"$dir/log" &
pid=$!
trap 'kill $pid 2>/dev/null || true; wait $pid 2>/dev/null || true; rm -rf "$dir"' EXIT
until grep -q 'Stop with Ctrl-C' "$out"; do
	kill -0 $pid || { cat "$dir/log"; exit 1; }
	sleep 0.2
done

answers=$(grep -E '^(TOKEN|ANSWER|SECRET|curl)' "$out" | sh)
echo "$answers"

# expect NAME PATTERN: the pasted lines printed it.
expect() {
	echo "$answers" | grep -q "$2" || { echo "smoke: the walk-through lacks $1"; exit 1; }
}
expect 'the secret' '"secret":"fnE'
expect "Ada's own document" '"auth0_sub":"auth0|64b7f0c2a1d3e5f708192a3b","email":"ada@example.com"'
expect "the refusal of Grace's" '"code":"permission_denied"'
expect 'the dead secret after the logout' '"code":"unauthorized"'
echo 'ok  the walk-through works'
