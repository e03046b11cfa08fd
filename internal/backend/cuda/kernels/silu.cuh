// What an expert does between its two products. This file is C too: the fake driver of the tests runs it on a processor,
// with functions of C in the place of the intrinsics.
#pragma once
#include <stdint.h>

// exponential is package kernel's Exp (internal/compute/kernel/exp.go), operation by operation.
__device__ __forceinline__ float exponential(float x) {
  if (x < -103.97208f) return 0;
  if (x > 88.72283f) return __int_as_float(0x7f800000);
  float n = __fsub_rn(__fmaf_rn(x, 1.44269504f, 12582912.f), 12582912.f);
  float r = __fmaf_rn(n, -1.42860677e-06f, __fmaf_rn(n, -0.693145751953125f, x));
  float p = 1.0f / 5040;
  p = __fmaf_rn(p, r, 1.0f / 720);
  p = __fmaf_rn(p, r, 1.0f / 120);
  p = __fmaf_rn(p, r, 1.0f / 24);
  p = __fmaf_rn(p, r, 1.0f / 6);
  p = __fmaf_rn(p, r, 0.5f);
  p = __fmaf_rn(p, r, 1);
  p = __fmaf_rn(p, r, 1);
  int e = (int)n, half = e >> 1;
  return __fmul_rn(__fmul_rn(p, __int_as_float((half + 127) << 23)), __int_as_float((e - half + 127) << 23));
}

// gated is SiLU(gate) * up, each operation rounded to f32.
__device__ __forceinline__ float gated(float gate, float up) {
  return __fmul_rn(__fdiv_rn(gate, __fadd_rn(1, exponential(-gate))), up);
}

// pack rounds two values to bf16, to nearest, ties to even. The first is the low half.
__device__ __forceinline__ uint32_t pack(float lo, float hi) {
#ifdef __CUDACC__
  uint32_t v;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(v) : "f"(hi), "f"(lo));
  return v;
#else
  return toBF16(lo) | (uint32_t)toBF16(hi) << 16;
#endif
}
