"""Write a Hugging Face directory: MixtralForCausalLM, bf16, with the KARAKURI
chat template, as hachi and transformers read it."""

import json
import os
import shutil
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

import data
from model import EPSILON, Shape

# The chat template is that of the tokenizer's own directory: KARAKURI LM's.
TEMPLATE = json.loads((data.TOKENIZER.parent / "tokenizer_config.json").read_text())["chat_template"]


def config_json(c: Shape) -> dict[str, Any]:
    return {
        "architectures": ["MixtralForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": c.head_dim,
        "hidden_act": "silu",
        "hidden_size": c.hidden,
        "initializer_range": 0.02,
        "intermediate_size": c.ffn,
        "max_position_embeddings": c.context,
        "model_type": "mixtral",
        "num_attention_heads": c.heads,
        "num_experts_per_tok": c.topk,
        "num_hidden_layers": c.layers,
        "num_key_value_heads": c.kv_heads,
        "num_local_experts": c.experts,
        "output_router_logits": False,
        "rms_norm_eps": EPSILON,
        "rope_theta": c.theta,
        "router_aux_loss_coef": 0.02,
        "sliding_window": None,
        "tie_word_embeddings": True,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "vocab_size": c.vocab,
    }


def tokenizer_config(c: Shape) -> dict[str, Any]:
    special = {
        str(i): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
        for i, t in enumerate(("<unk>", "<s>", "</s>"))
    }
    return {
        "add_bos_token": True,
        "add_eos_token": False,
        "added_tokens_decoder": special,
        "bos_token": "<s>",
        "chat_template": TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "</s>",
        "legacy": True,
        "model_max_length": c.context,
        "pad_token": None,
        "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": "<unk>",
        "use_default_system_prompt": False,
    }


def tensors(state: dict[str, Tensor], c: Shape) -> dict[str, Tensor]:
    """The trainer's tensors under Mixtral's names."""
    out = {"model.embed_tokens.weight": state["embed.weight"], "model.norm.weight": state["norm"]}
    f, h = c.ffn, c.hidden
    for i in range(c.layers):
        s, d = f"blocks.{i}.", f"model.layers.{i}."
        out[d + "input_layernorm.weight"], out[d + "post_attention_layernorm.weight"] = state[s + "norm1"], state[s + "norm2"]
        for n in "qkvo":
            out[d + f"self_attn.{n}_proj.weight"] = state[s + f"{n}.weight"]
        out[d + "block_sparse_moe.gate.weight"] = state[s + "gate.weight"]
        for e in range(c.experts):
            x = d + f"block_sparse_moe.experts.{e}."
            out[x + "w1.weight"] = state[s + "w1.weight"][e * f : (e + 1) * f]
            out[x + "w3.weight"] = state[s + "w3.weight"][e * f : (e + 1) * f]
            out[x + "w2.weight"] = state[s + "w2.weight"][:, e * f : (e + 1) * f]
    assert all(h in v.shape or v.dim() == 1 for v in out.values())
    return out


def export(state: dict[str, Tensor], c: Shape, out: str, shard_bytes: int = 15 << 20) -> None:
    """Write everything into the folder out; shards stay below 16 MiB."""
    os.makedirs(out, exist_ok=True)
    ts = {k: v.detach().to("cpu", torch.bfloat16).contiguous().clone() for k, v in tensors(state, c).items()}
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for k, v in ts.items():
        n = v.numel() * 2
        if size + n > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][k] = v
        size += n
    names = (
        ["model.safetensors"] if len(shards) == 1 else [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    )
    for name, shard in zip(names, shards):
        save_file(shard, os.path.join(out, name), metadata={"format": "pt"})
        os.chmod(os.path.join(out, name), 0o644)
    if len(shards) > 1:
        index = {
            "metadata": {"total_size": sum(v.numel() * 2 for v in ts.values())},
            "weight_map": {k: n for n, s in zip(names, shards) for k in s},
        }
        write(out, "model.safetensors.index.json", index)
    write(out, "config.json", config_json(c))
    write(out, "generation_config.json", {"bos_token_id": 1, "do_sample": True, "eos_token_id": 2, "temperature": 0.4})
    write(out, "tokenizer_config.json", tokenizer_config(c))
    shutil.copyfile(data.TOKENIZER, os.path.join(out, "tokenizer.model"))


def write(out: str, name: str, value: dict[str, Any]) -> None:
    with open(os.path.join(out, name), "w") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)
        f.write("\n")
