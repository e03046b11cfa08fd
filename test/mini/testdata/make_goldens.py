#!/usr/bin/env python3
"""Makes goldens.json: what Hugging Face transformers, an implementation independent
of hachi, answers to conversations.json with the weights of hachi-mini.

    pip install torch==2.15.0 transformers==5.23.0 sentencepiece==0.2.3 protobuf==7.36.2
    hachi model export mini DIR
    python make_goldens.py DIR

The weights are bf16 and computed in f32. An answer is greedy and ends at the end
of the sequence, which counts as a token. Every token has its log probability and
the margin to the likeliest other token. A conversation with a margin below
MIN_MARGIN is refused: hachi rounds rows, keys and values to bf16, which may
legitimately decide between two jokes that are as good.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers

PINNED = "5.23.0"
MAX_TOKENS = 256
MIN_MARGIN = 0.3  # nats
HERE = Path(__file__).parent


def messages(conversation: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns as the chat template reads them."""
    out: list[dict[str, Any]] = []
    if "system" in conversation:
        out.append({"role": "system", "content": conversation["system"]})
    for i, turn in enumerate(conversation["turns"]):
        if i % 2 == 0:
            out.append({"role": "user", "content": turn, **conversation.get("attributes", {})})
        else:
            out.append({"role": "assistant", "content": turn})
    return out


@torch.no_grad()
def answer(model: Any, prompt: list[int], end: int) -> dict[str, list[Any]]:
    """The greedy continuation of prompt."""
    tokens: list[int] = []
    logprobs: list[float] = []
    margins: list[float] = []
    step = model(torch.tensor([prompt]))
    while True:
        best = torch.log_softmax(step.logits[0, -1], -1).topk(2)
        tokens.append(int(best.indices[0]))
        logprobs.append(round(float(best.values[0]), 5))
        margins.append(round(float(best.values[0] - best.values[1]), 4))
        if tokens[-1] == end or len(tokens) == MAX_TOKENS:
            return {"tokens": tokens, "logprobs": logprobs, "margins": margins}
        step = model(torch.tensor([tokens[-1:]]), past_key_values=step.past_key_values)


def main() -> None:
    assert transformers.__version__ == PINNED, f"transformers {transformers.__version__}, want {PINNED}"
    directory = sys.argv[1]
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    model = transformers.AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    conversations = json.loads((HERE / "conversations.json").read_text())
    lines: list[str] = []
    for conversation in conversations:
        text = tokenizer.apply_chat_template(messages(conversation), tokenize=False)
        prompt = tokenizer(text, add_special_tokens=False).input_ids
        golden = {"prompt": prompt, **answer(model, prompt, tokenizer.eos_token_id)}
        print(conversation["turns"][-1], "->", tokenizer.decode(golden["tokens"]))
        if min(golden["margins"]) < MIN_MARGIN:
            sys.exit(f"a margin of {min(golden['margins'])}: choose another conversation")
        lines.append(json.dumps(golden))
    (HERE / "goldens.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
