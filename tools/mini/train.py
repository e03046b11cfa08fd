"""Train hachi-mini: a Mixtral of 14 million parameters, in minutes on one GPU.

    python train.py --minutes 6 --out OUT            # H100
    python train.py --steps 300 --rows 8 --out OUT   # a CPU, slowly

Workers generate the corpus while the GPU trains, so no data file exists.
Whatever happens after the first step, OUT gets the model in the end.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import random
import signal
import time
import traceback
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import data
import export
from evaluate import Evaluation, loss_of
from model import Mixtral, Shape
from pool import Pool

WARM_STEPS = 200  # until the rate is the whole one
LAST_MINUTE = 40.0  # seconds before the end in which nothing is evaluated


def options() -> argparse.Namespace:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--minutes", type=float, default=6, help="wall clock from here to the last step, start and compilation included")
    ap.add_argument("--steps", type=int, default=0, help="stop after that number of steps instead")
    ap.add_argument("--rows", type=int, default=96, help="rows of a step")
    ap.add_argument("--length", type=int, default=768, help="tokens of a row")
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--balance", type=float, default=0.02, help="weight of the balancing loss")
    ap.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 2))
    ap.add_argument("--compile", type=int, default=-1, help="1: torch.compile the layers; -1: on a GPU")
    ap.add_argument("--eval-minutes", type=float, default=2, help="between evaluations; each takes some seconds on a GPU")
    ap.add_argument("--eval-rows", type=int, default=96, help="validation conversations per topic, and half the sums")
    ap.add_argument("--samples", type=int, default=40, help="prompts of prompts.json that are answered")
    ap.add_argument("--most", type=int, default=200, help="most tokens of a sample")
    ap.add_argument("--seed", type=int, default=8)
    ap.add_argument("--config", type=json.loads, default={}, help="JSON that changes fields of model.Shape, for a smaller model")
    ap.add_argument("--out", required=True)
    return ap.parse_args()


class Log:
    """Lines with the seconds since the start, to the terminal and to train.log."""

    def __init__(self, out: str) -> None:
        self.born = time.time()
        self.file = open(os.path.join(out, "train.log"), "a", buffering=1)

    def __call__(self, text: str) -> None:
        line = f"{self.seconds():7.1f} s  {text}"
        print(line, flush=True)
        self.file.write(line + "\n")

    def seconds(self) -> float:
        return time.time() - self.born


@dataclasses.dataclass
class Compilation:
    """The layers of a model, compiled or plain."""

    model: Mixtral
    compiled: bool

    def __post_init__(self) -> None:
        self.plain = [b.forward for b in self.model.blocks]
        self.fast = [torch.compile(f, dynamic=False) if self.compiled else f for f in self.plain]
        self.use(self.fast)

    def use(self, forwards: list[Any]) -> None:
        for block, forward in zip(self.model.blocks, forwards):
            block.forward = forward

    def give_up(self) -> None:
        self.compiled, self.fast = False, self.plain
        self.use(self.plain)

    @contextlib.contextmanager
    def without(self) -> Any:
        """Rows of other sizes would be compiled again."""
        self.use(self.plain)
        yield
        self.use(self.fast)


class Trainer:
    """Trains one model until the time or the steps are over, or a signal comes."""

    def __init__(self, model: Mixtral, pool: Pool, evaluation: Evaluation, log: Log, a: argparse.Namespace) -> None:
        self.model, self.pool, self.evaluation, self.log, self.a = model, pool, evaluation, log, a
        on_gpu = evaluation.device == "cuda"
        self.layers = Compilation(model, a.compile == 1 or (a.compile < 0 and on_gpu))
        self.every = 100 if on_gpu else 10  # steps between two lines of the log
        decayed = [p for p in model.parameters() if p.dim() > 1]
        others = [p for p in model.parameters() if p.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=a.lr, betas=(0.9, 0.95), fused=on_gpu)
        self.step, self.tokens = 0, 0
        self.rate: float = a.lr
        self.began: float | None = None  # the end of the first step, which compiles
        self.stopped = False
        self.good: dict[str, Tensor] | None = None  # the last weights with a finite loss
        self.mark, self.mark_tokens, self.last_evaluation = log.seconds(), 0, log.seconds()

    def stop(self, *_: Any) -> None:
        self.stopped = True

    @property
    def budget(self) -> float:
        return float(self.a.minutes) * 60

    def progress(self) -> float:
        """The part of the training that is done; 1 and more is its end."""
        if self.a.steps:
            return float(self.step / self.a.steps)
        if self.log.seconds() >= self.budget:
            return 1.0
        return (self.log.seconds() - self.began) / max(1.0, self.budget - self.began) if self.began is not None else 0.0

    def run(self) -> None:
        """Train. A failure is logged, and the model gets its last good weights."""
        try:
            while not self.stopped and (done := self.progress()) < 1:
                self.set_rate(done)
                if self.take_step() and self.evaluation_is_due():
                    self.evaluate()
        except Exception as e:
            self.log("FAILED: " + "".join(traceback.format_exception(e)))
            if self.good is not None:
                self.model.load_state_dict(self.good)
        self.log(f"{self.step} steps, {self.tokens} tokens, {self.pool.made} generated")
        self.layers.use(self.layers.plain)

    def set_rate(self, done: float) -> None:
        """A linear start, then a half cosine down to a hundredth."""
        warm = min(1.0, (self.step + 1) / (min(WARM_STEPS, self.a.steps / 10) if self.a.steps else WARM_STEPS))
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))

    def take_step(self) -> bool:
        """Take one step; False if its layers do not compile, which are then left plain."""
        batch = self.pool.batch(self.a.rows)
        try:
            with self.evaluation.precision():
                loss = loss_of(self.model, batch)
                total = loss.answers + self.a.balance * loss.balance
            total.backward()
        except Exception as e:
            if self.step or not self.layers.compiled:
                raise
            self.log(f"compilation failed, going on without: {e!r:.400}")
            self.layers.give_up()
            self.optimizer.zero_grad(set_to_none=True)
            return False
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += batch.numel()
        if self.step == 1:
            self.log(f"first step, loss {loss.answers.item():.3f}")  # waits for the device
            self.began = self.mark = self.log.seconds()
            self.mark_tokens = self.tokens = 0
        elif self.step % self.every == 0:
            self.report(loss.answers.item(), loss.balance.item(), norm.item())
        return True

    def report(self, loss: float, balance: float, norm: float) -> None:
        """Log a step, and keep its weights or go back to the last good ones, with half the rate."""
        now = self.log.seconds()
        speed = (self.tokens - self.mark_tokens) / (now - self.mark)
        uses = self.pool.used / max(self.pool.made, 1)
        rate = self.optimizer.param_groups[0]["lr"]
        self.log(
            f"step {self.step} loss {loss:.4f} balance {balance:.3f} norm {norm:.2f} lr {rate:.5f} {speed:.0f} tokens/s, {uses:.2f} uses of a row"
        )
        self.mark, self.mark_tokens = now, self.tokens
        if math.isfinite(loss) and math.isfinite(norm):
            self.good = {k: v.clone() for k, v in self.model.state_dict().items()}
        elif self.good is None:
            raise RuntimeError("loss is not finite")
        else:
            self.log("loss is not finite: back to the last good weights")
            self.model.load_state_dict(self.good)
            self.optimizer.state.clear()
            self.rate /= 2

    def evaluation_is_due(self) -> bool:
        now = self.log.seconds()
        return not self.a.steps and now - self.last_evaluation > self.a.eval_minutes * 60 and now < self.budget - LAST_MINUTE

    def evaluate(self) -> None:
        with self.layers.without():
            self.evaluation.run(self.model, self.log)
        self.last_evaluation = self.mark = self.log.seconds()
        self.mark_tokens = self.tokens


def finish(model: Mixtral, evaluation: Evaluation, log: Log, out: str) -> None:
    """Export the model and judge what was exported: weights rounded to bf16."""
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.to(torch.bfloat16).to(p.dtype))
    export.export(model.state_dict(), model.shape, out)
    log("exported")
    results = evaluation.run(model, log)
    Path(out, "results.json").write_text(json.dumps(results, ensure_ascii=False, indent=1))
    for p, text in results["samples"]:
        log(f"{p.get('system', '')} {p['turns']} {p.get('attributes', '')}\n    -> {text}")
    for language, load in results["load"].items():
        for i, experts in enumerate(load):
            log(f"load {language} layer {i}: {experts}")
    log("done")


def bf16_on_gpu() -> AbstractContextManager[Any]:
    return torch.autocast("cuda", torch.bfloat16)


def f32() -> AbstractContextManager[Any]:
    return torch.autocast("cpu", enabled=False)


def main() -> None:
    a = options()
    os.makedirs(a.out, exist_ok=True)
    log = Log(a.out)
    gpu = os.path.exists("/dev/nvidiactl")  # asked without CUDA: workers are forked before it starts
    queue, workers = data.start(a.seed, a.length, a.workers, *((64, 256) if gpu else (8, 4)))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    torch.set_float32_matmul_precision("high")
    model = Mixtral(dataclasses.replace(Shape(), **a.config)).to(device)
    name = torch.cuda.get_device_name() if device == "cuda" else ""
    log(f"{sum(p.numel() for p in model.parameters())} parameters, {a.workers} workers, {device} {name}, torch {torch.__version__}")
    precision = bf16_on_gpu if device == "cuda" else f32
    evaluation = Evaluation(data.load_tokenizer(), device, precision, a.length, a.most, a.eval_rows, a.samples)
    trainer = Trainer(model, Pool(queue, device, a.length), evaluation, log, a)
    for s in (signal.SIGTERM, signal.SIGINT):
        signal.signal(s, trainer.stop)
    trainer.run()
    for w in workers:
        w.terminate()
    finish(model, evaluation, log, a.out)


if __name__ == "__main__":
    main()
