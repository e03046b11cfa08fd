#!/usr/bin/env bash
# Checks the backend cuda on a machine that has an NVIDIA GPU and neither Go nor CUDA: `make gpu-check` puts this script beside
# the programs that it runs. It prints a table, writes report.json and logs to OUT, and fails if a part fails.
#
# The parts share BUDGET seconds. The variables below scale them; the test of this script runs them on a fake driver, with
# PATIENCE for slow machines.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${OUT:-$here/results}
begin=$SECONDS
hidden=${HIDDEN:-4096} ffn=${FFN:-14336} sequences=${SEQUENCES:-64} positions=${POSITIONS:-2000} calls=${CALLS:-50} slice=${SLICE:-1} patience=${PATIENCE:-1}
conformance=${CONFORMANCE:-^(TestBackend|TestBothKernelsHaveTheSameBits|TestEveryVariantHasTheSameBits|TestAttention.*)$}
rm -rf "$out" && mkdir -p "$out"
models=$(mktemp -d) # of the clusters
trap 'rm -rf "$models"' EXIT

for dir in /usr/local/nvidia/lib64 /usr/lib/x86_64-linux-gnu /usr/lib64; do
  [ -n "${LD_LIBRARY_PATH:-}" ] && break
  ldconfig -p 2>/dev/null | grep -q libcuda.so.1 && break
  [ -e "$dir/libcuda.so.1" ] && export LD_LIBRARY_PATH=$dir
done

# part NAME LIMIT COMMAND...: runs a part within LIMIT seconds and those that are left.
failed=0
rows=()
part() {
  local name=$1 limit=$(($2 * patience)) left=$((${BUDGET:-118} * patience - SECONDS + begin)) from=$SECONDS rc
  shift 2
  if ((left < 3)); then
    rc=124
    echo "no time is left" > "$out/$name.log"
  else
    timeout -k 2 "$((limit < left ? limit : left))" "$@" > "$out/$name.log" 2>&1
    rc=$?
  fi
  local result=pass
  ((rc == 0)) || { result=FAIL; failed=1; }
  printf '%-14s %-4s %4d s\n' "$name" "$result" "$((SECONDS - from))"
  ((rc == 0)) || { echo "  status $rc (124 is out of time), the end of $out/$name.log:"; tail -n 5 "$out/$name.log" | sed 's/^/  /'; }
  rows+=("{\"part\": \"$name\", \"passed\": $([ $rc = 0 ] && echo true || echo false), \"seconds\": $((SECONDS - from))}")
}

export HACHI_TEST_GPU=1
measure() { "$here/cuda.test" -test.v -test.run '^TestLargeExperts$' -hidden "$hidden" -ffn "$ffn" -calls "$calls" -report "$out/$1.json" "${@:2}"; }
digest() { sed -n 's/.*"digest": "\(.*\)".*/\1/p' "$out/$1.json"; }
# Two processes at once: they share the device, and have the same bits.
processes() {
  measure second -untimed & local other=$!
  measure third -untimed || { wait $other; return 1; }
  wait $other || return 1
  [ -n "$(digest second)" ] && [ "$(digest second)" = "$(digest third)" ] && [ "$(digest second)" = "$(digest large)" ]
}
export -f measure digest processes
export here out hidden ffn calls

# free prints a port of this machine that nothing listens on.
free() {
  local port=$((20000 + RANDOM % 10000))
  while (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do port=$((port + 1)); done
  echo "127.0.0.1:$port"
}
cluster=(--backend cuda --ffn-activation-dtype bf16 --log-level warn)
part conformance 45 "$here/cuda.test" -test.run "$conformance"
part large 40 bash -c 'measure large'
part processes 35 bash -c processes
part node 10 "$here/cuda.test" -test.v -test.run '^TestNodeOverhead$' -hidden "$hidden" -ffn "$ffn" -calls "$calls" -report "$out/node.json"
part attention 15 "$here/cuda.test" -test.v -test.run '^TestLargeAttention$' -sequences "$sequences" -context "$positions" -hidden "$hidden" -ffn "$ffn" -calls "$calls" -report "$out/attention.json"
"$here/hachi" model export mini "$models/mini" > "$out/export.log" 2>&1
part mini 15 "$here/hachi" bench cluster "${cluster[@]}" --model "$models/mini" --nodes 1 --listen "$(free)" --steps 8 --rounds 2 --json
# Two nodes share the device, and hold every expert twice. One is killed in the middle of streams and comes back, twice.
part kill 25 "$here/hachi" bench failover "${cluster[@]}" --model "$models/mini" --nodes 2 --replicas 2 --listen "$(free)" --fault kill --streams 4 --tokens 32 --repeat 2 --json
sed -n '/^{/,$p' "$out/kill.log" > "$out/kill.json"
if [ "$slice" = 1 ]; then
  part slice-init 30 "$here/hachi" model init --preset 8x7b-slice "$models/slice"
  part slice 25 "$here/hachi" bench cluster "${cluster[@]}" --model "$models/slice" --nodes 1 --listen "$(free)" --steps 4 --rounds 2 --json
fi
python3 "$here/cublas.py" "$hidden" "$ffn" > "$out/cublas.json" 2> "$out/cublas.log" || echo null > "$out/cublas.json"

report() { if [ -s "$out/$1" ]; then cat "$out/$1"; else echo null; fi; }
{
  printf '{"parts": [%s],\n"seconds": %d,\n"experts": ' "$(IFS=,; echo "${rows[*]}")" "$((SECONDS - begin))"
  report large.json
  for part in attention node kill; do
    printf ',\n"%s": ' "$part"
    report "$part.json"
  done
  printf ',\n"cublas": '
  report cublas.json
  printf '}\n'
} > "$out/report.json"

# cublas ROWS prints the microseconds of one expert, if torch is there.
cublas() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" "$out/cublas.json"; }
if [ -s "$out/large.json" ]; then
  tr -d ' \n' < "$out/large.json" | sed 's/.*"device":"\([^"]*\)".*"read_gb_per_s":\([0-9.e+]*\).*"rms_of_cpu":{\([^}]*\)}.*/\n\1: a plain read takes \2 GB\/s; rms of the family of processors: \3\n/'
  printf '%-12s %7s %5s %10s %10s %9s %9s %9s %11s\n' weights experts rows 'call us' 'kernel us' GB/s TFLOP/s '% of read' '% of cuBLAS'
  tr -d '\n' < "$out/large.json" | grep -o '{ *"format"[^}]*}' | sed 's/[{}"]//g; s/: /:/g; s/ *$//' | while IFS=, read -r f e r c k g t o; do
    name=$(echo "${f#*:}" | xargs) beside=
    [ "$name ${e#*:}" = 'bf16 wgmma 1' ] && beside=$(cublas "${r#*:}")
    printf '%-12s %7s %5s %10.1f %10.1f %9.0f %9.1f %9.1f %11s\n' "$name" "${e#*:}" "${r#*:}" "${c#*:}" "${k#*:}" "${g#*:}" "${t#*:}" "${o#*:}" \
      "$([ -n "$beside" ] && awk "BEGIN { printf \"%.1f\", 100 * $beside / ${k#*:} }")"
  done
fi
if [ -s "$out/node.json" ]; then
  printf '%-12s %7s %5s %10s %10s %11s\n' 'expert node' experts rows 'p50 us' 'kernel us' 'overhead us'
  tr -d '\n' < "$out/node.json" | grep -o '{[^}]*}' | sed 's/[{}" ]//g' | while IFS=, read -r e r c k o; do
    printf '%-12s %7s %5s %10.1f %10.1f %11.1f\n' bf16 "${e#*:}" "${r#*:}" "${c#*:}" "${k#*:}" "${o#*:}"
  done
fi
if [ -s "$out/attention.json" ]; then
  printf '%-12s %9s %9s %10s %10s %9s %9s\n' 'KV cache' sequences positions 'call us' 'kernel us' GB/s '% of read'
  tr -d '\n' < "$out/attention.json" | grep -o '{[^}]*}' | sed 's/[{}" ]//g' | while IFS=, read -r f s p c k g o; do
    printf '%-12s %9s %9s %10.1f %10.1f %9.0f %9.1f\n' "${f#*:}" "${s#*:}" "${p#*:}" "${c#*:}" "${k#*:}" "${g#*:}" "${o#*:}"
  done
fi
[ "$(cat "$out/cublas.json")" = null ] && echo "no timings of cuBLAS: $(tail -n 1 "$out/cublas.log")" || cat "$out/cublas.json"
echo "report: $out/report.json, $((SECONDS - begin)) s"
exit $failed
