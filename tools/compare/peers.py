"""Runs hachi, llama.cpp and ik_llama.cpp in turns on the same weights and prints medians beside the better peer, as a Markdown table.

make build
bin/hachi model init --preset 8x7b-slice DIR/bf16                 # or a checkpoint
bin/hachi model quantize --dense --to int8 DIR/bf16 DIR/int8      # and int4
python3 tools/gguf/export.py DIR/bf16 DIR/bf16.gguf               # see there
llama-quantize DIR/bf16.gguf DIR/Q8_0.gguf Q8_0                   # and Q4_0
python3 tools/compare/peers.py --hachi bin/hachi --llama LLAMA/bin --ik IK/bin --rounds 5 --runs DIR/runs.jsonl DIR

Every program runs with each of its flags in FLAGS, the best of them in each cell. Peers are programs for this processor. A batched bench must decode another
random token for every sequence and step, as llama.cpp's does: fed one token, as by ik_llama.cpp's own bench, all sequences meet the same two
experts, and it reads up to 1.7 times too fast.

--runs appends every run to a file; with --rounds 0 the table is made of what the file holds. The limit of a cell is the time in which
memory delivers the weights that the step reads or the processor computes its products, whichever is longer, as `hachi bench model` measures
both between its steps.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

FORMATS = {"bf16": "bf16", "int8": "Q8_0", "int4": "Q4_0"}
ROWS = [1, 2, 4, 8, 16, 32]
# Of hachi, the flags of bench model, by format: for bf16 weights peers round all rows to bf16, and "bf16" does so too.
# Of each peer, the flags of llama-bench and of llama-batched-bench.
OURS = {"bf16": {"": [], "bf16": ["--ffn-activation-dtype", "bf16", "--dense-activation-dtype", "bf16"]}, "int8": {"": []}, "int4": {"": []}}
FLAGS = {
    "llama.cpp": {"plain": (["-fa", "0"], ["-fa", "off"]), "fa": (["-fa", "1"], ["-fa", "on"])},
    "ik_llama.cpp": {"fa fmoe": (["-fa", "1", "-fmoe", "1"], ["-fa", "on"]),
                     "fa fmoe rtr": (["-fa", "1", "-fmoe", "1", "-rtr", "1"], ["-fa", "on", "-rtr"])},
}


def run(*command, errors=subprocess.DEVNULL):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=errors, text=True).stdout


def of_peer(args, folder, gguf, flags):
    """Tokens/s by cell."""
    out = {}
    single, batched = flags
    for r in json.loads(run(f"{folder}/llama-bench", "-m", gguf, "-p", "512", "-n", "16", "-t", args.threads, "-r", "1", "-o", "json", *single)):
        out["prefill of 512" if r["n_prompt"] else "decode of 1"] = r["avg_ts"]
    text = run(f"{folder}/llama-batched-bench", "-m", gguf, "-c", "1024", "-b", "512", "-ub", "512", "-npp", "16", "-ntg", "8",
               "-npl", ",".join(map(str, ROWS)), "-t", args.threads, "-tb", args.threads, *batched, errors=subprocess.STDOUT)
    for line in text.splitlines():  # | PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | ...
        cells = [c.strip() for c in line.split("|")]
        if len(cells) > 8 and cells[3].isdigit():
            name = f"decode of {cells[3]}"
            out[name] = max(out.get(name, 0), float(cells[8]))
    return out


def of_hachi(args, directory, flags):
    """Tokens/s by cell, the limits of the cells, and those of the machine."""
    bench = json.loads(run(args.hachi, "bench", "model", directory, "--decode", ",".join(map(str, ROWS)), "--prefill", "512", "--rounds", "3",
                           "--context", "20", "--memory-gb", "0.5", "--threads", args.threads, "--json", *flags))
    speeds, limits = {}, {}
    for r in bench["results"]:
        name = f"{r['kind']} of {r['rows']}"
        speeds[name] = r["tokens_per_s"]
        limits[name] = {"tokens_per_s": r["limit_tokens_per_s"], "by": r["limit"]}
    return speeds, limits, bench["limits"]


def turns(args, ours, number):
    """One run of every program, as records of the file; another program begins in every turn."""
    order = ["hachi", *args.peers]
    theirs = f"{args.directory}/{FORMATS[ours]}.gguf"
    for who in order[number % len(order):] + order[:number % len(order)]:
        if who == "hachi":
            for flags, values in OURS[ours].items():
                speeds, limits, machine = of_hachi(args, f"{args.directory}/{ours}", values)
                yield {"who": who, "format": ours, "flags": flags, "speeds": speeds, "limits": limits, "machine": machine}
            continue
        for flags, values in FLAGS[who].items():
            if not args.flags or flags in args.flags.split(","):
                yield {"who": who, "format": ours, "flags": flags, "speeds": of_peer(args, args.peers[who], theirs, values)}


def measure(args):
    for number in range(args.rounds):
        for ours in args.formats.split(","):
            for record in turns(args, ours, number):
                line = json.dumps(record)
                print(line, file=sys.stderr, flush=True)
                with open(args.runs, "a", encoding="utf-8") as out:
                    out.write(line + "\n")


def of(records, ours, cell, who):
    """Medians of one program in a cell by flags."""
    found = {}
    for r in records:
        if r["format"] == ours and r["who"] == who and cell in r["speeds"]:
            found.setdefault(r["flags"], []).append(r["speeds"][cell])
    return {flags: statistics.median(all) for flags, all in found.items()}


def rows(records):
    """One row of the table for every cell that hachi and a peer have."""
    for ours in FORMATS:
        for cell in [f"decode of {n}" for n in ROWS] + ["prefill of 512"]:
            mine = of(records, ours, cell, "hachi")
            peers = [(speed, who, flags) for who in FLAGS for flags, speed in of(records, ours, cell, who).items()]
            if mine and peers:
                speed, best = max((speed, flags) for flags, speed in mine.items())
                shares = [(r["speeds"][cell] / r["limits"][cell]["tokens_per_s"], r["limits"][cell]["by"]) for r in records
                          if r["format"] == ours and r["who"] == "hachi" and r["flags"] == best and r["limits"][cell]["tokens_per_s"]]
                share = statistics.median(s for s, _ in shares) if shares else 0
                yield ours, cell, speed, best, max(peers), share, shares[0][1] if shares else ""


def report(records):
    counts = {}
    for r in records:
        key = (r["who"], r["format"], r["flags"])
        counts[key] = counts.get(key, 0) + 1
    print(f"Runs: {min(counts.values())} to {max(counts.values())} of each program, format and flags.\n")
    print("| | | hachi | | better peer | | ratio | of the limit |\n|---|---|---|---|---|---|---|---|")
    ratios, below, short = [], [], []
    for ours, cell, mine, best, (speed, who, flags), share, by in rows(records):
        ratios.append(mine / speed)
        print(f"| {ours} | {cell} | {mine:.1f} | {best} | {speed:.1f} | {who} {flags} | {mine / speed:.2f} | {100 * share:.0f} % of {by} |")
        if mine < 1.05 * speed:
            below.append(f"{ours} {cell}: {mine / speed:.2f} of {who}, {100 * share:.0f} % of {by}")
        if share < (0.85 if cell == "decode of 1" else 0.75):
            short.append(f"{ours} {cell}: {100 * share:.0f} % of {by}")
    machine = [r["machine"] for r in records if r["who"] == "hachi"]
    limits = ", ".join(f"{name} {statistics.median(m[name] for m in machine):.1f}" for name in machine[0] if machine[0][name]) if machine else ""
    print(f"\nMedian ratio {statistics.median(ratios):.2f}. Machine: {limits}.")
    print("Below 1.05 of the better peer: " + ("; ".join(below) or "no cell") + ".")
    print("Below 85 % (one row) or 75 % of the limit: " + ("; ".join(short) or "no cell") + ".")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--hachi", required=True, help="the program")
    p.add_argument("--llama", help="folder of llama.cpp's llama-bench and llama-batched-bench")
    p.add_argument("--ik", help="folder of ik_llama.cpp's")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", default=str(os.cpu_count()))
    p.add_argument("--formats", default=",".join(FORMATS))
    p.add_argument("--flags", default="", help="run peers only with these entries of FLAGS, separated by commas; all when empty")
    p.add_argument("--runs", required=True, help="file of all runs, one JSON object a line")
    p.add_argument("directory", help="bf16, int8, int4 and their GGUF files")
    args = p.parse_args()
    args.peers = {name: folder for name, folder in (("llama.cpp", args.llama), ("ik_llama.cpp", args.ik)) if folder}
    measure(args)
    with open(args.runs, encoding="utf-8") as lines:
        report([json.loads(line) for line in lines])


if __name__ == "__main__":
    main()
