"""Prints the time of one expert in bf16 by torch, which calls cuBLAS, as JSON: {"version": ..., "us": {rows: microseconds}}."""

import json
import sys

import torch

hidden, ffn = int(sys.argv[1]), int(sys.argv[2])
experts = [[torch.randn(shape, device="cuda", dtype=torch.bfloat16) / 40 for shape in ((ffn, hidden), (ffn, hidden), (hidden, ffn))] for _ in range(4)]
micros = {}
for rows in (1, 16, 64, 256, 1024, 2048, 4096):
    x = torch.randn((rows, hidden), device="cuda", dtype=torch.bfloat16)

    def run(times):
        for i in range(times):
            w1, w3, w2 = experts[i % 4]
            (torch.nn.functional.silu(x @ w1.T) * (x @ w3.T)) @ w2.T

    run(4)
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    run(20)
    end.record()
    end.synchronize()
    micros[rows] = round(begin.elapsed_time(end) * 1000 / 20, 1)
print(json.dumps({"version": torch.__version__, "us": micros}))
