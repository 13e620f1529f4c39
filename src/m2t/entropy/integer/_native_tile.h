/* Exact sums of products of small integers, a tile of up to 8 rows by 32 columns at a time. Included
 * once per instruction set (see _native.c): NAME() gives each copy its own names.
 *
 * One step multiplies 32 bits of each row, broadcast, with 32 bits of each column: four int8 with
 * four uint8, or two int16 with two int16. Columns stand packed: 32 of them, then the next step. */

#ifndef TILE_ROWS
#define TILE_ROWS 8
#define TILE_COLS 32

typedef struct {
    const char *x; /* rows, x_stride bytes apart, 4 bytes per step */
    int64_t x_stride;
    const char *w; /* 128 bytes per step, w_stride bytes apart */
    int64_t w_stride;
    int64_t num_steps;
} Operands;
#endif

#if LEVEL == 2 /* AVX-512 with VNNI */

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    __m512i sums[TILE_ROWS][2];
    for (int r = 0; r < rows; r++)
        sums[r][0] = sums[r][1] = _mm512_setzero_si512();
    const char *w = o->w, *x = o->x;
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
    for (int r = 0; r < rows; r++) {
        _mm512_storeu_si512(out + r * TILE_COLS, sums[r][0]);
        _mm512_storeu_si512(out + r * TILE_COLS + 16, sums[r][1]);
    }
}

#elif LEVEL == 1 /* AVX2: products of 7 by 8 bits, added in pairs, fit into 16 */

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    for (int part = 0; part < 4; part++) {
        __m256i sums[TILE_ROWS];
        for (int r = 0; r < rows; r++)
            sums[r] = _mm256_setzero_si256();
        const char *w = o->w + 32 * part, *x = o->x;
        for (int64_t i = 0; i < o->num_steps; i++, w += o->w_stride, x += 4) {
            const __m256i columns = _mm256_loadu_si256((const __m256i *)w);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, x + r * o->x_stride, 4);
                const __m256i row = _mm256_set1_epi32(pair);
                const __m256i sum =
                    bytes ? _mm256_madd_epi16(_mm256_maddubs_epi16(columns, row), _mm256_set1_epi16(1))
                          : _mm256_madd_epi16(columns, row);
                sums[r] = _mm256_add_epi32(sums[r], sum);
            }
        }
        for (int r = 0; r < rows; r++)
            _mm256_storeu_si256((__m256i *)(out + r * TILE_COLS + 8 * part), sums[r]);
    }
}

#else /* any processor */

static ALWAYS_INLINE void NAME(tile_of)(const int rows, const int bytes, const Operands *o,
                                        int32_t *out)
{
    memset(out, 0, (size_t)rows * TILE_COLS * sizeof *out);
    for (int64_t i = 0; i < o->num_steps; i++) {
        const char *w = o->w + i * o->w_stride;
        for (int r = 0; r < rows; r++) {
            const char *x = o->x + r * o->x_stride + 4 * i;
            int32_t *sums = out + r * TILE_COLS;
            if (bytes) {
                const uint8_t *columns = (const uint8_t *)w;
                for (int j = 0; j < 4; j++) {
                    const int32_t value = ((const int8_t *)x)[j];
                    for (int c = 0; c < TILE_COLS; c++)
                        sums[c] += value * columns[4 * c + j];
                }
            } else {
                int16_t row[2], columns[2 * TILE_COLS];
                memcpy(row, x, sizeof row);
                memcpy(columns, w, sizeof columns);
                for (int c = 0; c < TILE_COLS; c++)
                    sums[c] += row[0] * columns[2 * c] + row[1] * columns[2 * c + 1];
            }
        }
    }
}

#endif

static void NAME(tile)(int rows, int bytes, const Operands *o, int32_t *out)
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
