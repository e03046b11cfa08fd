// A CUDA driver made of host memory, for tests on machines without a GPU: it takes every call that internal/cuda binds, checks
// the arguments and that a context is current on the thread, and computes the kernels. portable.cu and dense.cu are computed by
// their own source, a warp as 32 lanes in turn; the kernels of wgmma.cu and support.cu are computed by their definition. So it
// says nothing about wgmma.cu itself. A sum takes K in ascending order with fused multiply-adds.
//
// The variable HACHI_FAKE_CUDA injects faults, as a list of NAME or NAME=NUMBER between commas:
//
//	no-device       there is no GPU
//	old-driver      the driver is of CUDA 12.4
//	sm80            the GPU is an A100 instead of an H100
//	memory=BYTES    the device memory there is
//	fault-after=N   launch N and all calls after it fail with an illegal address
//	fault-file=PATH from the moment that file exists, the same
//	hang-after=N    launch N never ends
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

typedef int R;
enum { OK = 0, INVALID = 1, OOM = 2, NO_DEVICE = 100, BAD_DEVICE = 101, NO_CONTEXT = 201, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL = 700 };
#define CHECK(c) do { if (!(c)) { fprintf(stderr, "fake libcuda: %s: %s\n", __func__, #c); return INVALID; } } while (0)
#define CURRENT do { R r = usable(); if (r) return r; } while (0)

static __thread int depth;  // of contexts pushed on this thread
static volatile int launches, broken, hung;
static int initialized;
static char faults[1024];  // what fakeFaults was given; else the variable counts
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;  // one kernel at a time, and the memory's count
static uint64_t allocated;

// injected finds a fault, and its number.
static int injected(const char *name, char *value, size_t n) {
  const char *all = *faults ? faults : getenv("HACHI_FAKE_CUDA");
  size_t length = strlen(name);
  for (const char *at = all; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : 0) {
    if (strncmp(at, name, length) || (at[length] && at[length] != ',' && at[length] != '=')) continue;
    if (value) {
      size_t w = at[length] == '=' ? strcspn(at + length + 1, ",") : 0;
      if (w >= n) w = n - 1;
      memcpy(value, at + length + 1, w);
      value[w] = 0;
    }
    return 1;
  }
  return 0;
}

static uint64_t number(const char *name, uint64_t otherwise) {
  char v[32];
  return injected(name, v, sizeof v) ? strtoull(v, 0, 10) : otherwise;
}

static R usable(void) {
  if (!depth) { fprintf(stderr, "fake libcuda: no context is current on this thread\n"); return NO_CONTEXT; }
  char path[512];
  if (!broken && injected("fault-file", path, sizeof path) && !access(path, F_OK)) broken = 1;
  return broken ? ILLEGAL : OK;
}

static uint64_t memory(void) { return number("memory", 80ull << 30); }

// What kernels are made of, in C.
typedef struct { uint32_t x, y; } uint2;
typedef struct { uint32_t x, y, z, w; } uint4;
typedef struct { float x, y, z, w; } float4;
#define __device__ static
#define __forceinline__ inline __attribute__((always_inline))
static float __int_as_float(int v) { float f; memcpy(&f, &v, 4); return f; }
static int __float_as_int(float f) { int v; memcpy(&v, &f, 4); return v; }
#define __fsub_rn(a, b) ((float)((float)(a) - (float)(b)))
#define __fadd_rn(a, b) ((float)((float)(a) + (float)(b)))
#define __fmul_rn(a, b) ((float)((float)(a) * (float)(b)))
#define __fdiv_rn(a, b) ((float)((float)(a) / (float)(b)))
#define __fsqrt_rn(a) sqrtf(a)
#define __fmaf_rn(a, b, c) fmaf(a, b, c)
static float fromBF16(uint32_t v) { return __int_as_float((int)(v << 16)); }
static uint16_t toBF16(float f) {
  uint32_t u = (uint32_t)__float_as_int(f);
  return f != f ? 0x7fff : (u + 0x7fff + (u >> 16 & 1)) >> 16;
}
static float fromF16(uint32_t h) {
  int e = h >> 10 & 31, m = h & 1023;
  float v = e == 31 ? (m ? NAN : INFINITY) : e ? ldexpf(1024 + m, e - 25) : ldexpf(m, -24);
  return h >> 15 ? -v : v;
}

// A warp is 32 lanes with a stack each, which take turns: one runs until it needs the others. Jumps switch, since they call no
// kernel; a context is for the first turn only.
static struct {
  ucontext_t main, first[32];
  jmp_buf back, at[32];
  char *stack[32];
  int over[32], now, mask;  // mask of a shuffle; 0 is an mma
  float *d[32], mine[32], theirs[32];
  const uint32_t *a[32];
  uint32_t b[32][2];
} warp;

static void yield(int lane) { if (!_setjmp(warp.at[lane])) _longjmp(warp.back, 1); }

static void emulateMMA(float *d, const uint32_t *a, uint32_t b0, uint32_t b1) {
  int lane = warp.now;
  warp.d[lane] = d; warp.a[lane] = a; warp.b[lane][0] = b0; warp.b[lane][1] = b1;
  warp.mask = 0;
  yield(lane);
}

static float emulateShuffle(float v, int mask) {
  int lane = warp.now;
  warp.mine[lane] = v;
  warp.mask = mask;
  yield(lane);
  return warp.theirs[lane];
}

static void exchange(void) {
  for (int lane = 0; lane < 32; lane++) warp.theirs[lane] = warp.mine[lane ^ warp.mask];
}

// elementOf16 is one of two bf16 in a register.
static float elementOf16(uint32_t pair, int half) { return fromBF16(pair >> 16 * half & 0xffff); }

// multiply is mma.m16n8k16 of the whole warp.
static void multiply(void) {
  float w[16][16], x[8][16];
  for (int lane = 0; lane < 32; lane++) for (int half = 0; half < 2; half++) {
    int g = lane / 4, k = lane % 4 * 2 + half;
    for (int r = 0; r < 4; r++) w[g + r % 2 * 8][k + r / 2 * 8] = elementOf16(warp.a[lane][r], half);
    for (int r = 0; r < 2; r++) x[g][k + r * 8] = elementOf16(warp.b[lane][r], half);
  }
  for (int lane = 0; lane < 32; lane++) for (int i = 0; i < 4; i++) {
    int m = lane / 4 + i / 2 * 8, n = lane % 4 * 2 + i % 2;
    float sum = warp.d[lane][i];
    for (int k = 0; k < 16; k++) sum = fmaf(w[m][k], x[n][k], sum);
    warp.d[lane][i] = sum;
  }
}

#include "portable.cu"
#include "dense.cu"

typedef void (*Kernel)(const void *, char *, int, int);  // parameters, shared memory, number of the tile, lane
static struct { Kernel f; const void *p; int tile; char ring[32768] __attribute__((aligned(16))); } job;
static void lane(int i) { for (;;) { job.f(job.p, job.ring, job.tile, i); warp.over[i] = 1; yield(i); } }

// resume lets a lane run until it needs the others, or to its end.
static void resume(int i) {
  warp.now = i;
  if (_setjmp(warp.back)) return;
  if (warp.stack[i]) _longjmp(warp.at[i], 1);
  warp.stack[i] = malloc(65536);
  getcontext(&warp.first[i]);
  warp.first[i].uc_stack.ss_sp = warp.stack[i]; warp.first[i].uc_stack.ss_size = 65536; warp.first[i].uc_link = 0;
  makecontext(&warp.first[i], (void (*)(void))lane, 1, i);
  swapcontext(&warp.main, &warp.first[i]);
}

static void runWarp(void) {
  memset(warp.over, 0, sizeof warp.over);
  for (;;) {
    for (int i = 0; i < 32; i++) resume(i);
    if (warp.over[0]) return;  // lanes never part
    if (warp.mask) exchange(); else multiply();
  }
}

typedef struct { uint32_t grid[3], block[3], shared, pad; void *stream; struct { uint32_t id, pad; char value[64]; } *attrs; uint32_t count; } Config;

// runWarps computes count tiles of a kernel by its source.
static R runWarps(Kernel f, const void *params, int count) {
  job.f = f; job.p = params;
  for (job.tile = 0; job.tile < count; job.tile++) runWarp();
  return OK;
}

typedef struct { const char *name; Kernel f; } Named;
#define NAMED(NAME) {#NAME, NAME},

static Kernel find(const Named *all, const char *name) {
  for (; all->name; all++) if (!strcmp(all->name, name)) return all->f;
  return 0;
}

static R portable(const char *name, const Config *c, const void *params) {
  Product p;
  memcpy(&p, params, sizeof p);
  static const Named all[] = {
#define OF_N(KIND, FORMAT) NAMED(KIND##_##FORMAT##_n8) NAMED(KIND##_##FORMAT##_n16) NAMED(KIND##_##FORMAT##_n32) NAMED(KIND##_##FORMAT##_n64)
#define OF_FORMAT(FORMAT) OF_N(up, FORMAT) OF_N(down, FORMAT)
    OF_FORMAT(bf16) OF_FORMAT(int8) OF_FORMAT(int4) OF_FORMAT(mxfp4) OF_N(wide, bf16) {0}
  };
  CHECK(c->block[0] == 32 && c->grid[0] > 0 && c->shared == 0 && c->count == 0);
  CHECK(p.k > 0 && p.k % 64 == 0 && p.ldo % 64 == 0 && p.strips * 16 == (name[0] == 'u' ? 2 : 1) * p.ldo && p.rowTiles > 0);
  Kernel f = find(all, name);
  return f ? runWarps(f, &p, p.strips * p.rowTiles) : NOT_FOUND;
}

// dense runs a kernel of dense.cu, whose parameters have the number of tiles at different places.
static R dense(const char *name, const Config *c, const void *params) {
  static const Named attends[] = {
#define OF_WIDTH(KIND) NAMED(KIND##_w32) NAMED(KIND##_w64) NAMED(KIND##_w96) NAMED(KIND##_w128)
    OF_WIDTH(attend_bf16) OF_WIDTH(attend_int8) {0}
  }, places[] = { OF_WIDTH(place_bf16) OF_WIDTH(place_int8) {0} };
  CHECK(c->block[0] == 32 && c->grid[0] > 0 && c->shared == 0 && c->count == 0);
  union { Attend attend; Place place; Combine combine; Norm norm; Gate gate; } p;
  Kernel f;
#define TAKE(FIELD, KERNEL_TO_RUN) (memcpy(&p.FIELD, params, sizeof p.FIELD), f = (KERNEL_TO_RUN), p.FIELD.count)
  int count = !strcmp(name, "norm_rows") ? TAKE(norm, norm_rows) : !strcmp(name, "gate_rows") ? TAKE(gate, gate_rows)
    : !strcmp(name, "combine_tiles") ? TAKE(combine, combine_tiles) : !strncmp(name, "place", 5) ? TAKE(place, find(places, name)) : TAKE(attend, find(attends, name));
  CHECK(count > 0);
  return f ? runWarps(f, &p, count) : NOT_FOUND;
}

// What internal/backend/cuda/launch.go passes.
typedef struct { uint64_t addr; uint64_t dim[2], stride; uint32_t box[2]; } Map;
typedef struct { union { Map map; char bytes[128]; } x; uint64_t weights, out; int32_t rows, k, ldo, outTiles, rowTiles, stages, share; char pad[84]; } Params;

// readStrip reads 16 weight rows of an image of wgmma.cu as f32, [16][K]: of bf16 in blocks of shared memory, else by widen.cuh.
static void readStrip(float *w, uint64_t image, int strip, int K, int format) {
  if (format == BF16) {
    for (int i = 0; i < 16; i++) for (int k = 0; k < K; k++) {
      const int row = strip * 16 + i;
      w[(size_t)i * K + k] = fromBF16(*(uint16_t *)(image + ((uint64_t)(row / 64) * (K / 64) + k / 64) * 8192 + row % 64 * 128 + ((k % 64 / 8) ^ (row % 8)) * 16 + k % 8 * 2));
    }
    return;
  }
  for (int block = 0; block < K / 64; block++) for (int lane = 0; lane < 32; lane++) {
    Block b;
    readBlock(&b, (const char *)image + ((uint64_t)strip * (K / 64) + block) * BLOCK(format), lane, format);
    for (int s = 0; s < 4; s++) {
      uint32_t a[4];
      widen(a, &b, s, format);
      for (int r = 0; r < 4; r++) for (int half = 0; half < 2; half++)
        w[(size_t)(lane / 4 + r % 2 * 8) * K + block * 64 + s * 16 + r / 2 * 8 + lane % 4 * 2 + half] = elementOf16(a[r], half);
    }
  }
}

static int formatOf(const char *name) { return !strcmp(name, "bf16") ? BF16 : !strcmp(name, "int8") ? INT8 : !strcmp(name, "int4") ? INT4 : MXFP4; }

static R wgmma(const char *name, const Config *c, const void *params) {
  Params p;
  memcpy(&p, params, sizeof p);
  char kind[8], kept[8]; int g, r, n, kb;
  CHECK(sscanf(name, "%7[a-z]_%7[a-z0-9]_g%d_r%d_n%d_k%d", kind, kept, &g, &r, &n, &kb) == 6);
  const int up = !strcmp(kind, "up"), wide = !strcmp(kind, "wide"), outs = g * r / (up ? 2 : 1), format = formatOf(kept);
  const int stage = kb / 64 * ((format == BF16 ? g * r * 128 : g * r / 16 * BLOCK(format)) + n * 128);
  const Map *b = &p.x.map;
  CHECK(c->block[0] == (uint32_t)g * (format != BF16 && n <= 32 ? r * 2 : 128) + 32 && c->grid[0] > 0 && c->grid[0] <= 792 && c->shared <= 232448 && c->count == 1);
  CHECK(p.stages >= 2 && p.stages <= 32 && c->shared >= 1024 + (uint32_t)p.stages * (stage + 16) + g * (n < 64 ? n : 64) * (outs / g * 2 + 16));
  CHECK(b->box[0] == 64 && b->box[1] == (uint32_t)n && b->dim[0] == (uint64_t)p.k && b->stride == 2ull * p.k && b->dim[1] == (uint64_t)p.rows);
  CHECK(p.outTiles * outs == p.ldo && p.rowTiles * n == p.rows && p.k % kb == 0 && p.share > 0 && p.rowTiles % p.share == 0);
  float *w = malloc(4 * 16 * (size_t)p.k), *x = malloc(4 * (size_t)p.k * n);
  const uint64_t *weights = (const uint64_t *)p.weights;
  for (int tile = 0; tile < p.rowTiles; tile++) {
    int empty[256];
    for (int i = 0; i < n; i++) {
      uint64_t any = 0;
      for (int k = 0; k < p.k; k++) {
        uint16_t v = *(uint16_t *)(b->addr + (uint64_t)(tile * n + i) * b->stride + k * 2);
        any |= v;
        x[(size_t)i * p.k + k] = fromBF16(v);
      }
      empty[i] = !any;
    }
    for (int strip = 0; strip < p.ldo / (up ? 8 : 16); strip++) {
      readStrip(w, weights[tile / p.share], strip, p.k, format);
      for (int i = 0; i < n; i++) {
        float d[16] = {0};
        if (!empty[i]) for (int row = 0; row < 16; row++) for (int k = 0; k < p.k; k++) d[row] = fmaf(w[(size_t)row * p.k + k], x[(size_t)i * p.k + k], d[row]);
        for (int j = 0; j < (up ? 8 : 16); j++) {
          const size_t at = (size_t)(tile * n + i) * p.ldo + strip * (up ? 8 : 16) + j;
          if (wide) ((float *)p.out)[at] = d[j];
          else ((uint16_t *)p.out)[at] = toBF16(up ? gated(d[j], d[j + 8]) : d[j]);
        }
      }
    }
  }
  free(x); free(w);
  return OK;
}

static R support(const char *name, const void *params) {
  struct { uint64_t a, b, c; int32_t rows, k; } p;
  if (!strcmp(name, "sweep")) return OK;
  memcpy(&p, params, sizeof p);
  CHECK(p.rows > 0 && p.k > 0 && p.k % 64 == 0);
  if (!strcmp(name, "tile")) {
    for (int row = 0; row < p.rows; row++) for (int k = 0; k < p.k; k++) {
      uint64_t src = p.a; int from = row;
      if (p.b) { if (row & 8) src = p.b; from = row / 16 * 8 + row % 8; }
      *(uint16_t *)(p.c + ((uint64_t)(row / 64) * (p.k / 64) + k / 64) * 8192 + row % 64 * 128 + ((k % 64 / 8) ^ (row % 8)) * 16 + k % 8 * 2) = ((uint16_t *)src)[(size_t)from * p.k + k];
    }
    return OK;
  }
  const int32_t *index = (const int32_t *)p.c;
  for (int row = 0; row < p.rows; row++) for (int k = 0; k < p.k; k++) {
    uint16_t v = index[row] < 0 ? 0 : ((uint16_t *)p.a)[(size_t)index[row] * p.k + k];
    ((uint16_t *)p.b)[strcmp(name, "gather") ? fragmentOf(row, k, p.k) : (size_t)row * p.k + k] = v;
  }
  return OK;
}

static R launch(const char *name, const Config *c, const void *params) {
  int n = __sync_add_and_fetch(&launches, 1);
  if (injected("hang-after", 0, 0) && n >= (int)number("hang-after", 0)) hung = 1;
  if (injected("fault-after", 0, 0) && n >= (int)number("fault-after", 0)) broken = 1;
  if (broken || hung) return OK;  // heard of later, as from a device
  if (!strcmp(name, "tile") || !strcmp(name, "sweep") || !strncmp(name, "gather", 6)) return support(name, params);
  static const char *const ofDense[] = {"norm", "gate", "combine", "place", "attend"};
  for (size_t i = 0; i < sizeof ofDense / sizeof *ofDense; i++) if (!strncmp(name, ofDense[i], strlen(ofDense[i]))) return dense(name, c, params);
  return strstr(name, "_g") ? wgmma(name, c, params) : portable(name, c, params);
}

R cuInit(unsigned f) { CHECK(f == 0); initialized = 1; return injected("no-device", 0, 0) ? NO_DEVICE : OK; }
R cuDriverGetVersion(int *v) { *v = injected("old-driver", 0, 0) ? 12040 : 13000; return OK; }
R cuGetErrorName(R e, const char **s) {
  *s = e == INVALID ? "CUDA_ERROR_INVALID_VALUE" : e == OOM ? "CUDA_ERROR_OUT_OF_MEMORY" : e == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : e == BAD_DEVICE ? "CUDA_ERROR_INVALID_DEVICE"
    : e == NO_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : e == NOT_FOUND ? "CUDA_ERROR_NOT_FOUND" : e == ILLEGAL ? "CUDA_ERROR_ILLEGAL_ADDRESS" : 0;
  return *s ? OK : INVALID;
}
R cuGetErrorString(R e, const char **s) { *s = e == OOM ? "out of memory" : e == ILLEGAL ? "an illegal memory access was encountered" : "fake"; return OK; }
R cuDeviceGetCount(int *n) { CHECK(initialized); *n = 1; return OK; }
R cuDeviceGet(int *d, int i) { CHECK(initialized); *d = 0; return i == 0 ? OK : BAD_DEVICE; }
R cuDeviceGetName(char *s, int n, int d) { CHECK(n > 10 && d == 0); strcpy(s, injected("sm80", 0, 0) ? "fake A100" : "fake H100"); return OK; }
R cuDeviceGetAttribute(int *v, int a, int d) {
  int old = injected("sm80", 0, 0);
  *v = a == 16 ? (old ? 108 : 132) : a == 75 ? (old ? 8 : 9) : a == 76 ? 0 : a == 97 ? (old ? 166912 : 232448) : -1;
  CHECK(*v >= 0 && d == 0);
  return OK;
}
R cuDeviceTotalMem_v2(uint64_t *n, int d) { CHECK(d == 0); *n = memory(); return OK; }
R cuDevicePrimaryCtxRetain(void **c, int d) { CHECK(d == 0); *c = (void *)0xc0; return OK; }
R cuDevicePrimaryCtxRelease_v2(int d) { CHECK(d == 0); return OK; }
R cuCtxPushCurrent_v2(void *c) { CHECK(c == (void *)0xc0); depth++; return OK; }
R cuCtxPopCurrent_v2(void **c) { CHECK(depth > 0); depth--; *c = (void *)0xc0; return OK; }
R cuModuleLoadData(void **m, const char *image) { CURRENT; CHECK(!memcmp(image, "\177ELF", 4) || strstr(image, ".version")); *m = (void *)1; return OK; }
R cuModuleUnload(void *m) { CURRENT; CHECK(m); return OK; }
R cuModuleGetFunction(void **f, void *m, const char *name) { CURRENT; CHECK(m); *f = strdup(name); return OK; }  // lives as long as the process
R cuFuncSetAttribute(void *f, int a, int v) { CURRENT; CHECK(f && a == 8 && v == 232448); return OK; }
R cuLaunchKernelEx(const Config *c, char *f, void **params, void **extra) {
  CURRENT;
  CHECK(!extra && c->stream && c->block[0] * c->block[1] * c->block[2] <= 1024 && c->grid[0] && c->grid[1] && c->grid[2]);
  CHECK(c->count == 0 || (c->count == 1 && c->attrs->id == 6 && c->attrs->value[0] == 1));
  pthread_mutex_lock(&turn);
  R r = launch(f, c, params[0]);
  pthread_mutex_unlock(&turn);
  return r;
}
R cuMemGetInfo_v2(uint64_t *free, uint64_t *total) { CURRENT; *total = memory(); *free = *total - allocated; return OK; }

// A block of device memory begins with its size. What it holds is undefined: here the first DIRTY bytes are no numbers.
#define DIRTY (4u << 20)
R cuMemAlloc_v2(uint64_t *p, size_t n) {
  CURRENT;
  CHECK(n > 0);
  pthread_mutex_lock(&turn);
  int fits = allocated + n <= memory();
  if (fits) allocated += n;
  pthread_mutex_unlock(&turn);
  if (!fits) return OOM;
  char *at = aligned_alloc(4096, ((n + 4095) & ~4095ull) + 4096);
  if (!at) return OOM;
  *(size_t *)at = n;
  memset(at + 4096, 0xff, n < DIRTY ? n : DIRTY);
  *p = (uint64_t)at + 4096;
  return OK;
}
R cuMemFree_v2(uint64_t p) {
  CURRENT;
  pthread_mutex_lock(&turn);
  allocated -= *(size_t *)(p - 4096);
  pthread_mutex_unlock(&turn);
  free((void *)(p - 4096));
  return OK;
}
R cuMemHostAlloc(void **p, size_t n, unsigned f) { CURRENT; CHECK(f == 1); *p = aligned_alloc(4096, (n + 4095) & ~4095ull); return *p ? OK : OOM; }
R cuMemFreeHost(void *p) { CURRENT; free(p); return OK; }
R cuMemcpyHtoDAsync_v2(uint64_t d, void *s, size_t n, void *st) { CURRENT; CHECK(st && n); if (!hung) memmove((void *)d, s, n); return OK; }
R cuMemcpyDtoHAsync_v2(void *d, uint64_t s, size_t n, void *st) { CURRENT; CHECK(st && n); if (!hung) memmove(d, (void *)s, n); return OK; }
R cuMemsetD8Async(uint64_t d, unsigned char v, size_t n, void *st) { CURRENT; CHECK(st && n); if (!hung) memset((void *)d, v, n); return OK; }
R cuStreamCreate(void **s, unsigned f) { CURRENT; CHECK(f == 1); *s = malloc(1); return OK; }
R cuStreamDestroy_v2(void *s) { CURRENT; free(s); return OK; }
R cuStreamSynchronize(void *s) { CURRENT; CHECK(s); return OK; }
R cuEventCreate(void **e, unsigned f) { CURRENT; CHECK(f == 0); *e = calloc(1, sizeof(double)); return OK; }
R cuEventDestroy_v2(void *e) { CURRENT; free(e); return OK; }
R cuEventRecord(double *e, void *s) {
  CURRENT;
  CHECK(s);
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  *e = t.tv_sec * 1e3 + t.tv_nsec / 1e6;
  return OK;
}
R cuEventQuery(double *e) { CURRENT; CHECK(e); return hung ? NOT_READY : OK; }
R cuEventElapsedTime(float *ms, double *a, double *b) { CURRENT; *ms = *b - *a; return OK; }
R cuTensorMapEncodeTiled(void *map, int type, uint32_t rank, void *addr, const uint64_t *dim, const uint64_t *stride, const uint32_t *box, const uint32_t *step, int interleave, int swizzle, int l2, int oob) {
  CHECK((uint64_t)map % 128 == 0 && type == 9 && rank == 2 && (uint64_t)addr % 16 == 0 && interleave == 0 && swizzle == 3 && l2 == 3 && oob == 0);
  CHECK(dim[0] > 0 && dim[1] > 0 && box[0] == 64 && box[1] <= 256 && step[0] == 1 && step[1] == 1 && stride[0] % 16 == 0);
  memset(map, 0, 128);
  *(Map *)map = (Map){(uint64_t)addr, {dim[0], dim[1]}, stride[0], {box[0], box[1]}};
  return OK;
}

// fakeFaults takes the place of HACHI_FAKE_CUDA: a Go program without cgo has no environment of C to change.
R fakeFaults(const char *all) { CHECK(strlen(all) < sizeof faults); strcpy(faults, all); return OK; }
