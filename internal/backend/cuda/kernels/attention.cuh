// Attention over a cache of keys and values in pages, in two passes. This file is C too: warp.cuh.
//
// A page is 16 positions of one key head: keys, values, and of int8 a scale for each key, then one for each value. Pages lie by
// page number, then by key head. Elements lie in the order of mma's b, so that a lane reads 16 bytes beside those of the next:
// a key is a column of b for scores, a value a row of b for the output. Int8 is q + 128.
//
// Positions come in tiles of TILE at multiples of TILE. The first pass, attend, is a warp for the rows of a sequence that fit
// 16 queries, for one key head and one tile. Steps of 16 positions ascend:
//
//	s    = (q . k) * scale, of int8 (q . k * scale of the key) * scale       q in bf16, sums of a tensor core, ascending k
//	m'   = max(m, s)     r = exp(m - m')     p = exp(s - m'), or 0 for what a query does not see
//	l    = l * r + sum of p     lane j of 4 adds positions 2j, 2j+1, 2j+8, 2j+9, then lanes j and j^1, then j and j^2
//	acc  = acc * r + p . v      p in bf16, of int8 bf16(p * scale of the value), one sum of 16 products of a tensor core
//
// The second, combine, is a warp for a row and a head: M is the largest m of the row's tiles, ascending tiles add
//
//	L = fma(l, exp(m - M), L)     O = fma(acc, exp(m - M), O)     and the output is bf16(O / L).
//
// So a query's bits depend on its position, its sequence and nothing else: neither on the rows beside it, nor on where its
// prompt was cut, nor on page numbers. What no query of a warp sees reads as zero, whatever a page had before.
#pragma once
#include "silu.cuh"
#include "warp.cuh"

#define TILE 128
#define PAGE 16

// Row is where a row of the call stands; mirrored by place in denseplan.go.
typedef struct {
  int position;  // in its sequence
  int table;     // where its sequence's page numbers begin in tables
  int slot;      // of tile 0 in partial results; tile t has slot + t
} Row;

// Unit is one tile of consecutive rows of a sequence; mirrored by unit in denseplan.go.
typedef struct {
  int row, rows, tile;
} Unit;

// Attend is mirrored by attendParams in denselaunch.go.
typedef struct {
  const uint16_t *q;    // [rows, heads, width] bf16
  const char *cache;    // of the layer
  const Row *rows;
  const Unit *units;
  const int *tables;
  float *sums, *stats;  // [slots, heads, width] acc; [slots, heads, 2] m and l
  float scale;
  int count, heads, kvHeads, window;  // warps of work; window is 0 for none
} Attend;

// Combine is mirrored by combineParams in denselaunch.go.
typedef struct {
  const float *sums, *stats;
  const Row *rows;
  uint16_t *out;                           // [rows, k] bf16
  int count, heads, dim, width, k, window;  // warps of work: heads + 1 a row, of which the last writes zeros behind the heads
  int fragments;                           // out has the order of portable.cu
} Combine;

#define VECTORS_OF(WIDTH, INT8) (WIDTH / (INT8 ? 32 : 16))  // 16 bytes of each lane; of the keys, or the values, of a page
#define PAGE_BYTES(WIDTH, INT8) (2 * VECTORS_OF(WIDTH, INT8) * 512 + (INT8 ? 8 * PAGE : 0))
#define STAGE_BYTES(WIDTH, INT8) (2 * VECTORS_OF(WIDTH, INT8) * 512 + (INT8 ? 1024 : 0))
#define STAGES 3

// keyAt and valueAt are where an element of position i of a page stands in its keys or values, in elements.
__device__ __forceinline__ int keyAt(int i, int d, const int int8) {
  int lane = i % 8 * 4 + d % 8 / 2, within = i / 8 * 4 + d % 16 / 8 * 2 + d % 2;
  return int8 ? (d / 32 * 32 + lane) * 16 + d % 32 / 16 * 8 + within : (d / 16 * 32 + lane) * 8 + within;
}

__device__ __forceinline__ int valueAt(int i, int d, const int int8) {
  int lane = d % 8 * 4 + i % 8 / 2, within = d % 16 / 8 * 4 + i / 8 * 2 + i % 2;
  return int8 ? (d / 32 * 32 + lane) * 16 + d % 32 / 16 * 8 + within : (d / 16 * 32 + lane) * 8 + within;
}

__device__ __forceinline__ int oldest(int position, int window) { return window > 0 && position >= window ? position - window + 1 : 0; }

// fetchPage starts to copy what a lane reads of a page: its vectors, and of int8 the scales of positions 2j, 2j+1, 2j+8, 2j+9.
__device__ __forceinline__ void fetchPage(char *stage, const char *page, int lane, const int width, const int int8) {
  const int vectors = 2 * VECTORS_OF(width, int8);
#pragma unroll
  for (int i = 0; i < vectors; i++) copyAsync(stage + (i * 32 + lane) * 16, page + (i * 32 + lane) * 16, 16);
  if (int8) {
#pragma unroll
    for (int i = 0; i < 4; i++) copyAsync(stage + vectors * 512 + (i * 32 + lane) * 8, page + vectors * 512 + i * 32 + lane % 4 * 8, 8);
  }
}

// awaitPage waits until only the last STAGES - 1 groups are on their way.
__device__ __forceinline__ void awaitPage(void) {
#ifdef __CUDACC__
  asm volatile("cp.async.wait_group 2;" ::: "memory");
#endif
}

// readScale is the scale that a lane needs of element i of its scores; values follow keys.
__device__ __forceinline__ float readScale(const char *scales, int lane, int i, int values) {
  return ((const float *)scales)[((values * 2 + i / 4) * 32 + lane) * 2 + i % 2];
}

// widenBytes writes 8 bytes of int8, of a vector's half, as 4 registers of bf16. The low 7 bits of u = q + 128 end the mantissa
// of 128 + (u & 127); what is subtracted is 128 where u has bit 7, else 256.
__device__ __forceinline__ void widenBytes(uint32_t *b, const uint4 *v, int half) {
#pragma unroll
  for (int r = 0; r < 4; r++) {
    const uint32_t u = permute(word(v, half * 2 + r / 2), 0, r % 2 ? 0x4342 : 0x4140);
    b[r] = fusePair(maskOr(u, 0x007f007f, 0x43004300), 0x3f803f80, maskXor(u, 0x00800080, 0xc380c380));
  }
}

// operand is the 4 registers of b for the 16 elements from d of every key or value of a page.
__device__ __forceinline__ void operand(uint32_t *b, const char *vectors, int lane, int d, const int int8) {
  const uint4 v = ((const uint4 *)vectors)[d / (int8 ? 32 : 16) * 32 + lane];
  if (int8) {
    widenBytes(b, &v, d % 32 / 16);
    return;
  }
#pragma unroll
  for (int r = 0; r < 4; r++) b[r] = word(&v, r);
}

// Queries are the two of the 16 of a warp that a lane has sums of: lane / 4, and that + 8.
typedef struct {
  int first[2], last[2];  // positions of the tile that each sees; none if first > last
  long long at[2];        // [row, head] of each
  int slot[2];
  int halves;  // 1 if no lane has a second
} Queries;

__device__ __forceinline__ void findQueries(Queries *q, const Attend *p, Unit u, int kvHead, int slice, int lane) {
  const int group = p->heads / p->kvHeads, step = group < 16 ? group : 16;
  q->halves = u.rows * step > 8 ? 2 : 1;
#pragma unroll
  for (int h = 0; h < 2; h++) {
    const int i = lane / 4 + h * 8, row = i / step, head = slice * 16 + i % step;
    q->first[h] = 1, q->last[h] = 0, q->at[h] = 0, q->slot[h] = 0;
    if (row >= u.rows || head >= group) continue;
    const Row r = p->rows[u.row + row];
    const int first = oldest(r.position, p->window) - u.tile * TILE, last = r.position - u.tile * TILE;
    q->first[h] = first > 0 ? first : 0;
    q->last[h] = last < TILE - 1 ? last : TILE - 1;
    q->at[h] = (long long)(u.row + row) * p->heads + kvHead * group + head;
    q->slot[h] = r.slot + u.tile;
  }
}

// softmax turns scores s of 16 positions from start into weights, and says what earlier sums are multiplied by.
__device__ __forceinline__ void softmax(float (*s)[4], float *high, float *total, float *rescale, const Queries *q, int start, int lane) {
#pragma unroll
  for (int h = 0; h < 2; h++) {
    if (h >= q->halves) {
      s[0][2] = s[0][3] = s[1][2] = s[1][3] = 0;
      continue;
    }
    float most = high[h];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const int position = start + i / 2 * 8 + lane % 4 * 2 + i % 2;
      float *v = &s[i / 2][h * 2 + i % 2];
      if (position < q->first[h] || position > q->last[h]) *v = __int_as_float((int)0xff800000);
      most = fmaxf(most, *v);
    }
    most = fmaxf(most, shuffle(most, 1));
    most = fmaxf(most, shuffle(most, 2));
    const float base = most == __int_as_float((int)0xff800000) ? 0 : most;  // nothing seen so far
    rescale[h] = exponential(__fsub_rn(high[h], base));
    float sum = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
      float *v = &s[i / 2][h * 2 + i % 2];
      *v = exponential(__fsub_rn(*v, base));
      sum = __fadd_rn(sum, *v);
    }
    sum = __fadd_rn(sum, shuffle(sum, 1));
    sum = __fadd_rn(sum, shuffle(sum, 2));
    total[h] = __fadd_rn(__fmul_rn(total[h], rescale[h]), sum);
    high[h] = most;
  }
}

// attend computes a unit for one key head.
__device__ __forceinline__ void attend(const Attend *p, char *ring, int work, int lane, const int width, const int int8) {
  const int slices = (p->heads / p->kvHeads + 15) / 16, kvHead = work % p->kvHeads;
  const Unit u = p->units[work / p->kvHeads / slices];
  const Row head = p->rows[u.row];
  const int start = u.tile * TILE, bytes = STAGE_BYTES(width, int8), half = VECTORS_OF(width, int8) * 512;
  int from = oldest(head.position, p->window) - start, to = head.position + u.rows - 1 - start;
  if (from < 0) from = 0;
  if (to > TILE - 1) to = TILE - 1;
  Queries own;
  findQueries(&own, p, u, kvHead, work / p->kvHeads % slices, lane);
  uint32_t q[8][4];
#pragma unroll
  for (int k = 0; k < width / 16; k++)
#pragma unroll
    for (int r = 0; r < 4; r++)
      q[k][r] = own.first[r % 2] > own.last[r % 2] ? 0 : *(const uint32_t *)(p->q + own.at[r % 2] * width + k * 16 + r / 2 * 8 + lane % 4 * 2);
  float acc[16][4], high[2] = {__int_as_float((int)0xff800000), __int_as_float((int)0xff800000)}, total[2] = {0, 0};
#pragma unroll
  for (int n = 0; n < width / 8; n++)
#pragma unroll
    for (int i = 0; i < 4; i++) acc[n][i] = 0;

  const int *pages = p->tables + head.table + u.tile * (TILE / PAGE);
  const int end = to / PAGE;
#define PAGE_OF(STEP) (p->cache + ((size_t)pages[STEP] * p->kvHeads + kvHead) * PAGE_BYTES(width, int8))
  for (int i = 0; i < STAGES; i++) {
    if (from / PAGE + i <= end) fetchPage(ring + i * bytes, PAGE_OF(from / PAGE + i), lane, width, int8);
    commit();
  }
  for (int step = from / PAGE, at = 0; step <= end; step++) {
    awaitPage();
    const char *stage = ring + at * bytes;
    float s[2][4];
#pragma unroll
    for (int i = 0; i < 8; i++) s[i / 4][i % 4] = 0;
    converge();
#pragma unroll
    for (int k = 0; k < width / 16; k++) {
      uint32_t b[4];
      operand(b, stage, lane, k * 16, int8);
      mma(s[0], q[k], b[0], b[1]);
      mma(s[1], q[k], b[2], b[3]);
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      if (i % 4 / 2 >= own.halves) continue;
      if (int8) s[i / 4][i % 4] = __fmul_rn(s[i / 4][i % 4], readScale(stage + 2 * half, lane, i, 0));
      s[i / 4][i % 4] = __fmul_rn(s[i / 4][i % 4], p->scale);
    }
    float rescale[2] = {1, 1};
    softmax(s, high, total, rescale, &own, step * PAGE, lane);
    if (int8) {
#pragma unroll
      for (int i = 0; i < 8; i++) {
        float *v = &s[i / 4][i % 4];
        if (i % 4 / 2 < own.halves) *v = *v == 0 ? 0 : __fmul_rn(*v, readScale(stage + 2 * half, lane, i, 1));  // an unseen scale may be anything
      }
    }
    const uint32_t a[4] = {pack(s[0][0], s[0][1]), pack(s[0][2], s[0][3]), pack(s[1][0], s[1][1]), pack(s[1][2], s[1][3])};
    uint32_t seen[2];
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int position = step * PAGE + i * 8 + lane % 4 * 2;
      seen[i] = (position >= from && position <= to ? 0xffff : 0) | (position + 1 >= from && position + 1 <= to ? 0xffff0000 : 0);
    }
#pragma unroll
    for (int n = 0; n < width / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (i / 2 < own.halves) acc[n][i] = __fmul_rn(acc[n][i], rescale[i / 2]);
    converge();
#pragma unroll
    for (int k = 0; k < width / 16; k++) {
      uint32_t b[4];
      operand(b, stage + half, lane, k * 16, int8);
      mma(acc[2 * k], a, b[0] & seen[0], b[1] & seen[1]);
      mma(acc[2 * k + 1], a, b[2] & seen[0], b[3] & seen[1]);
    }
    if (step + STAGES <= end) fetchPage(ring + at * bytes, PAGE_OF(step + STAGES), lane, width, int8);
    commit();
    if (++at == STAGES) at = 0;
  }
#undef PAGE_OF
#pragma unroll
  for (int h = 0; h < 2; h++) {
    if (own.first[h] > own.last[h]) continue;
    const long long to = (long long)own.slot[h] * p->heads + own.at[h] % p->heads;
    if (lane % 4 == 0) p->stats[to * 2] = high[h], p->stats[to * 2 + 1] = total[h];
#pragma unroll
    for (int n = 0; n < width / 8; n++) {
      float *out = p->sums + to * width + n * 8 + lane % 4 * 2;
      out[0] = acc[n][h * 2], out[1] = acc[n][h * 2 + 1];
    }
  }
}

// combine adds the tiles of one row and head.
__device__ __forceinline__ void combine(const Combine *p, int work, int lane) {
  const int row = work / (p->heads + 1), head = work % (p->heads + 1);
  if (head == p->heads) {
    for (int k = p->heads * p->dim + lane; k < p->k; k += 32) p->out[p->fragments ? fragmentOf(row, k, p->k) : (size_t)row * p->k + k] = 0;
    return;
  }
  const Row r = p->rows[row];
  const int first = oldest(r.position, p->window) / TILE, last = r.position / TILE;
  float high = __int_as_float((int)0xff800000), total = 0, sums[4] = {0, 0, 0, 0};
  for (int t = first; t <= last; t++) high = fmaxf(high, p->stats[((long long)(r.slot + t) * p->heads + head) * 2]);
  for (int t = first; t <= last; t++) {
    const long long at = (long long)(r.slot + t) * p->heads + head;
    const float weight = exponential(__fsub_rn(p->stats[at * 2], high));
    total = __fmaf_rn(p->stats[at * 2 + 1], weight, total);
#pragma unroll
    for (int i = 0; i < 4; i++)
      if (i * 32 < p->width) sums[i] = __fmaf_rn(p->sums[at * p->width + i * 32 + lane], weight, sums[i]);
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int d = i * 32 + lane, k = head * p->dim + d;
    if (d < p->dim) p->out[p->fragments ? fragmentOf(row, k, p->k) : (size_t)row * p->k + k] = (uint16_t)pack(__fdiv_rn(sums[i], total), 0);
  }
}
