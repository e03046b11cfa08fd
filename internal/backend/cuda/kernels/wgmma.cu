// The product of one launch over Hopper's wgmma.m64nNk16: an expert is two launches, up and then down.
//
// Weights are the M of wgmma and rows of x its N, so that few rows waste nothing. Every output element is one f32
// accumulator that takes K in ascending steps of 16, whatever the tile: the choice of tile, grid and stages, and the rows
// beside a row, never reach its bits. There is no split over K.
//
// Weights in bf16 lie in device memory as an image of shared memory: blocks of 64 weight rows x 64 k, 8 KiB each, in the
// 128-byte swizzle, k fastest, so that a stage is one or two contiguous bulk copies. In the image of w1 and w3 every 8 rows of w1
// are followed by the same 8 of w3: a thread then holds both products of an output, and SiLU needs no exchange. Quantized
// weights lie as in portable.cu: widen.cuh. Their warps widen them to the registers of wgmma's a, a strip of 16 rows each.
//
// One producer warp keeps a ring of stages full, also across tiles; WGS groups of warps consume it. Of few rows and quantized
// weights each warp computes by itself, with mma.m16n8k16, whose sums are those of wgmma bit for bit: there is nothing to wait for
// between widening and multiplying.
#include "stages.cuh"
#include "wgmma_shapes.cuh"

// blockOf is where block i of a stage of quantized weights has a warp's strip.
template <class S> __device__ __forceinline__ const char *blockOf(const Ring<S> &ring, int slot, int i) {
  return ring.bytes + slot * S::A_STAGE + (threadIdx.x / 32 * S::BLOCKS + i) * BLOCK(S::FORMAT);
}

// sumAlone computes the tile of a warp.
template <class S> __device__ __forceinline__ void sumAlone(float (&d)[S::N / 2], const Ring<S> &ring, int steps, int stages, Place &at) {
  const int lane = threadIdx.x % 32, row = lane % 8;
#pragma unroll
  for (int i = 0; i < S::N / 2; i++) d[i] = 0;
  for (int step = 0; step < steps; step++) {
    barrierWait(ring.full + at.slot * 8, at.phase);
    __syncwarp();
#pragma unroll
    for (int i = 0; i < S::BLOCKS; i++) {
      Block block;
      readBlock(&block, blockOf<S>(ring, at.slot, i), lane, S::FORMAT);
      uint32_t a[4][4];
#pragma unroll
      for (int s = 0; s < 4; s++) widen(a[s], &block, s, S::FORMAT);
#pragma unroll
      for (int n = 0; n < S::N / 8; n++) {
#pragma unroll
        for (int s = 0; s < 4; s += 2) {
          uint32_t b[4];
          readMatrices(b, ring.b + at.slot * S::B_STAGE + i * S::N * 128 + (n * 8 + row) * 128 + ((s * 2 + lane / 8) ^ row) * 16);
          mma(d + n * 4, a[s], b[0], b[1]);
          mma(d + n * 4, a[s + 1], b[2], b[3]);
        }
      }
    }
    __syncwarp();
    release<S>(ring, at.slot);
    at.next(stages);
  }
}

// sumTogether computes the tile of a warpgroup.
template <class S> __device__ __forceinline__ void sumTogether(float (&d)[S::N / 2], const Ring<S> &ring, int steps, int stages, Place &at) {
  const int lane = threadIdx.x % 32, group = threadIdx.x / 128;
  uint32_t a[S::BLOCKS][4][4] = {};  // of quantized weights
#pragma unroll
  for (int i = 0; i < S::N / 2; i++) d[i] = 0;
  int previous = -1;
  for (int step = 0; step < steps; step++) {
    barrierWait(ring.full + at.slot * 8, at.phase);
    __syncwarp();
#pragma unroll
    for (int i = 0; i < S::BLOCKS; i++) {
      if (S::FORMAT != BF16) {
        Block block;
        if (S::N <= 64) readBlock(&block, blockOf<S>(ring, at.slot, i), lane, S::FORMAT);  // else registers are scarce
        waitProducts<S::BLOCKS - 1>();
        if (S::N > 64) readBlock(&block, blockOf<S>(ring, at.slot, i), lane, S::FORMAT);
        if (i == S::BLOCKS - 1 && previous >= 0) release<S>(ring, previous);
#pragma unroll
        for (int s = 0; s < 4; s++) {
#pragma unroll
          for (int r = 0; r < 4; r++) asm volatile("" : "+r"(a[i][s][r])::"memory");  // stays until the wait
          widen(a[i][s], &block, s, S::FORMAT);
        }
      }
      if (S::FORMAT != BF16 || i == 0) asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
      for (int k = 0; k < 4; k++) {
        const uint64_t b = descriptor(ring.b + at.slot * S::B_STAGE + i * S::N * 128 + k * 32);
        if (S::FORMAT == BF16) wgmma<S::N>(d, descriptor(ring.a + at.slot * S::A_STAGE + group * S::A_GROUP + i * S::ROWS * 128 + k * 32), b);
        else wgmma<S::N>(d, a[i][k], b);
      }
      if (S::FORMAT != BF16 || i == S::BLOCKS - 1) asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    }
    if (S::FORMAT == BF16) {
      waitProducts<1>();
      if (previous >= 0) release<S>(ring, previous);
    }
    previous = at.slot;
    at.next(stages);
  }
  waitProducts<0>();
#pragma unroll
  for (int i = 0; i < S::N / 2; i++) asm volatile("" : "+f"(d[i])::"memory");  // nothing of d moves above the wait
  release<S>(ring, previous);
}

// storeWide writes the sums of a tile, whose first output is out and whose first row is row.
template <class S> __device__ __forceinline__ void storeWide(const float (&d)[S::N / 2], const Params &p, int out, int row) {
  const int quarter = threadIdx.x / 32 % 4, lane = threadIdx.x % 32;
  row += lane % 4 * 2;
  float *sums = (float *)p.out + (size_t)row * p.ldo + out + quarter * 16 + lane / 4;
#pragma unroll
  for (int i = 0; i < S::N / 2; i++) {
    int r = i / 4 * 8 + i % 2;
    if (quarter * 16 < S::ROWS && row + r < p.rows) sums[(size_t)r * p.ldo + i % 4 / 2 * 8] = d[i];
  }
}

// store writes a tile as bf16, by way of shared memory, whose stage is the warpgroup's.
template <class S> __device__ __forceinline__ void store(const float (&d)[S::N / 2], const Params &p, uint32_t stage, int out, int row) {
  const int group = threadIdx.x / S::THREADS, quarter = threadIdx.x % S::THREADS / 32, lane = threadIdx.x % 32;
#pragma unroll
  for (int from = 0; from < S::N; from += S::CHUNK) {
    asm volatile("bar.sync %0, %1;" ::"r"(group + 1), "n"(S::THREADS) : "memory");
    if (quarter * 16 < S::ROWS) {
#pragma unroll
      for (int j = from / 8; j < (from + S::CHUNK) / 8; j++) {
        uint32_t to = stage + (j * 8 - from + lane % 8) * S::PITCH;
        if (S::KIND == Up) {
          uint32_t h = pack(gated(d[j * 4], d[j * 4 + 2]), gated(d[j * 4 + 1], d[j * 4 + 3]));
          asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(to + quarter * 16), "r"(h) : "memory");
        } else {
          uint32_t lo = pack(d[j * 4], d[j * 4 + 1]), hi = pack(d[j * 4 + 2], d[j * 4 + 3]);
          asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(to + quarter * 32 + lane / 8 % 2 * 16),
                       "r"(lo), "r"(hi) : "memory");
        }
      }
    }
    asm volatile("bar.sync %0, %1;" ::"r"(group + 1), "n"(S::THREADS) : "memory");
    for (int v = threadIdx.x % S::THREADS; v < S::CHUNK * S::OUTS / 8; v += S::THREADS) {
      int i = v / (S::OUTS / 8), column = v % (S::OUTS / 8) * 8, r = row + from + i;
      uint4 q;
      asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];" : "=r"(q.x), "=r"(q.y), "=r"(q.z), "=r"(q.w)
                   : "r"(stage + i * S::PITCH + column * 2) : "memory");
      if (r < p.rows) *(uint4 *)((uint16_t *)p.out + (size_t)r * p.ldo + out + column) = q;
    }
  }
}

// consume computes the tiles of a group.
template <class S> __device__ __forceinline__ void consume(const Params &p, const Ring<S> &ring) {
  const int group = threadIdx.x / S::THREADS;
  Place at;
  float d[S::N / 2];
  for (Cursor<S> c(p); c.tile < c.tiles; c.nextTile(p)) {
    if constexpr (S::ALONE) sumAlone<S>(d, ring, c.steps, p.stages, at);
    else sumTogether<S>(d, ring, c.steps, p.stages, at);
    const int out = (c.out * S::WGS + group) * S::OUTS, row = c.row * S::N;
    if constexpr (S::KIND == Wide) storeWide<S>(d, p, out, row);
    else store<S>(d, p, ring.staging + group * S::CHUNK * S::PITCH, out, row);
  }
}

template <class S> __device__ __forceinline__ void product(const Params &p) {
  extern __shared__ char memory[];
  const Ring<S> ring(memory, p.stages);
  if (threadIdx.x == 0) {
    for (int i = 0; i < p.stages; i++) {
      barrierInit(ring.full + i * 8, 1);
      barrierInit(ring.empty + i * 8, S::WGS * S::THREADS / 32);
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
  __syncthreads();
  asm volatile("griddepcontrol.launch_dependents;");
  if (threadIdx.x / 32 == S::WGS * S::THREADS / 32) {
    if (threadIdx.x % 32 == 0) produce<S>(p, ring);
  } else {
    consume<S>(p, ring);
  }
}

// The blocks that a multiprocessor must have registers for.
#define RESIDENT(FORMAT, N) (N > 64 ? 1 : FORMAT != BF16 && N <= 32 ? 3 : 2)
#define KERNEL(NAME, FORMAT, KIND, WGS, ROWS, N, KB)                                                                             \
  extern "C" __global__ void __launch_bounds__(WGS *Shape<FORMAT, KIND, WGS, ROWS, N, KB>::THREADS + 32, RESIDENT(FORMAT, N))    \
      NAME##_g##WGS##_r##ROWS##_n##N##_k##KB(const __grid_constant__ Params p) {                                                 \
    product<Shape<FORMAT, KIND, WGS, ROWS, N, KB>>(p);                                                                           \
  }
#define OF_DOWN(FORMAT_NAME, FORMAT, WGS, ROWS, N, KB) KERNEL(down_##FORMAT_NAME, FORMAT, Down, WGS, ROWS, N, KB)
#define OF_UP(FORMAT_NAME, FORMAT, WGS, ROWS, N, KB) KERNEL(up_##FORMAT_NAME, FORMAT, Up, WGS, ROWS, N, KB)
// Those of the attention side of a model have the tiles of down.
#define OF_BOTH_DOWN(WGS, ROWS, N, KB)              \
  OF_DOWN(bf16, BF16, WGS, ROWS, N, KB)             \
  KERNEL(wide_bf16, BF16, Wide, WGS, ROWS, N, KB)

// The variants that variant.go chooses from, the fastest on an H100: docs/accelerators.md.
OF_UP(bf16, BF16, 1, 64, 8, 128)
OF_UP(bf16, BF16, 1, 64, 16, 128)
OF_UP(bf16, BF16, 1, 64, 32, 128)
OF_UP(bf16, BF16, 2, 64, 64, 64)
OF_UP(bf16, BF16, 2, 64, 128, 64)
OF_UP(bf16, BF16, 2, 64, 256, 64)
OF_BOTH_DOWN(1, 64, 8, 128)
OF_BOTH_DOWN(1, 64, 16, 128)
OF_BOTH_DOWN(1, 32, 16, 128)
OF_BOTH_DOWN(1, 64, 32, 128)
OF_BOTH_DOWN(1, 32, 32, 128)
OF_BOTH_DOWN(2, 64, 64, 64)
OF_BOTH_DOWN(1, 64, 128, 64)
OF_BOTH_DOWN(2, 64, 128, 64)
OF_BOTH_DOWN(2, 64, 256, 64)

#define QUANTIZED(NAME, FORMAT)          \
  OF_UP(NAME, FORMAT, 1, 64, 8, 128)     \
  OF_UP(NAME, FORMAT, 2, 64, 16, 128)    \
  OF_UP(NAME, FORMAT, 1, 64, 32, 128)    \
  OF_UP(NAME, FORMAT, 2, 64, 64, 64)     \
  OF_UP(NAME, FORMAT, 2, 64, 128, 64)    \
  OF_DOWN(NAME, FORMAT, 1, 64, 8, 128)   \
  OF_DOWN(NAME, FORMAT, 1, 32, 8, 128)   \
  OF_DOWN(NAME, FORMAT, 1, 64, 16, 128)  \
  OF_DOWN(NAME, FORMAT, 1, 32, 16, 128)  \
  OF_DOWN(NAME, FORMAT, 1, 64, 32, 128)  \
  OF_DOWN(NAME, FORMAT, 1, 32, 32, 128)  \
  OF_DOWN(NAME, FORMAT, 1, 64, 64, 64)   \
  OF_DOWN(NAME, FORMAT, 2, 64, 64, 64)   \
  OF_DOWN(NAME, FORMAT, 2, 64, 128, 64)
QUANTIZED(int8, INT8)
QUANTIZED(int4, INT4)
QUANTIZED(mxfp4, MXFP4)
