"""Conversations as packed rows of tokens.

A row holds whole conversations, first fit, padded with EOS. A token is a
uint16 whose top bit says that the model is trained to predict it: answers
and the EOS behind them.
"""

import multiprocessing as mp
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece as spm

from corpus import talk

TOKENIZER = Path(__file__).parents[2] / "internal/weights/mini/model/tokenizer.model"
TRAIN = 0x8000
BOS, EOS = 1, 2


def load_tokenizer() -> spm.SentencePieceProcessor:
    return spm.SentencePieceProcessor(model_file=str(TOKENIZER))


_blocks: dict[str, list[int]] = {}


def encode(sp: spm.SentencePieceProcessor, segments: list[tuple[str, str]], limit: int) -> list[int]:
    """Tokens of one conversation; turns that do not fit are left out. No piece
    reaches over a space or over the bracket before an answer (tokenizer.py
    checks it), so the three parts of a turn are encoded alone, and the
    attributes, which repeat, once."""
    out, bracket = [BOS], len(sp.encode("]"))
    for prompt, answer in segments:
        i = prompt.rindex(" [ATTR]")
        block = _blocks.get(prompt[i:])
        if block is None:
            block = _blocks[prompt[i:]] = sp.encode("x" + prompt[i:])[len(sp.encode("x")) :]
        head = sp.encode(prompt[:i]) + block if prompt[i - 1] != " " else sp.encode(prompt)
        seg = head + [t | TRAIN for t in sp.encode("]" + answer)[bracket:]] + [EOS | TRAIN]
        if len(out) + len(seg) > limit:
            break
        out += seg
    return out


def rows(seed: int, length: int, bins: int = 24) -> Iterator[list[int]]:
    """Endless rows of length + 1 tokens; the same seed gives the same rows."""
    sp, r = load_tokenizer(), random.Random(seed)
    open_: list[list[int]] = [[] for _ in range(bins)]
    while True:
        _, system, _, turns = talk.conversation(r)
        t = encode(sp, talk.segments(system, turns), length + 1)
        if len(t) < 8:
            continue
        for i, b in enumerate(open_):
            if len(b) + len(t) <= length + 1:
                b += t
                break
        else:
            i = max(range(bins), key=lambda k: len(open_[k]))
            yield open_[i] + [EOS] * (length + 1 - len(open_[i]))
            open_[i] = t


def _work(seed: int, length: int, chunk: int, queue: Any) -> None:
    it = rows(seed, length)
    while True:
        queue.put(np.array([next(it) for _ in range(chunk)], dtype=np.uint16))


def start(seed: int, length: int, workers: int, chunk: int = 64, depth: int = 256) -> tuple[Any, list[Any]]:
    """Worker processes that fill the returned queue with arrays [chunk, length + 1]."""
    ctx: Any = mp.get_context("fork" if os.name == "posix" else "spawn")
    queue = ctx.Queue(depth)
    procs = [ctx.Process(target=_work, args=(seed * 1000 + i, length, chunk, queue), daemon=True) for i in range(workers)]
    for p in procs:
        p.start()
    return queue, procs


if __name__ == "__main__":  # how fast is one worker, and what does a token cost
    import time

    sp, r = load_tokenizer(), random.Random(1)
    for _ in range(3000):  # the parts of a turn, against the turn as a whole
        segs = talk.segments(*(lambda c: (c[1], c[3]))(talk.conversation(r)))
        whole = [BOS]
        for p, a in segs:
            whole += sp.encode(p + a) + [EOS]
        assert [t & ~TRAIN for t in encode(sp, segs, 1 << 20)] == whole, segs
    it, t0, n, m, pad = rows(1, 768), time.process_time(), 0, 0, 0
    while time.process_time() - t0 < 10:
        row = np.array(next(it), dtype=np.uint16)
        n += row.size
        m += int((row >= TRAIN).sum())
        pad += len(row) - 1 - int(np.max(np.nonzero(row != EOS)))
    dt = time.process_time() - t0
    print(f"{n / dt:.0f} tokens/s per core, {m / n:.2f} of them trained, {pad / n:.3f} padding")
