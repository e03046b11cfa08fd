"""Runs hachi and llama.cpp in turns on the same weights and prints medians, as a Markdown table.

make build
bin/hachi model init --preset 8x7b-slice DIR/bf16                 # or a checkpoint
bin/hachi model quantize --dense --to int8 DIR/bf16 DIR/int8      # and int4
python3 tools/gguf/export.py DIR/bf16 DIR/bf16.gguf               # see there
llama-quantize DIR/bf16.gguf DIR/Q8_0.gguf Q8_0                   # and Q4_0
python3 tools/compare/llama.py --hachi bin/hachi --llama LLAMA/build/bin --rounds 7 DIR

Turns are per type, llama.cpp first. All runs are also written to standard error as they end, with what a loop that only reads got of the
memory during hachi's.
"""
import argparse
import json
import statistics
import subprocess
import sys

PAIRS = {"bf16": "bf16", "int8": "Q8_0", "int4": "Q4_0"}
BATCHES = [4, 8, 32]


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def of_llama(args, gguf):
    """Tokens/s by what was measured."""
    out = {}
    bench = run(f"{args.llama}/llama-bench", "-m", gguf, "-p", "512", "-n", "32", "-t", args.threads, "-r", "1", "-o", "json")
    for r in json.loads(bench):
        out["prefill of 512" if r["n_prompt"] else "decode of 1"] = r["avg_ts"]
    batched = run(f"{args.llama}/llama-batched-bench", "-m", gguf, "-c", "2048", "-b", "2048", "-ub", "512", "-npp", "16", "-ntg", "24",
                  "-npl", ",".join(map(str, BATCHES)), "-t", args.threads, "-tb", args.threads, "--output-format", "jsonl")
    for line in batched.splitlines():
        if line.startswith("{"):
            r = json.loads(line)
            out[f"decode of {r['pl']}"] = r["speed_tg"]
    return out, None


def of_hachi(args, directory, *flags):
    """Tokens/s by what was measured, and GB/s of the memory."""
    bench = json.loads(run(args.hachi, "bench", "model", directory, "--decode", "1," + ",".join(map(str, BATCHES)), "--prefill", "512", "--rounds", "1",
                           "--context", "28", "--memory-gb", "1", "--threads", args.threads, "--json", *flags))
    out = {}
    for r in bench["results"]:
        out[f"{r['kind']} of {r['rows']}"] = r["tokens_per_s"]
    return out, bench["limits"]["stream_gb_per_s"]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hachi", required=True, help="the program")
    p.add_argument("--llama", required=True, help="the folder of llama-bench and llama-batched-bench")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--threads", default="2")
    p.add_argument("directory", help="bf16, int8, int4 and their GGUF files")
    args = p.parse_args()
    runs = {}  # (type, what, who): tokens/s of each round
    for _ in range(args.rounds):
        for ours, theirs in PAIRS.items():
            turns = [("llama.cpp", of_llama(args, f"{args.directory}/{theirs}.gguf"))]
            turns.append(("hachi", of_hachi(args, f"{args.directory}/{ours}")))
            if ours == "bf16":
                turns.append(("--ffn-activation-dtype bf16", of_hachi(args, f"{args.directory}/{ours}", "--ffn-activation-dtype", "bf16")))
            for who, (speeds, stream) in turns:
                print(ours, who, speeds, "memory", stream, "GB/s", file=sys.stderr, flush=True)
                for what, speed in speeds.items():
                    runs.setdefault((ours, what, who), []).append(speed)
    print("| | hachi | llama.cpp | ratio | `--ffn-activation-dtype bf16` |\n|---|---|---|---|---|")
    for ours, what, who in runs:
        if who == "hachi":
            one, other = (statistics.median(runs[ours, what, w]) for w in ("hachi", "llama.cpp"))
            inner = runs.get((ours, what, "--ffn-activation-dtype bf16"))
            print(f"| {ours}, {what} | {one:.1f} | {other:.1f} | {one / other:.2f} | {f'{statistics.median(inner):.1f}' if inner else ''} |")


if __name__ == "__main__":
    main()
