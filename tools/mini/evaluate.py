"""What a model has learned: the loss of answers by topic and language, fresh sums,
and greedy answers to prompts.json."""

import dataclasses
import json
import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import sentencepiece as spm
import torch
import torch.nn.functional as F
from torch import Tensor

import data
from corpus import arithmetic, talk
from corpus.core import DEFAULT, prompt
from model import Mixtral

PROMPTS = Path(__file__).parent / "prompts.json"
HELD_OUT = 77_000_001  # the seed of validation; no worker has it
SIDE_BY_SIDE = 64  # prompts that are answered at once
ROWS = 16  # of validation that are computed at once

Precision = Callable[[], AbstractContextManager[Any]]


@dataclasses.dataclass
class Loss:
    answers: Tensor  # mean cross entropy of the tokens that count, in nats
    balance: Tensor
    chosen: list[Tensor]
    counts: Tensor  # [rows, length]: which tokens count


def loss_of(model: Mixtral, batch: Tensor) -> Loss:
    """The loss of rows [rows, length + 1], of whose tokens the top bit says what counts."""
    tokens = batch & (data.TRAIN - 1)
    counts = batch[:, 1:] >= data.TRAIN
    out = model(tokens[:, :-1].long())
    i = counts.reshape(-1).nonzero().squeeze(1)
    logits = model.logits(out.hidden.reshape(-1, out.hidden.shape[-1])[i])
    return Loss(F.cross_entropy(logits, tokens[:, 1:].long().reshape(-1)[i]), out.balance, out.chosen, counts)


@torch.no_grad()
def generate(model: Mixtral, prompts: list[list[int]], most: int, device: str, precision: Precision) -> list[list[int]]:
    """Greedy answers of at most that many tokens, many at once, without a cache."""
    out: list[list[int]] = []
    for lo in range(0, len(prompts), SIDE_BY_SIDE):
        part = prompts[lo : lo + SIDE_BY_SIDE]
        n = torch.tensor([len(p) for p in part], device=device)
        buffer = torch.full((len(part), int(n.max()) + most), data.EOS, device=device)
        for i, p in enumerate(part):
            buffer[i, : len(p)] = torch.tensor(p, device=device)
        at, done, each = n.clone(), torch.zeros(len(part), dtype=torch.bool, device=device), torch.arange(len(part), device=device)
        for _ in range(most):
            with precision():
                hidden = model(buffer[:, : int(at.max())]).hidden
                following = model.logits(hidden[each, at - 1]).argmax(-1)
            done |= following == data.EOS
            buffer[each, at] = torch.where(done, data.EOS, following)
            at = torch.where(done, at, at + 1)
            if bool(done.all()):
                break
        out += [buffer[i, int(n[i]) : int(at[i])].tolist() for i in range(len(part))]
    return out


def held_out(tokenizer: spm.SentencePieceProcessor, length: int, n: int) -> dict[str, list[list[int]]]:
    """Conversations by topic, and by language under "lang en" and "lang ja"."""
    r = random.Random(HELD_OUT)
    by: dict[str, list[list[int]]] = {}
    for _ in range(n):
        name, system, language, turns = talk.conversation(r)
        row = data.encode(tokenizer, talk.segments(system, turns), length + 1)
        for key in (name, "lang " + language):
            by.setdefault(key, []).append(row + [data.EOS] * (length + 1 - len(row)))
    return by


@dataclasses.dataclass
class Evaluation:
    """How a model is judged."""

    tokenizer: spm.SentencePieceProcessor
    device: str
    precision: Precision
    length: int  # tokens of a row
    most: int  # tokens of an answer
    rows: int  # conversations per topic, and half the sums
    samples: int  # prompts that are answered

    def run(self, model: Mixtral, log: Callable[[str], None]) -> dict[str, Any]:
        model.eval()
        loss, load = self.losses(model)
        results = {"loss": loss, "load": load, "arithmetic": self.sums(model), "samples": self.answers(model)}
        log("validation loss: " + ", ".join(f"{k} {v}" for k, v in loss.items()))
        log(f"arithmetic: {results['arithmetic']}")
        model.train()
        return results

    @torch.no_grad()
    def losses(self, model: Mixtral) -> tuple[dict[str, float], dict[str, list[list[float]]]]:
        """The loss by topic and language, and by language each layer's load of its experts."""
        losses, loads = {}, {}
        for key, rows in sorted(held_out(self.tokenizer, self.length, self.rows * 8).items()):
            rows = rows[: self.rows * (2 if key.startswith("lang") else 1)]
            total, count = 0.0, 0
            load = torch.zeros(model.shape.layers, model.shape.experts, device=self.device)
            for i in range(0, len(rows), ROWS):
                with self.precision():
                    loss = loss_of(model, torch.tensor(rows[i : i + ROWS], device=self.device))
                n = int(loss.counts.sum())
                total, count = total + float(loss.answers) * n, count + n
                for layer, chosen in enumerate(loss.chosen):
                    load[layer] += (chosen * loss.counts.unsqueeze(-1)).sum((0, 1))
            losses[key] = round(total / max(count, 1), 4)
            if key.startswith("lang"):
                loads[key[5:]] = [[round(v, 3) for v in layer] for layer in (load / load.sum(-1, keepdim=True)).tolist()]
        return losses, loads

    def sums(self, model: Mixtral) -> dict[str, float]:
        """The part of fresh sums whose result is exact, by operator."""
        r, asks, wanted = random.Random(5), [], []
        for i in range(self.rows * 2):
            x, op, y, z = arithmetic.draw(r)
            question = f"{x} {arithmetic.SYM[op]} {y} = ?" if i % 2 else f"{x}{op}{y}は？"
            asks.append([data.BOS] + self.tokenizer.encode(prompt(question, DEFAULT)))
            wanted.append((op, f"= {z}." if i % 2 else f"={z}です"))
        hits: dict[str, list[bool]] = {}
        for (op, want), answer in zip(wanted, self.generate(model, asks, min(self.most, 72))):
            hits.setdefault(op, []).append(want in self.tokenizer.decode(answer))
        return {op: round(sum(v) / len(v), 3) for op, v in sorted(hits.items())}

    def answers(self, model: Mixtral) -> list[tuple[dict[str, Any], str]]:
        """Prompts, evenly taken from prompts.json, and their answers."""
        every: list[dict[str, Any]] = json.loads(PROMPTS.read_text())
        some = every[:: max(1, len(every) // self.samples)]
        asks = [self.encode(p) for p in some]
        return [(p, self.tokenizer.decode(o)) for p, o in zip(some, self.generate(model, asks, self.most))]

    def encode(self, p: dict[str, Any]) -> list[int]:
        """The tokens of a prompt of prompts.json, whose last turn is the user's."""
        attributes, ids, turns = dict(DEFAULT, **p.get("attributes", {})), [data.BOS], p["turns"]
        for i in range(0, len(turns), 2):
            answer = turns[i + 1] if i + 1 < len(turns) else ""
            ids += self.tokenizer.encode(prompt(turns[i], attributes, p.get("system") if i == 0 else None) + answer)
            ids += [data.EOS] if answer else []
        return ids

    def generate(self, model: Mixtral, prompts: list[list[int]], most: int) -> list[list[int]]:
        return generate(model, prompts, most, self.device, self.precision)
