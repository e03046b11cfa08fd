"""Random rows of every quantized type and what the gguf package (0.18.0, numpy) makes of them.

python3 -m venv v && v/bin/pip install gguf==0.18.0 && v/bin/python make_blocks.py
Writes <type>.raw (rows as in a file) and <type>.f32 (their values, little-endian).
"""
import os
import numpy as np
from gguf import GGMLQuantizationType as T, quants

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(7)
sizes = {T.Q8_0: (34, 32), T.Q4_0: (18, 32), T.Q4_K: (144, 256), T.Q6_K: (210, 256), T.Q5_K: (176, 256),
         T.Q4_1: (20, 32), T.Q5_0: (22, 32), T.Q5_1: (24, 32), T.MXFP4: (17, 32)}
halves = {T.Q8_0: [0], T.Q4_0: [0], T.Q4_K: [0, 2], T.Q6_K: [208], T.Q5_K: [0, 2],
          T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.MXFP4: []}
for kind, (size, elements) in sizes.items():
    rows, blocks = 3, 512 // elements
    raw = rng.integers(0, 256, (rows, blocks, size), dtype=np.uint8)
    for at in halves[kind]:
        d = (rng.standard_normal((rows, blocks)) * 0.01).astype("<f2")
        raw[:, :, at:at + 2] = d[..., None].view(np.uint8)
    if kind == T.MXFP4:  # exponents that occur, and the two that make denormal numbers
        raw[:, :, 0] = rng.choice([0, 1, 2, *range(110, 135)], (rows, blocks))
    raw = raw.reshape(rows, blocks * size)
    values = quants.dequantize(raw, kind)
    raw.tofile(os.path.join(here, kind.name + ".raw"))
    values.astype("<f4").tofile(os.path.join(here, kind.name + ".f32"))
