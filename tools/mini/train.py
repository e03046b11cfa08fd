"""Train hachi-mini: a Mixtral of 14 million parameters, in minutes on one GPU.

    python train.py --minutes 6 --out OUT            # H100
    python train.py --steps 300 --rows 8 --out OUT   # a CPU, slowly

Workers generate the corpus while the GPU trains, so no data file exists.
Whatever happens after the first step, OUT gets the model in the end.
"""

import argparse
import json
import math
import os
import queue as queues
import random
import signal
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import data
import export
from corpus import arithmetic, talk
from corpus.core import DEFAULT, prompt

PROMPTS = Path(__file__).parent / "prompts.json"
CONFIG = dict(vocab=8000, hidden=256, layers=6, heads=8, kv_heads=4, head_dim=32, ffn=288, experts=8, topk=2, theta=10000.0, context=2048)


def rms_norm(x, w):
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5)).to(x.dtype) * w.to(x.dtype)


def rope_tables(c, length, device):
    inv = c["theta"] ** (-torch.arange(0, c["head_dim"], 2, device=device, dtype=torch.float32) / c["head_dim"])
    a = torch.outer(torch.arange(length, device=device, dtype=torch.float32), inv)
    return torch.cat((a, a), -1).cos(), torch.cat((a, a), -1).sin()


def rotate(x, cos, sin):
    h = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., h:], x[..., :h]), -1) * sin


class Block(nn.Module):
    """One layer. The eight experts lie side by side in one wide SwiGLU; the
    gate's weights, zero for six of the eight, multiply its inner values. That
    is the sum over the chosen experts, in two matrix products."""

    def __init__(self, c):
        super().__init__()
        h, self.c = c["hidden"], c
        self.norm1, self.norm2 = nn.Parameter(torch.ones(h)), nn.Parameter(torch.ones(h))
        self.q = nn.Linear(h, c["heads"] * c["head_dim"], bias=False)
        self.k = nn.Linear(h, c["kv_heads"] * c["head_dim"], bias=False)
        self.v = nn.Linear(h, c["kv_heads"] * c["head_dim"], bias=False)
        self.o = nn.Linear(c["heads"] * c["head_dim"], h, bias=False)
        self.gate = nn.Linear(h, c["experts"], bias=False)
        self.w1 = nn.Linear(h, c["experts"] * c["ffn"], bias=False)
        self.w3 = nn.Linear(h, c["experts"] * c["ffn"], bias=False)
        self.w2 = nn.Linear(c["experts"] * c["ffn"], h, bias=False)

    def forward(self, x, cos, sin):
        c, (b, t, _) = self.c, x.shape
        y = rms_norm(x, self.norm1)
        q = self.q(y).view(b, t, c["heads"], -1).transpose(1, 2)
        k = self.k(y).view(b, t, c["kv_heads"], -1).transpose(1, 2)
        v = self.v(y).view(b, t, c["kv_heads"], -1).transpose(1, 2)
        q, k = rotate(q.float(), cos, sin).to(v.dtype), rotate(k.float(), cos, sin).to(v.dtype)
        g = c["heads"] // c["kv_heads"]
        y = F.scaled_dot_product_attention(q, k.repeat_interleave(g, 1), v.repeat_interleave(g, 1), is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(b, t, -1))
        y = rms_norm(x, self.norm2)
        with torch.autocast(x.device.type, enabled=False):
            probs = F.linear(y.float(), self.gate.weight.float()).softmax(-1)
        top, which = probs.topk(c["topk"], -1)
        chosen = F.one_hot(which, c["experts"]).sum(-2).to(probs.dtype)
        weight = probs * chosen / top.sum(-1, keepdim=True)
        z = F.silu(self.w1(y)) * self.w3(y)
        z = (z.view(b, t, c["experts"], -1) * weight.to(z.dtype).unsqueeze(-1)).view(b, t, -1)
        return x + self.w2(z).to(x.dtype), probs.mean((0, 1)), chosen


class Mixtral(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed = nn.Embedding(c["vocab"], c["hidden"])
        self.blocks = nn.ModuleList(Block(c) for _ in range(c["layers"]))
        self.norm = nn.Parameter(torch.ones(c["hidden"]))
        for name, p in self.named_parameters():
            if p.dim() > 1:
                scale = (
                    0.02 / math.sqrt(2 * c["layers"])
                    if name.endswith(("o.weight", "w2.weight"))
                    else 0.02
                    if "embed" in name
                    else p.shape[1] ** -0.5 * 0.7
                )
                nn.init.normal_(p, std=scale)

    def forward(self, tokens):
        """Final hidden states, the balancing loss and the experts chosen, by layer."""
        x = self.embed(tokens)
        cos, sin = rope_tables(self.c, tokens.shape[1], tokens.device)
        balance, loads = 0.0, []
        for b in self.blocks:
            x, p, chosen = b(x, cos, sin)
            f = chosen.mean((0, 1))
            balance = balance + self.c["experts"] * (f * p).sum() / self.c["topk"]
            loads.append(chosen)
        return rms_norm(x, self.norm), balance / len(self.blocks), loads

    def logits(self, hidden):
        return F.linear(hidden, self.embed.weight).float()


# Data on the device: every row that came from a worker stays there, fresh ones
# are used first; when workers are slower than the GPU, old rows come again.


class Pool:
    def __init__(self, queue, device, length):
        self.queue, self.device, self.length = queue, device, length
        self.rows, self.fresh, self.made, self.used = [], [], 0, 0

    def fill(self, wait=False):
        while wait or len(self.fresh) < 40:  # beyond that workers wait at the queue
            try:
                a = self.queue.get(timeout=120) if wait else self.queue.get_nowait()
            except queues.Empty:
                return
            wait = False
            t = torch.from_numpy(a.astype(np.int32)).to(self.device)
            self.made += t.numel()
            self.fresh.append(t)

    def batch(self, rows):
        self.fill()
        got = []
        while sum(len(g) for g in got) < rows:
            if self.fresh:
                g = self.fresh.pop(0)
                self.rows.append(g)
            elif len(self.rows) >= 200:
                g = random.choice(self.rows)
            else:
                self.fill(wait=True)
                continue
            got.append(g)
        self.used += rows * (self.length + 1)
        return torch.cat(got)[:rows]


def split(batch):
    """Inputs, targets and which targets count."""
    tokens = batch & 0x7FFF
    return tokens[:, :-1].long(), tokens[:, 1:].long(), batch[:, 1:] >= data.TRAIN


def loss_of(model, batch):
    x, y, m = split(batch)
    hidden, balance, loads = model(x)
    i = m.reshape(-1).nonzero().squeeze(1)
    logits = model.logits(hidden.reshape(-1, hidden.shape[-1])[i])
    return F.cross_entropy(logits, y.reshape(-1)[i]), balance, loads, m


@torch.no_grad()
def generate(model, prompts, most, device, amp):
    """Greedy answers to lists of tokens, all at once, without a cache."""
    out, step = [None] * len(prompts), 64
    for lo in range(0, len(prompts), step):
        part = prompts[lo : lo + step]
        n = torch.tensor([len(p) for p in part], device=device)
        size = int(n.max()) + most
        buf = torch.full((len(part), size), data.EOS, device=device)
        for i, p in enumerate(part):
            buf[i, : len(p)] = torch.tensor(p, device=device)
        at, done, rng = n.clone(), torch.zeros(len(part), dtype=torch.bool, device=device), torch.arange(len(part), device=device)
        for _ in range(most):
            with amp():
                h, _, _ = model(buf[:, : int(at.max())])
                nxt = model.logits(h[rng, at - 1]).argmax(-1)
            done |= nxt == data.EOS
            buf[rng, at] = torch.where(done, data.EOS, nxt)
            at = torch.where(done, at, at + 1)
            if bool(done.all()):
                break
        for i in range(len(part)):
            out[lo + i] = buf[i, int(n[i]) : int(at[i])].tolist()
    return out


def heldout(sp, length, n):
    """Validation conversations by topic and language; their seed is no worker's."""
    r, by = random.Random(77_000_001), {}
    for _ in range(n):
        name, system, lang, turns = talk.conversation(r)
        t = data.encode(sp, talk.segments(system, turns), length + 1)
        for key in (name, "lang " + lang, "all"):
            by.setdefault(key, []).append(t + [data.EOS] * (length + 1 - len(t)))
    return by


@torch.no_grad()
def evaluate(model, sp, device, amp, length, most, log, per, samples):
    model.eval()
    res = {"loss": {}, "load": {}}
    by = heldout(sp, length, per * 8)
    for key, rows in sorted(by.items()):
        if key == "all":
            continue
        total = count = 0
        load = torch.zeros(model.c["layers"], model.c["experts"], device=device)
        rows = rows[: per if not key.startswith("lang") else per * 2]
        for i in range(0, len(rows), 16):
            b = torch.tensor(rows[i : i + 16], device=device)
            with amp():
                l, _, loads, m = loss_of(model, b)
            k = int(m.sum())
            total, count = total + float(l) * k, count + k
            for j, ch in enumerate(loads):
                load[j] += (ch * m.unsqueeze(-1)).sum((0, 1))
        res["loss"][key] = round(total / max(count, 1), 4)
        if key.startswith("lang"):
            res["load"][key[5:]] = [[round(v, 3) for v in x] for x in (load / load.sum(-1, keepdim=True)).tolist()]
    # Arithmetic: exact answers to fresh sums.
    r, asks, want = random.Random(5), [], []
    for i in range(per * 2):
        x, op, y, z = arithmetic.draw(r)
        q = f"{x} {arithmetic.SYM[op]} {y} = ?" if i % 2 else f"{x}{op}{y}は？"
        asks.append([data.BOS] + sp.encode(prompt(q, DEFAULT)))
        want.append((op, f"= {z}." if i % 2 else f"={z}です", q))
    hits = {}
    for (op, w, q), o in zip(want, generate(model, asks, min(most, 72), device, amp)):
        hits.setdefault(op, []).append(w in sp.decode(o))
    res["arithmetic"] = {op: round(sum(v) / len(v), 3) for op, v in sorted(hits.items())}
    with open(PROMPTS) as f:
        ps = json.load(f)
    ps = ps[:: max(1, len(ps) // samples)]
    asks = []
    for p in ps:
        a = dict(DEFAULT, **p.get("attributes", {}))
        ids = [data.BOS]
        turns = p["turns"]
        for i, t in enumerate(turns):
            if i % 2 == 0:
                ids += sp.encode(prompt(t, a, p.get("system") if i == 0 else None) + (turns[i + 1] if i + 1 < len(turns) else ""))
                ids += [data.EOS] if i + 1 < len(turns) else []
        asks.append(ids)
    res["samples"] = [(p, sp.decode(o)) for p, o in zip(ps, generate(model, asks, most, device, amp))]
    log("validation loss: " + ", ".join(f"{k} {v}" for k, v in res["loss"].items()))
    log(f"arithmetic: {res['arithmetic']}")
    model.train()
    return res


def main():
    born = time.time()
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
    ap.add_argument("--config", type=json.loads, default={}, help="JSON that changes CONFIG, for a smaller model in a smoke test")
    ap.add_argument("--flat", type=int, default=0, help="1: at most 8 files directly in OUT")
    ap.add_argument("--out", required=True)
    a = ap.parse_args()
    CONFIG.update(a.config)
    os.makedirs(a.out, exist_ok=True)
    logfile = open(os.path.join(a.out, "train.log"), "a", buffering=1)

    def log(s):
        line = f"{time.time() - born:7.1f} s  {s}"
        print(line, flush=True)
        logfile.write(line + "\n")

    gpu = os.path.exists("/dev/nvidiactl")  # asked without CUDA: workers are forked before it starts
    queue, procs = data.start(a.seed, a.length, a.workers, *((64, 256) if gpu else (8, 4)))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(a.seed)
    random.seed(a.seed)
    torch.set_float32_matmul_precision("high")
    amp = (lambda: torch.autocast("cuda", torch.bfloat16)) if device == "cuda" else (lambda: torch.autocast("cpu", enabled=False))
    model = Mixtral(CONFIG).to(device)
    log(
        f"{sum(p.numel() for p in model.parameters())} parameters, {a.workers} workers, {device} {torch.cuda.get_device_name() if device == 'cuda' else ''}, torch {torch.__version__}"
    )
    plain = [b.forward for b in model.blocks]
    if a.compile == 1 or (a.compile < 0 and device == "cuda"):
        for b in model.blocks:
            b.forward = torch.compile(b.forward, dynamic=False)
    fast = [b.forward for b in model.blocks]

    def use(fs):
        for b, f in zip(model.blocks, fs):
            b.forward = f

    decay = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() <= 1]
    opt = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}], lr=a.lr, betas=(0.9, 0.95), fused=device == "cuda"
    )
    pool, sp = Pool(queue, device, a.length), data.load_tokenizer()
    step, stop, tokens = 0, [], 0
    for s in (signal.SIGTERM, signal.SIGINT):
        signal.signal(s, lambda *_: stop.append(1))
    budget, last_eval, began = a.minutes * 60, time.time(), None
    good = None
    try:
        while not stop:
            done = step / a.steps if a.steps else (time.time() - began) / max(1.0, budget - (began - born)) if began else 0.0
            if done >= 1 or (not a.steps and time.time() - born >= budget):
                break
            warm = min(1.0, (step + 1) / (min(200, a.steps / 10) if a.steps else 200))
            for g in opt.param_groups:
                g["lr"] = a.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
            batch = pool.batch(a.rows)
            try:
                with amp():
                    loss, balance, _, _ = loss_of(model, batch)
                    total = loss + a.balance * balance
                total.backward()
            except Exception as e:
                if step or fast is plain:
                    raise
                log(f"compilation failed, going on without: {e!r:.400}")
                fast = plain
                use(plain)
                opt.zero_grad(set_to_none=True)
                continue
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            opt.zero_grad(set_to_none=True)
            step += 1
            tokens += batch.numel()
            if step == 1:
                log(f"first step, loss {loss.item():.3f}")  # waits for the device
                mark = began = time.time()
                mark_tokens = tokens = 0
            elif step % (100 if device == "cuda" else 10) == 0:
                l = loss.item()
                now = time.time()
                log(
                    f"step {step} loss {l:.4f} balance {balance.item():.3f} norm {norm.item():.2f} lr {opt.param_groups[0]['lr']:.5f} {(tokens - mark_tokens) / (now - mark):.0f} tokens/s, {pool.used / max(pool.made, 1):.2f} uses of a row"
                )
                mark, mark_tokens = now, tokens
                if math.isfinite(l) and math.isfinite(norm.item()):
                    good = {k: v.clone() for k, v in model.state_dict().items()}
                elif good is None:
                    raise RuntimeError("loss is not finite")
                else:  # back to the last good weights, with half the rate
                    log("loss is not finite: back to the last good weights")
                    model.load_state_dict(good)
                    opt.state.clear()
                    a.lr /= 2
            if not a.steps and time.time() - last_eval > a.eval_minutes * 60 and time.time() - born < budget - 40:
                use(plain)
                torch.save(
                    {"model": {k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}, "config": CONFIG}, "/tmp/hachi-mini.pt"
                )
                evaluate(model, sp, device, amp, a.length, a.most, log, a.eval_rows, a.samples)
                use(fast)
                last_eval = mark = time.time()
                mark_tokens = tokens
    except Exception as e:  # export what there is
        import traceback

        log("FAILED: " + "".join(traceback.format_exception(e)))
        if good is not None:
            model.load_state_dict(good)
    log(f"{step} steps, {tokens} tokens, {pool.made} generated")
    for p in procs:
        p.terminate()
    use(plain)
    # What is exported is what is judged: round to bf16 first.
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.to(torch.bfloat16).to(p.dtype))
    state = model.state_dict()
    export.export(state, CONFIG, a.out)
    log("exported")
    results = evaluate(model, sp, device, amp, a.length, a.most, log, a.eval_rows, a.samples)
    with open(os.path.join(a.out, "results.json"), "w") as f:
        json.dump(results, f, ensure_ascii=False, indent=1)
    for p, text in results["samples"]:
        log(f"{p.get('system', '')} {p['turns']} {p.get('attributes', '')}\n    -> {text}")
    for lang, load in results["load"].items():
        for i, x in enumerate(load):
            log(f"load {lang} layer {i}: {x}")
    if a.flat:  # the way back from the device takes few files: two shards, and one archive of the rest
        logfile.flush()
        import tarfile

        small = [n for n in sorted(os.listdir(a.out)) if not n.endswith(".safetensors")]
        with tarfile.open(os.path.join(a.out, "rest.tar.gz"), "w:gz") as t:
            for n in small:
                t.add(os.path.join(a.out, n), n)
        for n in small:
            if n not in ("train.log", "results.json"):
                os.unlink(os.path.join(a.out, n))
    log("done")


if __name__ == "__main__":
    main()
