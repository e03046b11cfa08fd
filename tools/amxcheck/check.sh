#!/usr/bin/env bash
# Checks the kernels for Intel AMX on the machine where it runs, which needs no Go: `make amx-check` puts this script beside the
# programs that it runs. It compares bits with the reference, then measures tiles beside the fastest other kernels.
#
# Status: 0 all holds; 1 something does not; 3 this machine has no AMX, so only the emulation was compared. TILES is the number
# of random tiles of bf16, ROUNDS that of measurements.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$here/results}
tiles=${TILES:-1000000} rounds=${ROUNDS:-5} memory=${MEMORY_GB:-1}
mkdir -p "$out"
failed=0

# part NAME COMMAND...: runs a part and says whether it passed.
part() {
  local name=$1 from=$SECONDS result=pass
  shift
  "$@" > "$out/$name.log" 2>&1 || { result=FAIL failed=1; }
  printf '%-12s %-4s %4d s\n' "$name" "$result" "$((SECONDS - from))"
  [ "$result" = pass ] || tail -n 15 "$out/$name.log"
}

sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1
has=1
for feature in amx_tile amx_int8 amx_bf16; do
  grep -qw "$feature" /proc/cpuinfo || { echo "this machine has no $feature"; has=0; }
done
if [ $has = 0 ]; then
  part emulation "$here/kernel.test" -test.run '^(TestRandomTiles|TestRuns.*|TestWide.*|TestNumericsByName)$' -tiles "$tiles" -test.timeout 2h
  echo 'tiles were not checked: they need Intel Sapphire Rapids or later, and Linux 5.16 or later'
  [ $failed = 0 ] && exit 3
  exit 1
fi

export HACHI_EXPECT_KERNEL=amx
part tiles "$here/kernel.test" -test.run '^(TestExpectedKernelsAreAvailable|TestRandomTiles)$' -tiles "$tiles" -test.timeout 2h
part bits "$here/kernel.test" -test.timeout 2h

# rate FILE KIND prints the operations a nanosecond of 512 rows.
rate() { tr -d ' \n' < "$out/$1.log" | sed -n "s/.*\"name\":\"$2x512rows\",\"rate\":\([0-9.e+]*\).*/\1/p"; }
bench() { "$here/hachi" bench kernel --json --rounds "$rounds" --memory-gb "$memory" "$@"; }
part others bench
part amx bench --kernel amx
part amx-bf16 bench --kernel amx --numerics amx-bf16
printf '\n%-10s %12s %12s %7s\n' '512 rows' 'others' 'amx Gop/s' ratio
compare() {
  local a b
  a=$(rate others "$1") b=$(rate "$2" "$1")
  [ -n "$a" ] && [ -n "$b" ] || { echo "$1 was not measured"; failed=1; return; }
  awk -v n="$1" -v a="$a" -v b="$b" -v least="$3" 'BEGIN {
    printf "%-10s %12.1f %12.1f %7.2f%s\n", n, a, b, b / a, b / a < least ? "  BELOW " least : ""; exit b / a < least }' || failed=1
}
compare int8 amx 2
compare int4 amx 2
compare bf16 amx-bf16 0
exit $failed
