"""A small AWQ checkpoint from known integers, and the matrices it stands for.

python3 make_awq.py   (numpy; the packing is written from the format's description: word c of a row holds
outputs 8c + [0, 2, 4, 6, 1, 3, 5, 7] from the lowest bits up)
Writes group64/ and group128/, checkpoints with groups of that size, and in each weights.f32: w1 of layer 0,
expert 1, then q_proj of layer 0, row-major [out, in].
"""
import json, os, struct
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
HEADS, KV, V, E = 4, 2, 72, 3
ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(q):
    words = np.zeros((q.shape[0], q.shape[1] // 8), dtype=np.uint32)
    for i, o in enumerate(ORDER):
        words |= q[:, o::8].astype(np.uint32) << np.uint32(4 * i)
    return words.view(np.int32)


def make(out_dir, rng, H, F, G):
    tensors, wanted = [], []

    def linear(name, out, inp, keep=False):
        q, z = rng.integers(0, 16, (inp, out)), rng.integers(0, 16, (inp // G, out))
        s = (rng.random((inp // G, out)) * 0.02 + 0.001).astype("<f2")
        tensors.extend([(name + ".qweight", "I32", pack(q)), (name + ".qzeros", "I32", pack(z)), (name + ".scales", "F16", s)])
        if keep:
            w = (q - np.repeat(z, G, axis=0)).astype(np.float32) * np.repeat(s.astype(np.float32), G, axis=0)
            wanted.append(w.T.copy())

    def plain(name, *shape):
        tensors.append((name, "F16", (rng.standard_normal(shape) * 0.05 + (len(shape) == 1)).astype("<f2")))

    plain("model.embed_tokens.weight", V, H)
    p = "model.layers.0."
    for e in range(E):
        x = p + f"block_sparse_moe.experts.{e}."
        linear(x + "w1", F, H, keep=e == 1)
        linear(x + "w2", H, F)
        linear(x + "w3", F, H)
    linear(p + "self_attn.q_proj", H, H, keep=True)
    linear(p + "self_attn.k_proj", H * KV // HEADS, H)
    linear(p + "self_attn.v_proj", H * KV // HEADS, H)
    linear(p + "self_attn.o_proj", H, H)
    plain(p + "block_sparse_moe.gate.weight", E, H)
    plain(p + "input_layernorm.weight", H)
    plain(p + "post_attention_layernorm.weight", H)
    plain("model.norm.weight", H)
    plain("lm_head.weight", V, H)

    header, at, data = {}, 0, b""
    for name, dtype, a in tensors:
        raw = np.ascontiguousarray(a).tobytes()
        header[name] = {"dtype": dtype, "shape": list(a.shape), "data_offsets": [at, at + len(raw)]}
        at, data = at + len(raw), data + raw
    head = json.dumps(header).encode()
    os.makedirs(out_dir, exist_ok=True)
    with open(os.path.join(out_dir, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + data)
    config = {
        "architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_act": "silu", "hidden_size": H, "intermediate_size": F,
        "num_hidden_layers": 1, "num_attention_heads": HEADS, "num_key_value_heads": KV, "num_local_experts": E, "num_experts_per_tok": 2,
        "vocab_size": V, "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": None,
        "tie_word_embeddings": False, "torch_dtype": "float16", "bos_token_id": 1, "eos_token_id": 2,
        "quantization_config": {"bits": 4, "group_size": G, "modules_to_not_convert": ["gate"], "quant_method": "awq", "version": "gemm", "zero_point": True},
    }
    with open(os.path.join(out_dir, "config.json"), "w") as f:
        json.dump(config, f, indent=1)
    with open(os.path.join(out_dir, "weights.f32"), "wb") as f:
        for w in wanted:
            f.write(w.astype("<f4").tobytes())


make(os.path.join(here, "group64"), np.random.default_rng(3), 64, 128, 64)
make(os.path.join(here, "group128"), np.random.default_rng(4), 128, 128, 128)
