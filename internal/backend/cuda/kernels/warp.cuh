// What the kernels of one warp a block are made of. This file is C too, as are the sources that include it: the fake driver of
// the tests runs them on a processor, 32 lanes in turn. Lanes meet at mma and at shuffle only; shared memory is a lane's own.
#pragma once
#include <stdint.h>

// mma adds 16 products to each of 16 x 8 sums: d[16, 8] += a[16, 16] * b[16, 8].
__device__ __forceinline__ void mma(float *d, const uint32_t *a, uint32_t b0, uint32_t b1) {
#ifdef __CUDACC__
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  emulateMMA(d, a, b0, b1);
#endif
}

// converge lets lanes that have parted meet, as mma needs them.
__device__ __forceinline__ void converge(void) {
#ifdef __CUDACC__
  __syncwarp();
#endif
}

// followLaunch waits for the launch ahead, where a launch may begin before that has ended, and lets the next one begin.
__device__ __forceinline__ void followLaunch(void) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// shuffle is the value of the lane whose number differs in the bits of mask.
__device__ __forceinline__ float shuffle(float v, int mask) {
#ifdef __CUDACC__
  return __shfl_xor_sync(0xffffffff, v, mask);
#else
  return emulateShuffle(v, mask);
#endif
}

// permute picks 4 of the bytes of low (0 to 3) and high (4 to 7), one for each hexadecimal digit of which.
__device__ __forceinline__ uint32_t permute(uint32_t low, uint32_t high, uint32_t which) {
#ifdef __CUDACC__
  return __byte_perm(low, high, which);
#else
  const uint64_t all = (uint64_t)high << 32 | low;
  uint32_t v = 0;
  for (int i = 0; i < 4; i++) v |= (uint32_t)(all >> (which >> 4 * i & 7) * 8 & 0xff) << 8 * i;
  return v;
#endif
}

// maskOr is v & mask | bits, of which the compiler makes two operations where both are constants.
__device__ __forceinline__ uint32_t maskOr(uint32_t v, uint32_t mask, uint32_t bits) {
#ifdef __CUDACC__
  uint32_t w;
  asm("lop3.b32 %0, %1, %2, %3, 0xea;" : "=r"(w) : "r"(v), "r"(mask), "r"(bits));
  return w;
#else
  return (v & mask) | bits;
#endif
}

// maskXor is v & mask ^ bits.
__device__ __forceinline__ uint32_t maskXor(uint32_t v, uint32_t mask, uint32_t bits) {
#ifdef __CUDACC__
  uint32_t w;
  asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(w) : "r"(v), "r"(mask), "r"(bits));
  return w;
#else
  return (v & mask) ^ bits;
#endif
}

// fusePair is a * b + c of two bf16, rounded once, subnormal numbers too.
__device__ __forceinline__ uint32_t fusePair(uint32_t a, uint32_t b, uint32_t c) {
#ifdef __CUDACC__
  uint32_t v;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(v) : "r"(a), "r"(b), "r"(c));
  return v;
#else
  uint32_t v = 0;
  for (int i = 0; i < 32; i += 16)  // fmaf is exact where the kernels ask for it
    v |= (uint32_t)toBF16(fmaf(fromBF16(a >> i & 0xffff), fromBF16(b >> i & 0xffff), fromBF16(c >> i & 0xffff))) << i;
  return v;
#endif
}

__device__ __forceinline__ uint32_t word(const uint4 *v, int i) { return i == 0 ? v->x : i == 1 ? v->y : i == 2 ? v->z : v->w; }

// copyAsync starts to copy bytes (4, 8 or 16) to shared memory.
__device__ __forceinline__ void copyAsync(void *to, const void *from, const int bytes) {
#ifdef __CUDACC__
  uint32_t at = (uint32_t)__cvta_generic_to_shared(to);
  if (bytes == 16) asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from) : "memory");
  if (bytes == 8) asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(at), "l"(from) : "memory");
  if (bytes == 4) asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(at), "l"(from) : "memory");
#else
  memcpy(to, from, bytes);
#endif
}

// commit ends a group of copies.
__device__ __forceinline__ void commit(void) {
#ifdef __CUDACC__
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// fragmentOf is where element (row, k) of activations [rows, K] in the order of mma's b stands, in elements: blocks of 8 rows x
// 64 k, in which 16 bytes of each lane are beside those of the next.
__device__ __forceinline__ size_t fragmentOf(int row, int k, int K) {
  int lane = row % 8 * 4 + k % 8 / 2, step = k % 64 / 16;
  int vector = step / 2, within = step % 2 * 4 + k % 16 / 8 * 2 + k % 2;
  return ((size_t)(row / 8) * (K / 64) + k / 64) * 512 + (vector * 32 + lane) * 8 + within;
}
