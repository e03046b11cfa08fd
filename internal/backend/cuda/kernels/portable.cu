// The product of one launch over mma.sync.m16n8k16, which every GPU from sm_80 on has, for weights in every format. An expert
// is two launches, up and then down. The sums are those of wgmma.cu bit for bit (docs/accelerators.md): one f32 accumulator an
// output, K in ascending steps of 16, no split over K.
//
// Weights lie in device memory as widen.cuh says. Activations lie as fragments too: blocks of 8 rows x 64 k, element (step * 2 +
// register) * 2 + half of a lane.
//
// One warp computes a tile of 16 weight rows x N rows of x. A ring in shared memory keeps DEPTH blocks of weights on their way;
// a lane reads there only what it copied itself, so that lanes wait for no other. This file is C too: the fake driver of the
// tests runs it, 32 lanes in turn.
#include "widen.cuh"

// Product is mirrored by portableParams in launch.go.
typedef struct {
  const uint64_t *weights;  // image of the weights of each row tile, [rowTiles]
  const uint4 *x;           // fragments of [rowTiles * N, k]
  void *out;                // up: fragments of [rowTiles * N, ldo] bf16; down: [rowTiles * N, ldo] bf16; wide: the same of f32
  int k, ldo;               // reduction length; outputs of a row
  int strips, rowTiles;     // of 16 weight rows; of N rows
} Product;

// A slot of the ring holds VECTORS x 16 bytes of each lane, then SCALE bytes of each lane.
#define SLOT(FORMAT) (32 * (VECTORS(FORMAT) * 16 + SCALE(FORMAT)))
#define DEPTH(FORMAT) (FORMAT == BF16 ? 8 : FORMAT == INT8 ? 12 : 16)

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

// readSlot reads what a lane has copied.
__device__ __forceinline__ void readSlot(Block *b, const char *slot, int lane, const int format) {
#pragma unroll
  for (int i = 0; i < VECTORS(format); i++) b->q[i] = ((const uint4 *)slot)[i * 32 + lane];
  readScales(b, slot + VECTORS(format) * 512 + lane * SCALE(format), format);
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
    readSlot(&b, ring + slot * SLOT(format), lane, format);
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
