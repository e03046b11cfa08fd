// The product of one launch over Hopper's wgmma.m64nNk16: an expert is two launches, up and then down.
//
// Weights are the M of wgmma and rows of x its N, so that few rows waste nothing. Every output element is one f32
// accumulator that takes K in ascending steps of 16, whatever the tile: the choice of tile, grid and stages, and the rows
// beside a row, never reach its bits. There is no split over K.
//
// Weights lie in device memory as an image of shared memory: blocks of 64 weight rows x 64 k, 8 KiB each, in the 128-byte
// swizzle, k fastest, so that a stage is one or two contiguous bulk copies. In the image of w1 and w3 every 8 rows of w1 are
// followed by the same 8 of w3: a thread then holds both products of an output, and SiLU needs no exchange.
//
// One producer warp keeps a ring of stages full, also across tiles; WGS warpgroups consume it.
#include <cstdint>
#include <cuda.h>
#include <cuda_bf16.h>
#include "silu.cuh"
#include "wgmma_shapes.cuh"

// Params is mirrored by wgmmaParams in launch.go.
struct Params {
  CUtensorMap x;            // activations {K, rows}, box {64, N}
  const uint64_t *weights;  // image of the weights of each row tile, [rowTiles]
  void *out;                // [rows, ldo] bf16; wide: f32
  int rows, k, ldo;         // rows stored; reduction length; outputs of a row
  int outTiles, rowTiles;
  int stages;
};

// What becomes of the sums: an output each, as bf16 or as it is, or SiLU of those of w1 times those of w3.
enum Kind { Down, Up, Wide };

__device__ __forceinline__ uint32_t shared32(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }

__device__ __forceinline__ void barrierInit(uint32_t bar, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(bar), "r"(count) : "memory");
}

__device__ __forceinline__ void barrierExpect(uint32_t bar, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(bar), "r"(bytes) : "memory");
}

__device__ __forceinline__ void barrierArrive(uint32_t bar) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(bar) : "memory");
}

__device__ __forceinline__ bool barrierTry(uint32_t bar, int parity) {
  uint32_t done;
  asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }"
               : "=r"(done) : "r"(bar), "r"(parity) : "memory");
  return done;
}

// A wait of seconds is a bug: trap, so that the host gets an error instead of a hung device.
__device__ __forceinline__ void barrierWait(uint32_t bar, int parity) {
  if (barrierTry(bar, parity)) return;
  long long since = clock64();
  while (!barrierTry(bar, parity))
    if (clock64() - since > 4000000000ll) __trap();
}

__device__ __forceinline__ void copyBulk(uint32_t dst, uint64_t src, int bytes, uint32_t bar) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(dst), "l"(src),
               "r"(bytes), "r"(bar) : "memory");
}

__device__ __forceinline__ void copyBox2(uint32_t dst, const CUtensorMap *map, int c0, int c1, uint32_t bar) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(dst),
               "l"(map), "r"(c0), "r"(c1), "r"(bar) : "memory");
}

// descriptor of a K-major operand in 128-byte swizzle: 8-row groups 1,024 bytes apart.
__device__ __forceinline__ uint64_t descriptor(uint32_t addr) {
  return (uint64_t)1 << 62 | (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 16 | (addr & 0x3ffff) >> 4;
}

// Cursor walks the (tile, step of K) pairs of one block. Row tiles go in bands of 8, fastest, so that blocks that run
// together share weights and rows in L2.
struct Cursor {
  int tile, step, steps, out, row;

  __device__ Cursor(const Params &p, int perStep) : tile(blockIdx.x), step(0), steps(p.k / perStep) { locate(p); }

  __device__ void locate(const Params &p) {
    int band = tile / (p.outTiles * 8), width = min(8, p.rowTiles - band * 8);
    int i = tile - band * p.outTiles * 8;
    row = band * 8 + i % width;
    out = i / width;
  }

  __device__ void nextTile(const Params &p) {
    tile += gridDim.x;
    if (tile < p.outTiles * p.rowTiles) locate(p);
  }

  __device__ void next(const Params &p) {
    if (++step < steps) return;
    step = 0;
    nextTile(p);
  }
};

// WGS warpgroups of ROWS weight rows each (32 leaves half of wgmma's M idle: rows of whatever follows, never stored), N rows
// of x, KB of K a stage.
template <Kind KIND, int WGS, int ROWS, int N, int KB>
__device__ __forceinline__ void product(const Params &p) {
  constexpr int BLOCKS = KB / 64;
  constexpr int A_GROUP = BLOCKS * ROWS * 128, A_STAGE = WGS * A_GROUP, B_STAGE = BLOCKS * N * 128;
  constexpr int OUTS = KIND == Up ? ROWS / 2 : ROWS;  // outputs of a warpgroup
  constexpr int CHUNK = N < 64 ? N : 64, PITCH = OUTS * 2 + 16;

  extern __shared__ char memory[];
  const int stages = p.stages;
  const uint32_t ringA = (shared32(memory) + 1023) & ~1023u, ringB = ringA + stages * A_STAGE;
  const uint32_t staging = ringB + stages * B_STAGE, full = staging + WGS * CHUNK * PITCH, empty = full + stages * 8;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int tiles = p.outTiles * p.rowTiles;

  if (threadIdx.x == 0) {
    for (int i = 0; i < stages; i++) {
      barrierInit(full + i * 8, 1);
      barrierInit(empty + i * 8, WGS * 4);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
  __syncthreads();
  asm volatile("griddepcontrol.launch_dependents;");

  if (warp == WGS * 4) {
    if (lane != 0) return;
    Cursor a(p, KB), b(p, KB);
    auto loadA = [&](int slot) {
      barrierExpect(full + slot * 8, A_STAGE + B_STAGE);
#pragma unroll
      for (int g = 0; g < WGS; g++) {
        int first = (a.out * WGS + g) * ROWS;
        uint32_t dst = ringA + slot * A_STAGE + g * A_GROUP;
        uint64_t src = p.weights[a.row] + ((uint64_t)(first / 64) * (p.k / 64) + a.step * BLOCKS) * 8192 + first % 64 * 128;
        if (ROWS == 64) {
          copyBulk(dst, src, A_GROUP, full + slot * 8);
        } else {
#pragma unroll
          for (int i = 0; i < BLOCKS; i++) copyBulk(dst + i * ROWS * 128, src + i * 8192, ROWS * 128, full + slot * 8);
        }
      }
      a.next(p);
    };
    auto loadB = [&](int slot) {
#pragma unroll
      for (int i = 0; i < BLOCKS; i++)
        copyBox2(ringB + slot * B_STAGE + i * N * 128, &p.x, b.step * KB + i * 64, b.row * N, full + slot * 8);
      b.next(p);
    };
    int mine = tiles > (int)blockIdx.x ? (tiles - blockIdx.x + gridDim.x - 1) / gridDim.x : 0;
    int steps = mine * (p.k / KB), ahead = min(stages, steps);
    for (int i = 0; i < ahead; i++) loadA(i);  // weights do not depend on the launch before
    asm volatile("griddepcontrol.wait;" ::: "memory");
    asm volatile("fence.proxy.async;" ::: "memory");
    for (int i = 0; i < ahead; i++) loadB(i);
    for (int i = ahead, slot = 0, phase = 0; i < steps; i++) {
      barrierWait(empty + slot * 8, phase);
      loadA(slot);
      loadB(slot);
      if (++slot == stages) slot = 0, phase ^= 1;
    }
    return;
  }

  const int group = warp / 4, quarter = warp % 4, thread = threadIdx.x % 128;
  const uint32_t stage = staging + group * CHUNK * PITCH;
  int slot = 0, phase = 0;
  float d[N / 2];
  for (Cursor c(p, KB); c.tile < tiles; c.nextTile(p)) {
#pragma unroll
    for (int i = 0; i < N / 2; i++) d[i] = 0;
    int previous = -1;
    for (int step = 0; step < c.steps; step++) {
      barrierWait(full + slot * 8, phase);
      __syncwarp();
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
      for (int i = 0; i < BLOCKS; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++)
          wgmma<N>(d, descriptor(ringA + slot * A_STAGE + group * A_GROUP + i * ROWS * 128 + k * 32),
                   descriptor(ringB + slot * B_STAGE + i * N * 128 + k * 32));
      }
      asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
      asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
      if (previous >= 0 && lane == 0) barrierArrive(empty + previous * 8);
      previous = slot;
      if (++slot == stages) slot = 0, phase ^= 1;
    }
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
    for (int i = 0; i < N / 2; i++) asm volatile("" : "+f"(d[i])::"memory");  // nothing of d moves above the wait
    if (lane == 0) barrierArrive(empty + previous * 8);

    const int out = (c.out * WGS + group) * OUTS;
    if constexpr (KIND == Wide) {
      float *sums = (float *)p.out + (size_t)(c.row * N + lane % 4 * 2) * p.ldo + out + quarter * 16 + lane / 4;
#pragma unroll
      for (int i = 0; i < N / 2; i++) {
        int r = i / 4 * 8 + i % 2;
        if (quarter * 16 < ROWS && c.row * N + lane % 4 * 2 + r < p.rows) sums[(size_t)r * p.ldo + i % 4 / 2 * 8] = d[i];
      }
      continue;
    }
#pragma unroll
    for (int from = 0; from < N; from += CHUNK) {
      asm volatile("bar.sync %0, 128;" ::"r"(group + 1) : "memory");
      if (quarter * 16 < ROWS) {
#pragma unroll
        for (int j = from / 8; j < (from + CHUNK) / 8; j++) {
          uint32_t row = stage + (j * 8 - from + lane % 8) * PITCH;
          if (KIND == Up) {
            uint32_t h = pack(gated(d[j * 4], d[j * 4 + 2]), gated(d[j * 4 + 1], d[j * 4 + 3]));
            asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(row + quarter * 16), "r"(h) : "memory");
          } else {
            uint32_t lo = pack(d[j * 4], d[j * 4 + 1]), hi = pack(d[j * 4 + 2], d[j * 4 + 3]);
            asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(row + quarter * 32 + lane / 8 % 2 * 16),
                         "r"(lo), "r"(hi) : "memory");
          }
        }
      }
      asm volatile("bar.sync %0, 128;" ::"r"(group + 1) : "memory");
      for (int v = thread; v < CHUNK * OUTS / 8; v += 128) {
        int row = v / (OUTS / 8), column = v % (OUTS / 8) * 8, r = c.row * N + from + row;
        uint4 q;
        asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];" : "=r"(q.x), "=r"(q.y), "=r"(q.z), "=r"(q.w)
                     : "r"(stage + row * PITCH + column * 2) : "memory");
        if (r < p.rows) *(uint4 *)((__nv_bfloat16 *)p.out + (size_t)r * p.ldo + out + column) = q;
      }
    }
  }
}

#define KERNEL(NAME, KIND, WGS, ROWS, N, KB)                                                          \
  extern "C" __global__ void __launch_bounds__(WGS * 128 + 32, 1)                                     \
      NAME##_g##WGS##_r##ROWS##_n##N##_k##KB(const __grid_constant__ Params p) {                      \
    product<KIND, WGS, ROWS, N, KB>(p);                                                               \
  }

// The variants that launch.go chooses from, the fastest for each N on an H100; docs/accelerators.md.
KERNEL(up, Up, 1, 64, 8, 128)
KERNEL(down, Down, 1, 64, 8, 128)
KERNEL(up, Up, 1, 64, 16, 128)
KERNEL(down, Down, 1, 32, 16, 128)
KERNEL(up, Up, 1, 32, 32, 128)
KERNEL(down, Down, 1, 32, 32, 128)
KERNEL(up, Up, 2, 64, 64, 64)
KERNEL(down, Down, 1, 32, 64, 64)
KERNEL(up, Up, 2, 64, 128, 64)
KERNEL(down, Down, 1, 64, 128, 64)
KERNEL(up, Up, 2, 64, 256, 64)
KERNEL(down, Down, 2, 64, 256, 64)

// Those of the attention side of a model, with the tiles of down.
KERNEL(wide, Wide, 1, 64, 8, 128)
KERNEL(wide, Wide, 1, 32, 16, 128)
KERNEL(wide, Wide, 1, 32, 32, 128)
KERNEL(wide, Wide, 1, 32, 64, 64)
KERNEL(wide, Wide, 1, 64, 128, 64)
KERNEL(wide, Wide, 2, 64, 256, 64)
