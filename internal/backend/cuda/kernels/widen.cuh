// Weights in the order of registers, and how they become bf16. This file is C too: warp.cuh.
//
// A block is 16 weight rows x 64 k. Blocks go by k, then by strips of 16 rows. In a block of bf16 or int8 the element for (lane,
// step, register, half) of mma's a stands at ((step * 4 + register) * 2 + half) of that lane, and 16 bytes of each lane are
// beside those of the next lane, so that a warp reads 512 bytes in one piece. Of 4 bits a step is 4 bytes, and the element is
// nibble register + 4 * half of them. Behind the elements of a quantized block are its scales, [8 rows][2 halves of 8 rows][2
// groups of 32 k]. In the image of w1 and w3 rows 0..7 of a strip are of w1 and rows 8..15 the same rows of w3.
//
// A weight is bf16(scale * q), the product being exact; q is int8, int4 - 8 or e2m1. A scale that is not finite makes what is not
// a number. An integer u below 2^8 is the end of the mantissa of 2^n + u, so
//
//	int8: fma(scale, 2^15 + u, -scale * (2^15 + 128)) in f32, exactly scale * q, since scale has 11 bits; then rounded
//	int4: q = 128 + u - 136; fma(q, high, q * low) in bf16, where high is scale without its 3 last bits, which low has
//	e2m1: as bits of a bf16 it is q / 2^126
#pragma once
#include "silu.cuh"
#include "warp.cuh"
#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

enum { BF16, INT8, INT4, MXFP4 };

// A block has VECTORS x 16 bytes of each lane, then SCALE bytes for every 4 lanes.
#define VECTORS(FORMAT) (FORMAT == BF16 ? 4 : FORMAT == INT8 ? 2 : 1)
#define SCALE(FORMAT) (FORMAT == BF16 ? 0 : FORMAT == MXFP4 ? 4 : 8)
#define BLOCK(FORMAT) (VECTORS(FORMAT) * 512 + SCALE(FORMAT) * 8)

// Block is what a lane reads of a block of weights.
typedef struct {
  uint4 q[4];
  uint32_t scale[2];  // of row lane/4 and of that row + 8: two f16, or two e8m0
} Block;

// readScales takes the SCALE bytes of a lane.
__device__ __forceinline__ void readScales(Block *b, const char *scales, const int format) {
  if (SCALE(format) == 8) {
    const uint2 s = *(const uint2 *)scales;
    b->scale[0] = s.x;
    b->scale[1] = s.y;
  } else if (SCALE(format) == 4) {
    const uint32_t s = *(const uint32_t *)scales;
    b->scale[0] = (s & 0xff) | (s & 0xff00) << 8;
    b->scale[1] = (s >> 16 & 0xff) | (s >> 24) << 16;
  }
}

// readBlock reads what lane needs of a block.
__device__ __forceinline__ void readBlock(Block *b, const char *block, int lane, const int format) {
#pragma unroll
  for (int i = 0; i < VECTORS(format); i++) b->q[i] = ((const uint4 *)block)[i * 32 + lane];
  readScales(b, block + VECTORS(format) * 512 + lane / 4 * SCALE(format), format);
}

__device__ __forceinline__ float halfToFloat(uint32_t h) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half((unsigned short)h));
#else
  return fromF16(h);
#endif
}

// weightOfByte is of byte i of v; 0x47000000 is 2^15, whose bit 8 counts 1.
__device__ __forceinline__ float weightOfByte(float scale, uint32_t v, int i) {
  return __fmaf_rn(scale, __int_as_float((int)permute(v, 0x47000000, 0x7404 | i << 4)), __fmul_rn(scale, -32896));
}

// widenInt4 is nibbles r and r + 4 of v times a scale: q * low has 6 bits, so that only the sum is rounded.
__device__ __forceinline__ uint32_t widenInt4(uint32_t v, int r, uint32_t scale) {
  const float high = halfToFloat(scale & 0xfff8), low = __fsub_rn(halfToFloat(scale), high);
  const uint32_t q = fusePair(maskOr(v >> 4 * r, 0x000f000f, 0x43004300), 0x3f803f80, 0xc308c308);
  return fusePair(q, pack(high, high), fusePair(q, pack(low, low), 0x80008000));
}

__device__ __forceinline__ uint32_t shifted(uint32_t v, int left) { return left >= 0 ? v << left : v >> -left; }

// widenE2M1 is nibbles r and r + 4 of v times a pair of scales: e2m1 at bit 6 is a bf16 of its value / 2^126.
__device__ __forceinline__ uint32_t widenE2M1(uint32_t v, int r, uint32_t scales) {
  const uint32_t bits = maskOr(shifted(v, 6 - 4 * r), 0x01c001c0, shifted(v, 12 - 4 * r) & 0x80008000);
  return fusePair(fusePair(bits, 0x7e807e80, 0x80008000), scales, 0x80008000);
}

// scaleBits is the scale of half h of the rows in group g of the block.
__device__ __forceinline__ uint32_t scaleBits(const Block *b, int h, int g) { return b->scale[h] >> 16 * g & 0xffff; }

// scalePair is an e8m0 twice, as bf16: 2^(v - 127), of which 2^-127 is subnormal, and 255 is not a number.
__device__ __forceinline__ uint32_t scalePair(uint32_t v) { return (v == 255 ? 0x7fc0 : v == 0 ? 0x40 : v << 7) * 0x10001; }

// widen writes the registers of step s: pairs of bf16.
__device__ __forceinline__ void widen(uint32_t *a, const Block *b, int s, const int format) {
#pragma unroll
  for (int r = 0; r < 4; r++) {
    if (format == BF16) {
      a[r] = word(&b->q[s], r);
    } else if (format == MXFP4) {
      a[r] = widenE2M1(word(&b->q[0], s), r, scalePair(scaleBits(b, r % 2, s / 2)));
    } else if (format == INT4) {
      a[r] = widenInt4(word(&b->q[0], s), r, scaleBits(b, r % 2, s / 2));
    } else {
      const float scale = halfToFloat(scaleBits(b, r % 2, s / 2));
      const uint32_t v = word(&b->q[s / 2], s % 2 * 2 + r / 2);
      a[r] = pack(weightOfByte(scale, v, r % 2 * 2), weightOfByte(scale, v, r % 2 * 2 + 1));
    }
  }
}
