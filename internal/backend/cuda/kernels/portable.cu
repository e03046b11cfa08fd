// The product of one launch over mma.sync.m16n8k16, which every GPU from sm_80 on has, for weights in every format. An expert
// is two launches, up and then down. The sums are those of wgmma.cu bit for bit (docs/accelerators.md): one f32 accumulator an
// output, K in ascending steps of 16, no split over K.
//
// Weights lie in device memory as fragments: a block is 16 weight rows x 64 k, blocks go by k, then by strips of 16 rows. In a
// block the element for (lane, step, register, half) stands at ((step * 4 + register) * 2 + half) of that lane; 16 bytes of
// each lane are beside those of the next lane, so that a warp reads 512 bytes in one piece. Behind the elements of a quantized
// block are its scales, [8 rows][2 halves of 8 rows][2 groups of 32 k]. In the image of w1 and w3 rows 0..7 of a strip are of
// w1 and rows 8..15 the same rows of w3. Activations lie as fragments too: blocks of 8 rows x 64 k, element (step * 2 +
// register) * 2 + half of a lane.
//
// A weight is widened to bf16 in a register: bf16(scale * q), the product in f32 being exact; q is int8, int4 - 8 or e2m1.
//
// One warp computes a tile of 16 weight rows x N rows of x. A ring in shared memory keeps DEPTH blocks of weights on their way;
// a lane reads there only what it copied itself, so that lanes wait for no other. This file is C too: the fake driver of the
// tests runs it, 32 lanes in turn.
#include "silu.cuh"
#include "warp.cuh"
#ifdef __CUDACC__
#include <cuda_fp16.h>
#endif

// Product is mirrored by portableParams in launch.go.
typedef struct {
  const uint64_t *weights;  // image of the weights of each row tile, [rowTiles]
  const uint4 *x;           // fragments of [rowTiles * N, k]
  void *out;                // up: fragments of [rowTiles * N, ldo] bf16; down: [rowTiles * N, ldo] bf16; wide: the same of f32
  int k, ldo;               // reduction length; outputs of a row
  int strips, rowTiles;     // of 16 weight rows; of N rows
} Product;

enum { BF16, INT8, INT4, MXFP4 };

// Block is what a lane reads of a block of weights.
typedef struct {
  uint4 q[4];
  uint32_t scale[2];  // of row lane/4 and of that row + 8: two f16, or two e8m0
} Block;

// A slot of the ring holds VECTORS x 16 bytes of each lane, then SCALE bytes of each lane.
#define VECTORS(FORMAT) (FORMAT == BF16 ? 4 : FORMAT == INT8 ? 2 : 1)
#define SCALE(FORMAT) (FORMAT == BF16 ? 0 : FORMAT == MXFP4 ? 4 : 8)
#define SLOT(FORMAT) (32 * (VECTORS(FORMAT) * 16 + SCALE(FORMAT)))
#define BLOCK(FORMAT) (VECTORS(FORMAT) * 512 + SCALE(FORMAT) * 8)
#define DEPTH(FORMAT) (FORMAT == BF16 ? 8 : FORMAT == INT8 ? 12 : 16)

__device__ __forceinline__ float halfToFloat(uint32_t h) {
#ifdef __CUDACC__
  return __half2float(__ushort_as_half((unsigned short)h));
#else
  return fromF16(h);
#endif
}

// fetch starts to copy what a lane reads of a block to a slot of the ring.
__device__ __forceinline__ void fetch(char *slot, const char *block, int lane, const int format) {
#pragma unroll
  for (int i = 0; i < VECTORS(format); i++) copyAsync(slot + (i * 32 + lane) * 16, block + (i * 32 + lane) * 16, 16);
  slot += VECTORS(format) * 512;
  block += VECTORS(format) * 512;
  if (SCALE(format) == 8) copyAsync(slot + lane * 8, block + lane / 4 * 8, 8);
  if (SCALE(format) == 4) copyAsync(slot + lane * 4, block + lane / 4 * 4, 4);
}

// await waits until only the last DEPTH - 1 groups are on their way.
__device__ __forceinline__ void await(const int format) {
#ifdef __CUDACC__
  if (format == BF16) asm volatile("cp.async.wait_group 7;" ::: "memory");
  else if (format == INT8) asm volatile("cp.async.wait_group 11;" ::: "memory");
  else asm volatile("cp.async.wait_group 15;" ::: "memory");
#endif
}

__device__ __forceinline__ void readBlock(Block *b, const char *slot, int lane, const int format) {
#pragma unroll
  for (int i = 0; i < VECTORS(format); i++) b->q[i] = ((const uint4 *)slot)[i * 32 + lane];
  slot += VECTORS(format) * 512;
  if (SCALE(format) == 8) {
    uint2 s = ((const uint2 *)slot)[lane];
    b->scale[0] = s.x;
    b->scale[1] = s.y;
  } else if (SCALE(format) == 4) {
    uint32_t s = ((const uint32_t *)slot)[lane];
    b->scale[0] = (s & 0xff) | (s & 0xff00) << 8;
    b->scale[1] = (s >> 16 & 0xff) | (s >> 24) << 16;
  }
}

// scaleOf is the scale of half h of the rows in group g of the block.
__device__ __forceinline__ float scaleOf(const Block *b, int h, int g, const int format) {
  uint32_t v = b->scale[h] >> 16 * g & 0xffff;
  if (format != MXFP4) return halfToFloat(v);
  return __int_as_float(v == 255 ? 0x7fc00000 : v == 0 ? 0x00400000 : v << 23);
}

// value is an element without its scale.
__device__ __forceinline__ float value(uint32_t q, const int format) {
  if (format == INT8) return __fsub_rn(__int_as_float(0x4b000000 | q), 8388736.f);  // 2^23 + 128
  if (format == INT4) return __fsub_rn(__int_as_float(0x4b000000 | q), 8388616.f);  // 2^23 + 8
  float v = __fmul_rn(__int_as_float((q & 7) << 22), 8.507059173023462e37f);        // 2^126
  return __int_as_float(__float_as_int(v) | (int)((q & 8) << 28));
}

// widen writes the registers of step s: pairs of bf16.
__device__ __forceinline__ void widen(uint32_t *a, const Block *b, int s, const int format) {
  const float low = format == BF16 ? 0 : scaleOf(b, 0, s / 2, format), high = format == BF16 ? 0 : scaleOf(b, 1, s / 2, format);
#pragma unroll
  for (int r = 0; r < 4; r++) {
    if (format == BF16) {
      a[r] = word(&b->q[s], r);
      continue;
    }
    uint32_t pair;
    if (format == INT8) {
      pair = word(&b->q[s / 2], s % 2 * 2 + r / 2) >> r % 2 * 16;
      pair = (pair & 0xff) | (pair & 0xff00) << 8;
    } else {
      pair = word(&b->q[0], s) >> r * 8;
      pair = (pair & 0xf) | (pair & 0xf0) << 12;
    }
    float scale = r % 2 ? high : low;
    a[r] = pack(__fmul_rn(scale, value(pair & 0xffff, format)), __fmul_rn(scale, value(pair >> 16, format)));
  }
}

// What becomes of the sums: an output each, as bf16 or as it is, or SiLU of those of w1 times those of w3.
enum { DOWN, UP, WIDE };

// product computes the tile of one warp. Tiles is N / 8.
__device__ __forceinline__ void product(const Product *p, char *ring, int tile, int lane, const int format, const int tiles, const int kind) {
  const int row = tile % p->rowTiles, strip = tile / p->rowTiles, blocks = p->k / 64;
  const char *image = (const char *)p->weights[row] + (size_t)strip * blocks * BLOCK(format);
  float d[8][4];
#pragma unroll
  for (int n = 0; n < tiles; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) d[n][i] = 0;
  for (int i = 0; i < DEPTH(format); i++) {
    if (i < blocks) fetch(ring + i * SLOT(format), image + (size_t)i * BLOCK(format), lane, format);
    commit();
  }
  for (int block = 0, slot = 0; block < blocks; block++) {
    await(format);
    Block b;
    readBlock(&b, ring + slot * SLOT(format), lane, format);
    uint32_t a[4][4];
#pragma unroll
    for (int s = 0; s < 4; s++) widen(a[s], &b, s, format);
    if (block + DEPTH(format) < blocks) fetch(ring + slot * SLOT(format), image + (size_t)(block + DEPTH(format)) * BLOCK(format), lane, format);
    commit();
    if (++slot == DEPTH(format)) slot = 0;
#pragma unroll
    for (int n = 0; n < tiles; n++) {
      const uint4 *x = p->x + ((size_t)(row * tiles + n) * blocks + block) * 64 + lane;
      uint4 low = x[0], high = x[32];
      mma(d[n], a[0], low.x, low.y);
      mma(d[n], a[1], low.z, low.w);
      mma(d[n], a[2], high.x, high.y);
      mma(d[n], a[3], high.z, high.w);
    }
  }
  uint16_t *out = (uint16_t *)p->out;
#pragma unroll
  for (int n = 0; n < tiles; n++) {
    const int y = (row * tiles + n) * 8 + lane % 4 * 2;  // and y + 1
    if (kind == UP) {
      const int o = strip * 8 + lane / 4;
      uint32_t h = pack(gated(d[n][0], d[n][2]), gated(d[n][1], d[n][3]));
      out[fragmentOf(y, o, p->ldo)] = (uint16_t)h;
      out[fragmentOf(y + 1, o, p->ldo)] = (uint16_t)(h >> 16);
    } else if (kind == WIDE) {
      float *sums = (float *)p->out + (size_t)y * p->ldo + strip * 16 + lane / 4;
      sums[0] = d[n][0];
      sums[p->ldo] = d[n][1];
      sums[8] = d[n][2];
      sums[p->ldo + 8] = d[n][3];
    } else {
      const int o = strip * 16 + lane / 4;
      uint32_t v = pack(d[n][0], d[n][1]), w = pack(d[n][2], d[n][3]);
      out[(size_t)y * p->ldo + o] = (uint16_t)v;
      out[(size_t)(y + 1) * p->ldo + o] = (uint16_t)(v >> 16);
      out[(size_t)y * p->ldo + o + 8] = (uint16_t)w;
      out[(size_t)(y + 1) * p->ldo + o + 8] = (uint16_t)(w >> 16);
    }
  }
}

// KERNEL makes a kernel of one warp a block, which covers the tiles blockIdx.x, blockIdx.x + gridDim.x, ...
#ifdef __CUDACC__
#define KERNEL(NAME, FORMAT, TILES, KIND)                                                                         \
  extern "C" __global__ void __launch_bounds__(32) NAME(const __grid_constant__ Product p) {                      \
    __shared__ __align__(16) char ring[DEPTH(FORMAT) * SLOT(FORMAT)];                                             \
    for (int tile = blockIdx.x; tile < p.strips * p.rowTiles; tile += gridDim.x)                                  \
      product(&p, ring, tile, threadIdx.x, FORMAT, TILES, KIND);                                                  \
  }
#else
#define KERNEL(NAME, FORMAT, TILES, KIND) \
  static void NAME(const void *p, char *ring, int tile, int lane) { product((const Product *)p, ring, tile, lane, FORMAT, TILES, KIND); }
#endif
#define BOTH(NAME, FORMAT, N, TILES)             \
  KERNEL(up_##NAME##_n##N, FORMAT, TILES, UP)    \
  KERNEL(down_##NAME##_n##N, FORMAT, TILES, DOWN)
#define EVERY_N(NAME, FORMAT) BOTH(NAME, FORMAT, 8, 1) BOTH(NAME, FORMAT, 16, 2) BOTH(NAME, FORMAT, 32, 4) BOTH(NAME, FORMAT, 64, 8)

EVERY_N(bf16, BF16)
EVERY_N(int8, INT8)
EVERY_N(int4, INT4)
EVERY_N(mxfp4, MXFP4)

// Those of the attention side of a model.
KERNEL(wide_bf16_n8, BF16, 1, WIDE)
KERNEL(wide_bf16_n16, BF16, 2, WIDE)
KERNEL(wide_bf16_n32, BF16, 4, WIDE)
KERNEL(wide_bf16_n64, BF16, 8, WIDE)
