"""The trainer's logits against those of transformers, on random weights with
random norms: python parity.py [--compile]"""

import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM

import export
from model import Mixtral, Shape


def main() -> None:
    torch.manual_seed(3)
    model = Mixtral(Shape()).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_((p + 0.3 * torch.randn_like(p)) if p.dim() == 1 else 3 * p)  # sharper gates, uneven norms
            p.copy_(p.to(torch.bfloat16).float())
    with tempfile.TemporaryDirectory() as d:
        export.export(model.state_dict(), model.shape, d)
        hf = AutoModelForCausalLM.from_pretrained(d, dtype=torch.float32).eval()  # type: ignore[no-untyped-call]
    x = torch.randint(3, model.shape.vocab, (2, 96))
    if "--compile" in sys.argv:
        for b in model.blocks:
            b.forward = torch.compile(b.forward, dynamic=False)
    with torch.no_grad():
        a, b = model.logits(model(x).hidden), hf(x).logits
    print(
        "largest difference",
        (a - b).abs().max().item(),
        "of logits up to",
        b.abs().max().item(),
        "| same argmax",
        (a.argmax(-1) == b.argmax(-1)).float().mean().item(),
    )


if __name__ == "__main__":
    main()
