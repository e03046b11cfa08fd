"""Writes the GGUF files of the importer's tests with the gguf package: a tiny Mixtral that speaks ChatML, whole and in three parts.

python3 -m venv v && v/bin/pip install gguf==0.18.0
v/bin/python fixtures.py ../../internal/weights/gguf/testdata
"""
import os
import sys

import gguf
import numpy as np

HIDDEN, FFN, HEADS, KV, EXPERTS, LAYERS, PADS = 8, 16, 2, 1, 4, 2, 6
CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
TYPE = gguf.TokenType


def vocabulary():
    """Text, score and type of every token: bytes, letters, added tokens, padding."""
    out = [("<unk>", 0.0, TYPE.UNKNOWN), ("<s>", 0.0, TYPE.CONTROL), ("</s>", 0.0, TYPE.CONTROL)]
    out += [(f"<0x{b:02X}>", 0.0, TYPE.BYTE) for b in range(256)]
    pieces = ["▁", *"abcdefghijklmnopqrstuvwxyz", "▁a", "er", "▁user", "us", "user"]
    out += [(p, -float(i), TYPE.NORMAL) for i, p in enumerate(pieces)]
    out += [("<|im_start|>", -1000.0, TYPE.CONTROL), ("<|im_end|>", -1000.0, TYPE.CONTROL), ("<|note|>", -1000.0, TYPE.USER_DEFINED)]
    return out + [(f"[PAD{len(out) + i}]", -1000.0, TYPE.UNUSED) for i in range(PADS)]


def metadata(out, tokens):
    ids = {text: i for i, (text, _, _) in enumerate(tokens)}
    out.add_type("model")
    out.add_name("fixture")
    out.add_license("apache-2.0")
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    out.add_quantization_version(gguf.GGML_QUANT_VERSION)
    out.add_vocab_size(len(tokens))
    out.add_context_length(256)
    out.add_embedding_length(HIDDEN)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FFN)
    out.add_head_count(HEADS)
    out.add_head_count_kv(KV)
    out.add_rope_dimension_count(HIDDEN // HEADS)
    out.add_rope_freq_base(1e6)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_expert_count(EXPERTS)
    out.add_expert_used_count(2)
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list([text for text, _, _ in tokens])
    out.add_token_scores([score for _, score, _ in tokens])
    out.add_token_types([kind for _, _, kind in tokens])
    out.add_bos_token_id(ids["<s>"])
    out.add_eos_token_id(ids["</s>"])
    out.add_unk_token_id(ids["<unk>"])
    out.add_pad_token_id(ids["</s>"])
    out.add_eot_token_id(ids["<|im_end|>"])
    out.add_add_bos_token(False)
    out.add_add_eos_token(False)
    out.add_add_space_prefix(False)
    out.add_chat_template([{"name": "default", "template": CHATML}, {"name": "tool_use", "template": "{{ tools }}"}])
    out.add_float32("general.sampling.temp", 0.7)
    out.add_int32("general.sampling.top_k", 40)


def tensors(rows):
    rng = np.random.default_rng(11)

    def matrix(name, *shape):
        return name + ".weight", (rng.standard_normal(shape) * 0.05).astype(np.float16 if len(shape) > 1 else np.float32) + np.float16(len(shape) == 1)

    yield matrix("token_embd", rows, HIDDEN)
    for layer in range(LAYERS):
        p = f"blk.{layer}."
        yield matrix(p + "attn_norm", HIDDEN)
        yield matrix(p + "attn_q", HIDDEN, HIDDEN)
        yield matrix(p + "attn_k", HIDDEN * KV // HEADS, HIDDEN)
        yield matrix(p + "attn_v", HIDDEN * KV // HEADS, HIDDEN)
        yield matrix(p + "attn_output", HIDDEN, HIDDEN)
        yield matrix(p + "ffn_norm", HIDDEN)
        yield matrix(p + "ffn_gate_inp", EXPERTS, HIDDEN)
        yield matrix(p + "ffn_gate_exps", EXPERTS, FFN, HIDDEN)
        yield matrix(p + "ffn_down_exps", EXPERTS, HIDDEN, FFN)
        yield matrix(p + "ffn_up_exps", EXPERTS, FFN, HIDDEN)
    yield matrix("output_norm", HIDDEN)
    yield matrix("output", rows, HIDDEN)


def write(path, **split):
    tokens, out = vocabulary(), gguf.GGUFWriter(path, "llama", **split)
    metadata(out, tokens)
    for name, values in tensors(len(tokens)):
        out.add_tensor(name, values)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def main(directory):
    write(os.path.join(directory, "chat.gguf"))
    write(os.path.join(directory, "chat"), split_max_tensors=8)


if __name__ == "__main__":
    main(*sys.argv[1:])
