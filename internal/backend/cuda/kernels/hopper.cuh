// What wgmma.cu is made of: barriers in shared memory that count bytes, the copy engine, and operands.
#pragma once
#include <cstdint>
#include <cuda.h>

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

// readMatrices reads 4 matrices of 8 x 8 bf16, whose rows lanes 8i to 8i+7 say where they are: a lane gets the two elements
// from column lane % 4 * 2 of row lane / 4.
__device__ __forceinline__ void readMatrices(uint32_t (&v)[4], uint32_t row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(v[0]), "=r"(v[1]), "=r"(v[2]), "=r"(v[3]) : "r"(row) : "memory");
}

// descriptor of a K-major operand in 128-byte swizzle: 8-row groups 1,024 bytes apart.
__device__ __forceinline__ uint64_t descriptor(uint32_t addr) {
  return (uint64_t)1 << 62 | (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 16 | (addr & 0x3ffff) >> 4;
}

template <int LEFT> __device__ __forceinline__ void waitProducts() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
}
