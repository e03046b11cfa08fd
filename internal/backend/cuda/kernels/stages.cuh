// The ring of stages in shared memory that wgmma.cu multiplies from: how a launch is cut into tiles, and the warp that fetches.
#pragma once
#include "hopper.cuh"
#include "widen.cuh"

// Params is mirrored by wgmmaParams in launch.go.
struct Params {
  CUtensorMap x;            // activations {K, rows}, box {64, N}
  const uint64_t *weights;  // image of the weights of each `share` row tiles
  void *out;                // [rows, ldo] bf16; wide: f32
  int rows, k, ldo;         // rows stored; reduction length; outputs of a row
  int outTiles, rowTiles;
  int stages;
  int share;  // row tiles with the same weights
};

// What becomes of the sums: an output each, as bf16 or as it is, or SiLU of those of w1 times those of w3.
enum Kind { Down, Up, Wide };

// Shape is one variant: WGS groups of warps with ROWS weight rows each (of bf16, 32 leaves half of wgmma's M idle: rows of
// whatever follows, never stored), N rows of x, KB of K a stage.
template <int FORMAT_, Kind KIND_, int WGS_, int ROWS_, int N_, int KB_> struct Shape {
  static constexpr int FORMAT = FORMAT_, WGS = WGS_, ROWS = ROWS_, N = N_, KB = KB_, BLOCKS = KB / 64;
  static constexpr Kind KIND = KIND_;
  static constexpr bool ALONE = FORMAT != BF16 && N <= 32;         // warps compute by themselves
  static constexpr int THREADS = ALONE ? ROWS / 16 * 32 : 128;     // of a group
  static constexpr int A_GROUP = BLOCKS * (FORMAT == BF16 ? ROWS * 128 : ROWS / 16 * BLOCK(FORMAT));  // bytes of a group's stage
  static constexpr int A_STAGE = WGS * A_GROUP, B_STAGE = BLOCKS * N * 128;
  static constexpr int OUTS = KIND == Up ? ROWS / 2 : ROWS;  // outputs of a group
  static constexpr int CHUNK = N < 64 ? N : 64, PITCH = OUTS * 2 + 16;
  static_assert(FORMAT == BF16 || ALONE || ROWS == 64, "a warp widens a strip of 16 rows");
};

// Ring is where the stages and what else there is lie in shared memory.
template <class S> struct Ring {
  uint32_t b, a, staging, full, empty;
  const char *bytes;  // of a

  __device__ Ring(char *memory, int stages) {
    const uint32_t first = (shared32(memory) + 1023) & ~1023u;
    const bool aligned = S::FORMAT == BF16;  // then a is too; and wgmma reads beyond stages of 32 rows
    a = aligned ? first : first + stages * S::B_STAGE;
    b = aligned ? first + stages * S::A_STAGE : first;
    staging = first + stages * (S::A_STAGE + S::B_STAGE);
    full = staging + S::WGS * S::CHUNK * S::PITCH;
    empty = full + stages * 8;
    bytes = memory + (a - shared32(memory));
  }
};

// Cursor walks the (tile, step of K) pairs of one block. Row tiles go in bands of 8, fastest, so that blocks that run together
// share weights and rows in L2.
template <class S> struct Cursor {
  int tile, tiles, step, steps, out, row;
  uint64_t weights;

  __device__ Cursor(const Params &p) : tile(blockIdx.x), tiles(p.outTiles * p.rowTiles), step(0), steps(p.k / S::KB) { locate(p); }

  __device__ void locate(const Params &p) {
    if (tile >= tiles) return;
    int band = tile / (p.outTiles * 8), width = min(8, p.rowTiles - band * 8);
    int i = tile - band * p.outTiles * 8;
    row = band * 8 + i % width;
    out = i / width;
    weights = p.weights[row / p.share];
  }

  __device__ void nextTile(const Params &p) {
    tile += gridDim.x;
    locate(p);
  }

  __device__ void next(const Params &p) {
    if (++step < steps) return;
    step = 0;
    nextTile(p);
  }
};

// fetchWeights starts to copy the weights of one step.
template <class S> __device__ __forceinline__ void fetchWeights(const Params &p, const Cursor<S> &c, const Ring<S> &ring, int slot) {
#pragma unroll
  for (int g = 0; g < S::WGS; g++) {
    const int first = (c.out * S::WGS + g) * S::ROWS;
    const uint32_t to = ring.a + slot * S::A_STAGE + g * S::A_GROUP, bar = ring.full + slot * 8;
    if (S::FORMAT != BF16) {
      const uint64_t from = c.weights + ((uint64_t)(first / 16) * (p.k / 64) + c.step * S::BLOCKS) * BLOCK(S::FORMAT);
#pragma unroll
      for (int i = 0; i < S::ROWS / 16; i++)
        copyBulk(to + i * S::BLOCKS * BLOCK(S::FORMAT), from + (uint64_t)i * (p.k / 64) * BLOCK(S::FORMAT), S::BLOCKS * BLOCK(S::FORMAT), bar);
      continue;
    }
    const uint64_t from = c.weights + ((uint64_t)(first / 64) * (p.k / 64) + c.step * S::BLOCKS) * 8192 + first % 64 * 128;
    if (S::ROWS == 64) {
      copyBulk(to, from, S::A_GROUP, bar);
    } else {
#pragma unroll
      for (int i = 0; i < S::BLOCKS; i++) copyBulk(to + i * S::ROWS * 128, from + i * 8192, S::ROWS * 128, bar);
    }
  }
}

// fetchRows starts to copy the rows of x of one step.
template <class S> __device__ __forceinline__ void fetchRows(const Params &p, const Cursor<S> &c, const Ring<S> &ring, int slot) {
#pragma unroll
  for (int i = 0; i < S::BLOCKS; i++)
    copyBox2(ring.b + slot * S::B_STAGE + i * S::N * 128, &p.x, c.step * S::KB + i * 64, c.row * S::N, ring.full + slot * 8);
}

// produce keeps the ring full. Weights do not depend on the launch before; rows do.
template <class S> __device__ __forceinline__ void produce(const Params &p, const Ring<S> &ring) {
  Cursor<S> a(p), b(p);
  const int mine = a.tiles > a.tile ? (a.tiles - a.tile + gridDim.x - 1) / gridDim.x : 0;
  const int steps = mine * a.steps, ahead = min(p.stages, steps);
  for (int i = 0; i < ahead; i++, a.next(p)) {
    barrierExpect(ring.full + i * 8, S::A_STAGE + S::B_STAGE);
    fetchWeights<S>(p, a, ring, i);
  }
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("fence.proxy.async;" ::: "memory");
  for (int i = 0; i < ahead; i++, b.next(p)) fetchRows<S>(p, b, ring, i);
  for (int i = ahead, slot = 0, phase = 0; i < steps; i++, a.next(p)) {
    barrierWait(ring.empty + slot * 8, phase);
    barrierExpect(ring.full + slot * 8, S::A_STAGE + S::B_STAGE);
    fetchWeights<S>(p, a, ring, slot);
    fetchRows<S>(p, a, ring, slot);
    if (++slot == p.stages) slot = 0, phase ^= 1;
  }
}

// Place is the stage that comes next in a ring.
struct Place {
  int slot = 0, phase = 0;

  __device__ void next(int stages) {
    if (++slot == stages) slot = 0, phase ^= 1;
  }
};

// release gives a stage back.
template <class S> __device__ __forceinline__ void release(const Ring<S> &ring, int slot) {
  if (threadIdx.x % 32 == 0) barrierArrive(ring.empty + slot * 8);
}
