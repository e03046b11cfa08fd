"""Writes a Mixtral checkpoint directory (safetensors, bf16 or f32, one file or several) as a GGUF file, so that llama.cpp can be
measured with the same weights.

python3 -m venv v && v/bin/pip install gguf==0.17.1 sentencepiece==0.2.3
v/bin/python export.py DIR FILE.gguf
"""
import json
import os
import struct
import sys

import gguf
import numpy as np
import sentencepiece

TYPES = {"BF16": (np.uint16, gguf.GGMLQuantizationType.BF16), "F32": (np.float32, gguf.GGMLQuantizationType.F32)}
INNER = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "block_sparse_moe.gate": "ffn_gate_inp",
}
OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def tensors(directory):
    """Every tensor by name: its values, mapped, and its type."""
    out = {}
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".safetensors"):
            continue
        path = os.path.join(directory, name)
        with open(path, "rb") as f:
            size, = struct.unpack("<Q", f.read(8))
            header = json.loads(f.read(size))
        data = np.memmap(path, mode="r", offset=8 + size)
        for key, t in header.items():
            if key != "__metadata__":
                element, kind = TYPES[t["dtype"]]
                begin, end = t["data_offsets"]
                out[key.removesuffix(".weight")] = data[begin:end].view(element).reshape(t["shape"]), kind
    return out


def interleave(w, heads):
    """The format rotates elements 2i and 2i+1 of a head, Hugging Face i and i + half."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


def wide(w, kind):
    """Vectors and gates are f32."""
    return (w.astype(np.uint32) << 16).view(np.float32) if kind == gguf.GGMLQuantizationType.BF16 else w


def metadata(out, c, directory):
    out.add_name(os.path.basename(os.path.normpath(directory)))
    out.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    out.add_vocab_size(c["vocab_size"])
    out.add_context_length(c["max_position_embeddings"])
    out.add_embedding_length(c["hidden_size"])
    out.add_block_count(c["num_hidden_layers"])
    out.add_feed_forward_length(c["intermediate_size"])
    out.add_head_count(c["num_attention_heads"])
    out.add_head_count_kv(c["num_key_value_heads"])
    out.add_rope_dimension_count(c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"])
    out.add_rope_freq_base(c["rope_theta"])
    out.add_layer_norm_rms_eps(c["rms_norm_eps"])
    out.add_expert_count(c["num_local_experts"])
    out.add_expert_used_count(c["num_experts_per_tok"])
    spm = sentencepiece.SentencePieceProcessor(os.path.join(directory, "tokenizer.model"))
    pieces = range(spm.vocab_size())
    kinds = [2 if spm.is_unknown(i) else 3 if spm.is_control(i) else 6 if spm.is_byte(i) else 1 for i in pieces]
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list([spm.id_to_piece(i) for i in pieces])
    out.add_token_scores([spm.get_score(i) for i in pieces])
    out.add_token_types(kinds)
    out.add_bos_token_id(spm.bos_id())
    out.add_eos_token_id(spm.eos_id())
    out.add_unk_token_id(spm.unk_id())
    out.add_add_bos_token(True)
    out.add_add_eos_token(False)


def main(directory, path):
    with open(os.path.join(directory, "config.json")) as f:
        c = json.load(f)
    found, out = tensors(directory), gguf.GGUFWriter(path, "llama")
    metadata(out, c, directory)

    def add(name, w, kind):
        if w.ndim == 1 or name.endswith("ffn_gate_inp"):
            w, kind = wide(w, kind), gguf.GGMLQuantizationType.F32
        out.add_tensor(name + ".weight", np.ascontiguousarray(w).view(np.uint8) if kind == gguf.GGMLQuantizationType.BF16 else w, raw_dtype=kind)

    for hf, name in OUTER.items():
        if hf in found:
            add(name, *found[hf])
    for layer in range(c["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        for hf, name in INNER.items():
            w, kind = found[prefix + hf]
            if name in ("attn_q", "attn_k"):
                w = interleave(w, c["num_attention_heads" if name == "attn_q" else "num_key_value_heads"])
            add(f"blk.{layer}.{name}", w, kind)
        for hf, name in {"w1": "ffn_gate_exps", "w2": "ffn_down_exps", "w3": "ffn_up_exps"}.items():
            experts = [found[f"{prefix}block_sparse_moe.experts.{e}.{hf}"] for e in range(c["num_local_experts"])]
            add(f"blk.{layer}.{name}", np.stack([w for w, _ in experts]), experts[0][1])
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
