"""Known vectors of MXFP4, by code that shares nothing with hachi.

Run: pip install numpy ml_dtypes; python make_mxfp4.py > mxfp4.json

The codes and the rounding are those of ml_dtypes.float4_e2m1fn, the scales those
of ml_dtypes.float8_e8m0fnu; the choice of the scale is that of the OCP MX
specification 1.0, section 6.3. Numbers are written as the bits of an f32.
"""

import json

import ml_dtypes
import numpy as np


def quantize(values):
    """Codes and scale byte of a block of 32 f32 values."""
    largest = np.max(np.abs(values)).astype(np.float64)
    exponent = -127 if largest == 0 else max(int(np.floor(np.log2(largest))) - 2, -127)
    scaled = values.astype(np.float64) / 2.0**exponent
    clamped = np.clip(scaled, -6, 6)
    codes = clamped.astype(np.float32).astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    scale = np.float64(2.0**exponent).astype(ml_dtypes.float8_e8m0fnu)
    return codes, scale


def dequantize(codes, scale):
    return (codes.view(ml_dtypes.float4_e2m1fn).astype(np.float64) * np.float64(scale)).astype(np.float32)


def bits(values):
    return [int(b) for b in np.asarray(values, np.float32).view(np.uint32)]


def blocks():
    rng = np.random.default_rng(1)
    codes = np.arange(32) % 16
    every = codes.astype(np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    yield "every code", every
    yield "every code times 2^-100", every * np.float32(2.0**-100)
    yield "every code times 2^90", every * np.float32(2.0**90)
    yield "zeros", np.zeros(32, np.float32)
    yield "ties", np.array([6, 0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, -0.25, -0.75, -1.25, -1.75, -2.5, -3.5, -5, 0] * 2, np.float32)
    yield "above six", np.array([7.9, -7.9, 7, -7, 6.5, 6.1, 5.1, 4.9] * 4, np.float32)
    yield "subnormal", np.full(32, 2.0**-140, np.float32) * np.arange(32, dtype=np.float32)
    yield "largest", np.linspace(-3.4028235e38, 3.4028235e38, 32).astype(np.float32)
    for i in range(40):
        yield f"random {i}", (rng.standard_normal(32) * 10.0 ** rng.integers(-30, 30)).astype(np.float32)


out = []
for name, values in blocks():
    codes, scale = quantize(values)
    packed = (codes[0::2] | codes[1::2] << 4).tolist() + [int(scale.view(np.uint8))]
    out.append({"name": name, "values": bits(values), "block": packed, "back": bits(dequantize(codes, scale))})
print("[\n" + ",\n".join(json.dumps(o) for o in out) + "\n]")
