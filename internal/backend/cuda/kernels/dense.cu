// The attention side of a model: what surrounds the products of wgmma.cu and portable.cu, a warp for each row, head or gate
// logit. This file is C too: warp.cuh. Operations are f32, each rounded; what a product reads is rounded to bf16.
//
// A sum over a row has 32 lanes, each of which adds its elements in ascending order by fused multiply-add from zero; lanes are
// then added by pairs: j with j^16, then j^8, j^4, j^2, j^1.
#include <stdint.h>
#include "attention.cuh"

// treeSum adds the lanes.
__device__ __forceinline__ float treeSum(float v) {
#pragma unroll
  for (int mask = 16; mask; mask /= 2) v = __fadd_rn(v, shuffle(v, mask));
  return v;
}

// inverseRMS is 1 / sqrt(squares / n + eps).
__device__ __forceinline__ float inverseRMS(float squares, int n, float eps) {
  return __fdiv_rn(1, __fsqrt_rn(__fadd_rn(__fdiv_rn(squares, (float)n), eps)));
}

// Norm is mirrored by normParams in denselaunch.go.
typedef struct {
  float *x;           // [rows, k]
  const float *add;   // [rows, k] added to x first, or 0
  const float *gain;  // [k]
  uint16_t *out;      // [rows, k] bf16
  float eps;
  int count, width, k;  // rows; elements of a row; the same padded with zeros
  int fragments;        // out has the order of portable.cu
} Norm;

// norm is out = bf16(gain * (x / sqrt(mean of x^2 + eps))). Lane j has elements 128t + 4j + i, ascending t, then i.
__device__ __forceinline__ void norm(const Norm *p, int row, int lane) {
  float *x = p->x + (size_t)row * p->k;
  float squares = 0;
  for (int k = lane * 4; k < p->k; k += 128) {
    float4 v = *(float4 *)(x + k);
    if (p->add) {
      const float4 a = *(const float4 *)(p->add + (size_t)row * p->k + k);
      v.x = __fadd_rn(v.x, a.x), v.y = __fadd_rn(v.y, a.y), v.z = __fadd_rn(v.z, a.z), v.w = __fadd_rn(v.w, a.w);
      *(float4 *)(x + k) = v;
    }
    squares = __fmaf_rn(v.x, v.x, squares);
    squares = __fmaf_rn(v.y, v.y, squares);
    squares = __fmaf_rn(v.z, v.z, squares);
    squares = __fmaf_rn(v.w, v.w, squares);
  }
  const float scale = inverseRMS(treeSum(squares), p->width, p->eps);
  for (int k = lane * 4; k < p->k; k += 128) {
    const float4 v = *(const float4 *)(x + k), g = *(const float4 *)(p->gain + k);
    const uint32_t low = pack(__fmul_rn(g.x, __fmul_rn(v.x, scale)), __fmul_rn(g.y, __fmul_rn(v.y, scale)));
    const uint32_t high = pack(__fmul_rn(g.z, __fmul_rn(v.z, scale)), __fmul_rn(g.w, __fmul_rn(v.w, scale)));
    *(uint32_t *)(p->out + (p->fragments ? fragmentOf(row, k, p->k) : (size_t)row * p->k + k)) = low;
    *(uint32_t *)(p->out + (p->fragments ? fragmentOf(row, k + 2, p->k) : (size_t)row * p->k + k + 2)) = high;
  }
}

// Place is mirrored by placeParams in denselaunch.go.
typedef struct {
  const float *qkv;             // [rows, ld]: heads of q, of k, of v
  const float *angles;          // [rows, dim]: cosines, then sines
  const float *qGain, *kGain;   // [dim], or 0 for a model that norms no heads
  const Row *rows;
  const int *tables;
  uint16_t *q;                  // [rows, heads, width] bf16
  char *cache;                  // of the layer
  float eps;
  int count, ld, heads, kvHeads, dim, width;  // warps of work: heads + 2 * kvHeads a row; width is dim padded with zeros
} Place;

// headElement is element d of a head after its norm; scale is 1 without one.
__device__ __forceinline__ float headElement(const float *v, const float *gain, float scale, int d) {
  return gain ? __fmul_rn(gain[d], __fmul_rn(v[d], scale)) : v[d];
}

// rotated is element d of a head that is rotated to its position: element i is paired with i + dim / 2.
__device__ __forceinline__ float rotated(const float *v, const float *gain, float scale, const float *angles, int d, int dim) {
  const int half = dim / 2, i = d < half ? d : d - half;
  const float a = headElement(v, gain, scale, i), b = headElement(v, gain, scale, i + half), c = angles[i], s = angles[half + i];
  return d < half ? __fsub_rn(__fmul_rn(a, c), __fmul_rn(b, s)) : __fadd_rn(__fmul_rn(b, c), __fmul_rn(a, s));
}

// storeHead writes a key or a value [width] to position i of a page: as bf16, or as int8 with scale = largest magnitude / 127.
__device__ __forceinline__ void storeHead(char *page, const float *v, int i, int lane, int values, const int width, const int int8) {
  char *elements = page + values * VECTORS_OF(width, int8) * 512;
  float inverse = 1;
  if (int8) {
    int largest = 0;  // bits of magnitudes rise with them, and those of what is not a number are the highest
#pragma unroll
    for (int j = 0; j < width / 32; j++) {
      const int bits = __float_as_int(v[j]) & 0x7fffffff;
      if (bits > largest) largest = bits;
    }
#pragma unroll
    for (int mask = 16; mask; mask /= 2) {
      const int other = __float_as_int(shuffle(__int_as_float(largest), mask));
      if (other > largest) largest = other;
    }
    inverse = __fdiv_rn(127, __int_as_float(largest));
    if (inverse == __int_as_float(0x7f800000)) inverse = 0;
    if (lane == 0) ((float *)(page + 2 * VECTORS_OF(width, int8) * 512))[values * PAGE + i] = __fdiv_rn(__int_as_float(largest), 127);
  }
#pragma unroll
  for (int j = 0; j < width / 32; j++) {
    const int d = j * 32 + lane, at = values ? valueAt(i, d, int8) : keyAt(i, d, int8);
    if (!int8) {
      ((uint16_t *)elements)[at] = (uint16_t)pack(v[j], 0);
      continue;
    }
    const float nearest = rintf(__fmul_rn(v[j], inverse));
    ((uint8_t *)elements)[at] = nearest != nearest ? 128 : (uint8_t)((int)fminf(fmaxf(nearest, -127), 127) + 128);
  }
}

// place norms a head of q or k if the model does, rotates it, and writes it to q or to the cache; a head of v goes as it is.
__device__ __forceinline__ void place(const Place *p, int work, int lane, const int width, const int int8) {
  const int all = p->heads + 2 * p->kvHeads, row = work / all, head = work % all;
  const float *v = p->qkv + (size_t)row * p->ld + head * p->dim, *gain = head < p->heads ? p->qGain : p->kGain;
  const int isValue = head >= p->heads + p->kvHeads;
  float scale = 1, out[4];
  if (gain && !isValue) {
    float squares = 0;
    for (int d = lane; d < p->dim; d += 32) squares = __fmaf_rn(v[d], v[d], squares);
    scale = inverseRMS(treeSum(squares), p->dim, p->eps);
  }
#pragma unroll
  for (int j = 0; j < width / 32; j++) {
    const int d = j * 32 + lane;
    out[j] = d >= p->dim ? 0 : isValue ? v[d] : rotated(v, gain, scale, p->angles + (size_t)row * p->dim, d, p->dim);
  }
  if (head < p->heads) {
    uint16_t *q = p->q + ((size_t)row * p->heads + head) * width;
#pragma unroll
    for (int j = 0; j < width / 32; j++) q[j * 32 + lane] = (uint16_t)pack(out[j], 0);
    return;
  }
  const Row r = p->rows[row];
  const size_t page = (size_t)p->tables[r.table + r.position / PAGE] * p->kvHeads + (head - p->heads) % p->kvHeads;
  storeHead(p->cache + page * PAGE_BYTES(width, int8), out, r.position % PAGE, lane, isValue, width, int8);
}

// Gate is mirrored by gateParams in denselaunch.go.
typedef struct {
  const uint4 *h, *w;     // [rows, k] and [experts, k] bf16
  float *out;             // [rows, experts]
  int count, experts, k;  // warps of work: rows * experts
} Gate;

// gate is one logit. Lane j has elements 256t + 8j + i, ascending t, then i.
__device__ __forceinline__ void gate(const Gate *p, int work, int lane) {
  const uint4 *h = p->h + (size_t)(work / p->experts) * (p->k / 8), *w = p->w + (size_t)(work % p->experts) * (p->k / 8);
  float sum = 0;
  for (int k = lane; k < p->k / 8; k += 32) {
    const uint4 a = h[k], b = w[k];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const uint32_t x = word(&a, i / 2) >> i % 2 * 16, y = word(&b, i / 2) >> i % 2 * 16;
      sum = __fmaf_rn(__int_as_float((int)(x << 16)), __int_as_float((int)(y << 16)), sum);
    }
  }
  sum = treeSum(sum);
  if (lane == 0) p->out[work] = sum;
}

// KERNEL_OF_WARPS makes a kernel of one warp a block, which takes the work blockIdx.x, blockIdx.x + gridDim.x, ...; HAVE declares
// what its CALL uses.
#ifdef __CUDACC__
#define KERNEL_OF_WARPS(NAME, PARAMS, HAVE, CALL)                                           \
  extern "C" __global__ void __launch_bounds__(32) NAME(const __grid_constant__ PARAMS p) { \
    HAVE;                                                                                   \
    const int lane = threadIdx.x;                                                           \
    for (int work = blockIdx.x; work < p.count; work += gridDim.x) CALL;                    \
  }
#define RING(BYTES) __shared__ __align__(16) char ring[BYTES]
#else
#define KERNEL_OF_WARPS(NAME, PARAMS, HAVE, CALL)                            \
  static void NAME(const void *params, char *ring, int work, int lane) {    \
    const PARAMS p = *(const PARAMS *)params;                               \
    CALL;                                                                   \
  }
#endif
#define EVERY_FORMAT(WIDTH)                                                                                                \
  KERNEL_OF_WARPS(attend_bf16_w##WIDTH, Attend, RING(STAGES *STAGE_BYTES(WIDTH, 0)), attend(&p, ring, work, lane, WIDTH, 0)) \
  KERNEL_OF_WARPS(attend_int8_w##WIDTH, Attend, RING(STAGES *STAGE_BYTES(WIDTH, 1)), attend(&p, ring, work, lane, WIDTH, 1)) \
  KERNEL_OF_WARPS(place_bf16_w##WIDTH, Place, , place(&p, work, lane, WIDTH, 0))                                           \
  KERNEL_OF_WARPS(place_int8_w##WIDTH, Place, , place(&p, work, lane, WIDTH, 1))

KERNEL_OF_WARPS(norm_rows, Norm, , norm(&p, work, lane))
KERNEL_OF_WARPS(gate_rows, Gate, , gate(&p, work, lane))
KERNEL_OF_WARPS(combine_tiles, Combine, , combine(&p, work, lane))
EVERY_FORMAT(32)
EVERY_FORMAT(64)
EVERY_FORMAT(96)
EVERY_FORMAT(128)
