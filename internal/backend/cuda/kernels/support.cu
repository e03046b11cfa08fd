// What surrounds the products: the image of weights for wgmma.cu, rows in the order of a call and back, and the ceiling of
// reading memory.
#include <cstdint>
#include "warp.cuh"

// Tile is mirrored by tileParams in launch.go.
struct Tile {
  const uint4 *first, *second;
  uint4 *image;
  int rows, k;
};

// tile writes the image that wgmma.cu reads: blocks of 64 rows x 64 k in the 128-byte swizzle, k fastest. With second != 0
// every 8 rows of first are followed by the same 8 of second. Rows counts both.
extern "C" __global__ void tile(const __grid_constant__ Tile p) {
  const size_t vectors = (size_t)p.rows * p.k / 8;
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < vectors; i += (size_t)gridDim.x * blockDim.x) {
    int row = i / (p.k / 8), v = i % (p.k / 8);  // a row in the image's order, and 16 bytes of it
    const uint4 *src = p.first;
    int from = row;
    if (p.second) {
      if (row & 8) src = p.second;
      from = row / 16 * 8 + row % 8;
    }
    size_t block = (size_t)(row / 64) * (p.k / 64) + v / 8;
    p.image[block * 512 + row % 64 * 8 + ((v % 8) ^ (row % 8))] = src[(size_t)from * (p.k / 8) + v];
  }
}

// Gather is mirrored by gatherParams in launch.go.
struct Gather {
  const uint4 *src;
  uint4 *dst;
  const int *index;  // row of src of each row of dst, or below 0 for zeros
  int rows, k;       // rows of dst; elements of a row
};

// gather copies rows of bf16.
extern "C" __global__ void gather(const __grid_constant__ Gather p) {
  followLaunch();
  const int vectors = p.k / 8;
  const size_t n = (size_t)p.rows * vectors;
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)gridDim.x * blockDim.x) {
    int row = p.index[i / vectors];
    p.dst[i] = row < 0 ? make_uint4(0, 0, 0, 0) : p.src[(size_t)row * vectors + i % vectors];
  }
}

// gather_fragments copies rows of bf16 to the order of portable.cu: blocks of 8 rows x 64 k, and in them 2 x 32 vectors, of
// which a lane's has the pairs of registers 0 and 1 of two steps of 16.
extern "C" __global__ void gather_fragments(const __grid_constant__ Gather p) {
  followLaunch();
  const size_t n = (size_t)p.rows * p.k / 8;
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n; i += (size_t)gridDim.x * blockDim.x) {
    size_t block = i / 64;
    int vector = i % 64 / 32, lane = i % 32;
    int to = block / (p.k / 64) * 8 + lane / 4, k = block % (p.k / 64) * 64 + vector * 32 + lane % 4 * 2;
    int row = p.index[to];
    uint4 v = make_uint4(0, 0, 0, 0);
    if (row >= 0) {
      const uint32_t *src = (const uint32_t *)p.src + ((size_t)row * p.k + k) / 2;
      v = make_uint4(src[0], src[4], src[8], src[12]);
    }
    p.dst[i] = v;
  }
}

// Sweep is mirrored by sweepParams in launch.go.
struct Sweep {
  const uint4 *src;
  uint64_t n;
  uint32_t *sink;
};

// sweep reads n vectors of 16 bytes, 8 at a time in flight for each thread.
extern "C" __global__ void __launch_bounds__(512) sweep(const __grid_constant__ Sweep p) {
  const uint64_t stride = (uint64_t)gridDim.x * blockDim.x;
  uint32_t x = 0;
  for (uint64_t i = blockIdx.x * (uint64_t)blockDim.x + threadIdx.x; i < p.n; i += 8 * stride) {
    uint4 v[8];
#pragma unroll
    for (int j = 0; j < 8; j++) v[j] = i + j * stride < p.n ? __ldcs(p.src + i + j * stride) : make_uint4(0, 0, 0, 0);
#pragma unroll
    for (int j = 0; j < 8; j++) x ^= v[j].x ^ v[j].y ^ v[j].z ^ v[j].w;
  }
  if (x == 0x12345678) *p.sink = x;
}
