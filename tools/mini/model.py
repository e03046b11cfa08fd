"""The model that train.py trains: a Mixtral whose experts lie side by side."""

import dataclasses
import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5  # of the norms, as in config.json


@dataclasses.dataclass(frozen=True)
class Shape:
    """The sizes of a model. The defaults are those of hachi-mini."""

    vocab: int = 8000
    hidden: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    head_dim: int = 32
    ffn: int = 288
    experts: int = 8
    topk: int = 2
    theta: float = 10000.0
    context: int = 2048


@dataclasses.dataclass
class Output:
    """What a forward pass gives for tokens [b, t]."""

    hidden: Tensor  # [b, t, hidden], normed
    balance: Tensor  # the balancing loss; 1 is even
    chosen: list[Tensor]  # by layer [b, t, experts]: 1 where an expert computes


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + EPSILON)).to(x.dtype) * weight.to(x.dtype)


def rope_tables(shape: Shape, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [length, head_dim] of RoPE (arXiv:2104.09864), halves repeated."""
    inverse = shape.theta ** (-torch.arange(0, shape.head_dim, 2, device=device, dtype=torch.float32) / shape.head_dim)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), inverse)
    return torch.cat((angles, angles), -1).cos(), torch.cat((angles, angles), -1).sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class Block(nn.Module):
    """One layer. The experts lie side by side in one wide SwiGLU; the gate's
    weights, zero for those not chosen, multiply its inner values. That is the
    sum over the chosen experts, in two matrix products."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        hidden, inner = shape.hidden, shape.experts * shape.ffn
        self.norm1, self.norm2 = nn.Parameter(torch.ones(hidden)), nn.Parameter(torch.ones(hidden))
        self.q = nn.Linear(hidden, shape.heads * shape.head_dim, bias=False)
        self.k = nn.Linear(hidden, shape.kv_heads * shape.head_dim, bias=False)
        self.v = nn.Linear(hidden, shape.kv_heads * shape.head_dim, bias=False)
        self.o = nn.Linear(shape.heads * shape.head_dim, hidden, bias=False)
        self.gate = nn.Linear(hidden, shape.experts, bias=False)
        self.w1 = nn.Linear(hidden, inner, bias=False)
        self.w3 = nn.Linear(hidden, inner, bias=False)
        self.w2 = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The next rows, the mean probability of each expert, and the chosen experts."""
        x = x + self.attend(rms_norm(x, self.norm1), cos, sin)
        y = rms_norm(x, self.norm2)
        with torch.autocast(x.device.type, enabled=False):
            probabilities = F.linear(y.float(), self.gate.weight.float()).softmax(-1)
        top, which = probabilities.topk(self.shape.topk, -1)
        chosen = F.one_hot(which, self.shape.experts).sum(-2).to(probabilities.dtype)
        weight = probabilities * chosen / top.sum(-1, keepdim=True)
        return x + self.mix(y, weight).to(x.dtype), probabilities.mean((0, 1)), chosen

    def attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, t, _ = x.shape

        def heads(projection: nn.Linear, n: int) -> Tensor:
            return cast(Tensor, projection(x)).view(b, t, n, -1).transpose(1, 2)

        q, k, v = heads(self.q, self.shape.heads), heads(self.k, self.shape.kv_heads), heads(self.v, self.shape.kv_heads)
        q, k = rotate(q.float(), cos, sin).to(v.dtype), rotate(k.float(), cos, sin).to(v.dtype)
        shared = self.shape.heads // self.shape.kv_heads
        y = F.scaled_dot_product_attention(q, k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1), is_causal=True)
        return cast(Tensor, self.o(y.transpose(1, 2).reshape(b, t, -1)))

    def mix(self, x: Tensor, weight: Tensor) -> Tensor:
        """The experts' outputs for rows [b, t, hidden], weighted by [b, t, experts]."""
        b, t, _ = x.shape
        z = F.silu(self.w1(x)) * self.w3(x)
        z = (z.view(b, t, self.shape.experts, -1) * weight.to(z.dtype).unsqueeze(-1)).view(b, t, -1)
        return cast(Tensor, self.w2(z))


class Mixtral(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocab, shape.hidden)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.hidden))
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=self._scale(name, p))

    def _scale(self, name: str, p: Tensor) -> float:
        if name.endswith(("o.weight", "w2.weight")):  # what is added to the residual stream
            return 0.02 / math.sqrt(2 * self.shape.layers)
        return 0.02 if "embed" in name else float(p.shape[1]) ** -0.5 * 0.7

    def forward(self, tokens: Tensor) -> Output:
        x = self.embed(tokens)
        cos, sin = rope_tables(self.shape, tokens.shape[1], tokens.device)
        balance, chosen = torch.zeros((), device=tokens.device), []
        for block in self.blocks:
            x, probability, picked = block(x, cos, sin)
            # Load times probability, summed: 1 when even (Switch Transformers, arXiv:2101.03961, section 2.2).
            balance = balance + self.shape.experts * (picked.mean((0, 1)) * probability).sum() / self.shape.topk
            chosen.append(picked)
        return Output(rms_norm(x, self.norm), balance / len(self.blocks), chosen)

    def logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.embed.weight).float()
