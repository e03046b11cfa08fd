"""Train a very small model for three steps, export it, and check what comes out.

    python smoke.py

A turn that is encoded in parts has the tokens of the whole text, and the exported
tensors have the names and shapes of config.json. parity.py compares the trainer
with transformers.
"""

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors import safe_open

import data
from corpus import talk

HERE = Path(__file__).parent
SMALL = {"hidden": 64, "layers": 2, "ffn": 32, "heads": 2, "kv_heads": 1}


def check_tokens() -> None:
    """Encoding a turn in parts gives the tokens of the whole text."""
    sp, r = data.load_tokenizer(), random.Random(1)
    for _ in range(200):
        _, system, _, turns = talk.conversation(r)
        segments = talk.segments(system, turns)
        whole = [data.BOS]
        for prompt, answer in segments:
            whole += sp.encode(prompt + answer) + [data.EOS]
        got = [t & ~data.TRAIN for t in data.encode(sp, segments, 1 << 20)]
        assert got == whole, segments


def check_training() -> None:
    with tempfile.TemporaryDirectory() as out:
        size = ["--steps", "3", "--rows", "2", "--length", "256", "--workers", "1"]
        evaluation = ["--eval-rows", "1", "--samples", "1", "--most", "4"]
        command = [sys.executable, str(HERE / "train.py"), *size, *evaluation, "--config", json.dumps(SMALL), "--out", out]
        subprocess.run(command, check=True, cwd=HERE)
        config = json.loads(Path(out, "config.json").read_text())
        with safe_open(Path(out, "model.safetensors"), "pt") as f:
            shape = f.get_slice("model.layers.1.block_sparse_moe.experts.7.w1.weight").get_shape()
        assert shape == [config["intermediate_size"], config["hidden_size"]] == [32, 64], shape


if __name__ == "__main__":
    check_tokens()
    check_training()
    print("the corpus, the trainer and the exporter work")
