/* Exact sums of products of small integers, a tile of up to TILE_ROWS rows by 32 columns at a time.
 *
 * One step multiplies 32 bits of each row, broadcast, with 32 bits of each column: four int8 with four
 * uint8 below 128, or two int16 with two int16. Columns stand packed: 32 of them, then the next step. A
 * row is one or several runs of steps; its columns follow each other without a gap. */

#ifndef TILE_COLS
#define TILE_COLS M2T_TILE_COLUMNS
#define FEW_ROWS 8 /* as many as vector registers hold the sums of */

typedef struct {
    const char *x; /* rows, x_stride bytes apart, 4 bytes per step */
    int64_t x_stride;
    int64_t num_runs, x_run; /* runs of num_steps, x_run bytes apart */
    int64_t num_steps;
    const char *w; /* 128 bytes per step, w_stride bytes apart */
    int64_t w_stride;
} Operands;
#endif

#if LEVEL == LEVEL_VNNI || LEVEL == LEVEL_AMX

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    __m512i sums[FEW_ROWS][2];
    for (int r = 0; r < rows; r++)
        sums[r][0] = sums[r][1] = _mm512_setzero_si512();
    const char *w = o->w;
    for (int64_t run = 0; run < o->num_runs; run++) {
        const char *x = o->x + run * o->x_run;
        for (int64_t i = 0; i < o->num_steps; i++, w += o->w_stride, x += 4) {
            const __m512i left = _mm512_loadu_si512(w), right = _mm512_loadu_si512(w + 64);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, x + r * o->x_stride, 4);
                const __m512i row = _mm512_set1_epi32(pair);
                if (bytes) {
                    sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], left, row);
                    sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], right, row);
                } else {
                    sums[r][0] = _mm512_dpwssd_epi32(sums[r][0], left, row);
                    sums[r][1] = _mm512_dpwssd_epi32(sums[r][1], right, row);
                }
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        _mm512_storeu_si512(out + r * TILE_COLS, sums[r][0]);
        _mm512_storeu_si512(out + r * TILE_COLS + 16, sums[r][1]);
    }
}

#elif LEVEL == LEVEL_AVX2 /* products of 7 by 8 bits, added in pairs, fit into 16 */

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    for (int part = 0; part < 4; part++) {
        __m256i sums[FEW_ROWS];
        for (int r = 0; r < rows; r++)
            sums[r] = _mm256_setzero_si256();
        const char *w = o->w + 32 * part;
        for (int64_t run = 0; run < o->num_runs; run++) {
            const char *x = o->x + run * o->x_run;
            for (int64_t i = 0; i < o->num_steps; i++, w += o->w_stride, x += 4) {
                const __m256i columns = _mm256_loadu_si256((const __m256i *)w);
#pragma GCC unroll 8
                for (int r = 0; r < rows; r++) {
                    int32_t pair;
                    memcpy(&pair, x + r * o->x_stride, 4);
                    const __m256i row = _mm256_set1_epi32(pair);
                    const __m256i sum =
                        bytes ? _mm256_madd_epi16(_mm256_maddubs_epi16(columns, row),
                                                  _mm256_set1_epi16(1))
                              : _mm256_madd_epi16(columns, row);
                    sums[r] = _mm256_add_epi32(sums[r], sum);
                }
            }
        }
        for (int r = 0; r < rows; r++)
            _mm256_storeu_si256((__m256i *)(out + r * TILE_COLS + 8 * part), sums[r]);
    }
}

#elif LEVEL == LEVEL_NEON /* with dot products */

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    for (int part = 0; part < 4; part++) {
        int32x4_t sums[FEW_ROWS][2];
        for (int r = 0; r < rows; r++)
            sums[r][0] = sums[r][1] = vdupq_n_s32(0);
        const char *w = o->w + 32 * part;
        for (int64_t run = 0; run < o->num_runs; run++) {
            const char *x = o->x + run * o->x_run;
            for (int64_t i = 0; i < o->num_steps; i++, w += o->w_stride, x += 4) {
                const int8x16_t left = vld1q_s8((const int8_t *)w);
                const int8x16_t right = vld1q_s8((const int8_t *)w + 16);
#pragma GCC unroll 8
                for (int r = 0; r < rows; r++) {
                    int32_t pair;
                    memcpy(&pair, x + r * o->x_stride, 4);
                    const int8x16_t row = vreinterpretq_s8_s32(vdupq_n_s32(pair));
                    if (bytes) {
                        sums[r][0] = vdotq_s32(sums[r][0], left, row);
                        sums[r][1] = vdotq_s32(sums[r][1], right, row);
                    } else {
                        sums[r][0] = vaddq_s32(sums[r][0], NAME(pairs)(left, row));
                        sums[r][1] = vaddq_s32(sums[r][1], NAME(pairs)(right, row));
                    }
                }
            }
        }
        for (int r = 0; r < rows; r++) {
            vst1q_s32(out + r * TILE_COLS + 8 * part, sums[r][0]);
            vst1q_s32(out + r * TILE_COLS + 8 * part + 4, sums[r][1]);
        }
    }
}

#else /* any processor; sums wrap around, which unsigned numbers may */

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    uint32_t *all = (uint32_t *)out;
    memset(out, 0, (size_t)rows * TILE_COLS * sizeof *out);
    for (int64_t step = 0; step < o->num_runs * o->num_steps; step++) {
        const char *w = o->w + step * o->w_stride;
        const char *x = o->x + step / o->num_steps * o->x_run + step % o->num_steps * 4;
        for (int r = 0; r < rows; r++, x += o->x_stride) {
            uint32_t *sums = all + r * TILE_COLS;
            if (bytes) {
                const uint8_t *columns = (const uint8_t *)w;
                for (int j = 0; j < 4; j++) {
                    const int32_t value = ((const int8_t *)x)[j];
                    for (int c = 0; c < TILE_COLS; c++)
                        sums[c] += (uint32_t)(value * columns[4 * c + j]);
                }
            } else {
                int16_t row[2], columns[2 * TILE_COLS];
                memcpy(row, x, sizeof row);
                memcpy(columns, w, sizeof columns);
                for (int c = 0; c < TILE_COLS; c++)
                    sums[c] += (uint32_t)(row[0] * columns[2 * c]) +
                               (uint32_t)(row[1] * columns[2 * c + 1]);
            }
        }
    }
}

#endif

/* The sum of some bytes. */
static inline int32_t NAME(sum)(const int8_t *x, int64_t count)
{
    int32_t total = 0;
    int64_t i = 0;
#if LEVEL == LEVEL_VNNI || LEVEL == LEVEL_AMX
    __m512i sums = _mm512_setzero_si512();
    for (; i + 64 <= count; i += 64)
        sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), _mm512_loadu_si512(x + i));
    total = _mm512_reduce_add_epi32(sums);
#endif
    for (; i < count; i++)
        total += x[i];
    return total;
}

/* A tile of up to FEW_ROWS rows. */
static void NAME(few)(int rows, int bytes, const Operands *o, int32_t *out)
{
#define CASE(n)                                                                                    \
    case n:                                                                                        \
        if (bytes)                                                                                 \
            NAME(tile_of)(n, 1, o, out);                                                           \
        else                                                                                       \
            NAME(tile_of)(n, 0, o, out);                                                           \
        break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
    }
#undef CASE
}

#if LEVEL == LEVEL_AMX
#include "tile_amx.h"
#else
#define TILE_ROWS FEW_ROWS

static inline void NAME(tile)(int rows, int bytes, const Operands *o, int32_t *out)
{
    NAME(few)(rows, bytes, o, out);
}

/* Before and after tiles of so many rows. */
static inline void NAME(begin_tiles)(int rows)
{
    (void)rows;
}

static inline void NAME(end_tiles)(void)
{
}
#endif
