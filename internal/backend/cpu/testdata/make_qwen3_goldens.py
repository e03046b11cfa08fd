#!/usr/bin/env python3
"""Makes the Qwen3-MoE golden checkpoints and logits of this directory with
Hugging Face transformers, an implementation independent of ours.

    pip install torch==2.15.0 transformers==5.23.0 numpy==2.4.6 safetensors
    python make_qwen3_goldens.py

For every configuration: a small random Qwen3MoeForCausalLM in f32, config.json
and model.safetensors as save_pretrained writes both, and logits at every
position of a prompt and of 64 greedy tokens after it. Seeds are searched until
every gate and argmax decision has a margin over 1e-3, so that rounding cannot
legitimately change one.
"""
import json
import os
import sys

import numpy as np
import torch
import transformers
from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

PINNED = "5.23.0"
HERE = os.path.dirname(os.path.abspath(__file__))
PROMPT, GREEDY, MARGIN = 40, 64, 1e-3

BASE = dict(vocab_size=96, bos_token_id=1, eos_token_id=2, max_position_embeddings=256)
CASES = {
    # Every layer has experts; 4 heads of 32 are wider than the hidden size.
    "qwen3-moe": dict(hidden_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
                      intermediate_size=96, moe_intermediate_size=48, num_experts=8, num_experts_per_tok=2,
                      norm_topk_prob=True, rope_theta=1e5),
    # decoder_sparse_step makes layers 0 and 2 dense, mlp_only_layers makes layer 3 dense.
    "qwen3-moe-dense-layers": dict(hidden_size=48, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
                                   head_dim=16, intermediate_size=96, moe_intermediate_size=32, num_experts=6,
                                   num_experts_per_tok=3, norm_topk_prob=False, decoder_sparse_step=2,
                                   mlp_only_layers=[3], rope_theta=1e4),
    "qwen3-moe-many": dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1,
                           head_dim=16, intermediate_size=96, moe_intermediate_size=24, num_experts=16,
                           num_experts_per_tok=4, norm_topk_prob=True, tie_word_embeddings=True, rope_theta=1e6),
}
# Gains over 1 / sqrt(inputs) of the matrices whose names contain the key.
GAINS = {"lm_head": 3, "mlp.gate.": 2, "v_proj": 1, "o_proj": 1, "": 1.5}


def fill(model, seed):
    """Draws every weight, so that norms differ from 1 and logits are far apart."""
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        x = torch.randn(p.shape, generator=g)
        if "norm" in name:
            p.data = 1 + 0.2 * x
        elif "embed_tokens" in name:
            p.data = 0.7 * x
        else:
            p.data = x * next(gain for key, gain in GAINS.items() if key in name) / p.shape[-1] ** 0.5


def checkpoint(out, case, seed):
    """Saves a random model and loads what it saved."""
    case = dict(BASE, **case)
    case["rope_parameters"] = dict(rope_type="default", rope_theta=case.pop("rope_theta"))
    model = Qwen3MoeForCausalLM(Qwen3MoeConfig(**case))
    fill(model, seed)
    model.save_pretrained(out)
    os.remove(os.path.join(out, "generation_config.json"))
    return Qwen3MoeForCausalLM.from_pretrained(out, dtype=torch.float32, attn_implementation="eager",
                                               experts_implementation="eager").eval()


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def gate_margins(model, ids, k):
    """Smallest gap, per position, between the last chosen and the first rejected expert."""
    seen = []
    hooks = [layer.mlp.gate.register_forward_pre_hook(
        lambda m, args: seen.append(args[0].reshape(-1, args[0].shape[-1]) @ m.weight.T))
        for layer in model.model.layers if hasattr(layer.mlp, "gate")]
    logits = logits_of(model, ids)
    for hook in hooks:
        hook.remove()
    gaps = []
    for s in seen:
        top = s.sort(dim=-1, descending=True).values
        gaps.append(top[:, k - 1] - top[:, k])
    return logits, torch.stack(gaps).min(dim=0).values


def run(name, case, seed):
    out = os.path.join(HERE, name)
    os.makedirs(out, exist_ok=True)
    model = checkpoint(out, case, seed)
    rng = np.random.default_rng(seed)
    ids = [1] + rng.integers(3, BASE["vocab_size"], PROMPT - 1).tolist()
    for _ in range(GREEDY):
        last = logits_of(model, ids)[-1]
        top = last.topk(2).values
        if top[0] - top[1] < MARGIN:
            return False
        ids.append(int(last.argmax()))
    logits, gaps = gate_margins(model, ids, case["num_experts_per_tok"])
    if gaps.min() < MARGIN:
        return False
    meta = dict(tokens=ids, prompt=PROMPT, gate_margin=[round(float(g), 6) for g in gaps], seed=seed)
    logits.numpy().astype("<f4").tofile(os.path.join(out, "logits.f32"))
    with open(os.path.join(out, "golden.json"), "w") as f:
        json.dump(meta, f)
    print(name, "seed", seed, "gate margin", float(gaps.min()), "logit deviation", float(logits.std()),
          "distinct greedy tokens", len(set(ids[PROMPT:])))
    return True


def main():
    if transformers.__version__ != PINNED:
        sys.exit(f"transformers {transformers.__version__}: these goldens are made with {PINNED}")
    torch.manual_seed(0)
    torch.set_num_threads(2)
    for name, case in CASES.items():
        if not any(run(name, case, seed) for seed in range(1, 200)):
            sys.exit(f"{name}: no seed has safe margins")


main()
