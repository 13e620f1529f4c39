/* Attention in the registers of AMX, for heads of 64 bytes or a multiple of them.
 *
 * Caches hold bytes, in the order in which these registers need them: keys as (width / 4, slots, 4), values as
 * (slots / 4, width, 4). They take half of the room of what attention.h keeps; so registers may load a little
 * beyond the last slot, where weights are zero. Weights, up to 2^14, are two bytes, each multiplied alone. */

static void NAME(store_bytes)(const m2t_attention *c, const m2t_span *span, int head, int d, int8_t *keys,
                              int8_t *values)
{
    const int64_t width = (int64_t)d * c->num_heads, capacity = span[1].base - span->base;
    for (int64_t i = 0; i < span->count; i++) {
        const int8_t *k = c->qkv + (span->first + i) * 3 * width + width + head * d, *v = k + width;
        const int64_t slot = span->before + i;
        int8_t *key = keys + 4 * slot, *value = values + slot / 4 * 4 * d + slot % 4;
        for (int j = 0; j < d; j += 4, key += 4 * capacity)
            memcpy(key, k + j, 4);
        for (int j = 0; j < d; j++)
            value[4 * j] = v[j];
    }
}

/* 16 bits to their lower and upper bytes. */
static void NAME(split)(const int16_t *restrict weights, int64_t count, uint8_t *restrict lower,
                        uint8_t *restrict upper)
{
    for (int64_t i = 0; i < count; i++) {
        lower[i] = (uint8_t)(weights[i] & 255);
        upper[i] = (uint8_t)(weights[i] >> 8);
    }
}

/* The sums of both bytes of the weights of a window's row, to results (TILE_COLS). */
static void NAME(attended_row)(const m2t_attention *c, const int32_t *lower, const int32_t *upper,
                               int8_t *out)
{
    const __m512 unit = _mm512_set1_ps(c->attended);
    for (int j = 0; j < TILE_COLS; j += 16) {
        const __m512i shifted = _mm512_slli_epi32(_mm512_loadu_si512(upper + j), 8);
        const __m512i sums = _mm512_add_epi32(_mm512_loadu_si512(lower + j), shifted);
        const __m512 values = NAME(round_16)(_mm512_mul_ps(_mm512_cvtepi32_ps(sums), unit));
        NAME(bytes_16)(out + j, 0xffff, values, 0);
    }
}

static void NAME(attend_bytes)(const m2t_attention *c, const m2t_span *span, int head, int d,
                               const int8_t *keys, const int8_t *values)
{
    const int64_t width = (int64_t)d * c->num_heads, capacity = span[1].base - span->base;
    const int64_t room = PADDED(capacity, 64);
    int32_t *products = c->scratch, *terms = products + TILE_ROWS * capacity;
    int16_t *weights = (int16_t *)(terms + capacity);
    uint8_t *lower = (uint8_t *)(weights + room), *upper = lower + TILE_ROWS * room;
    int32_t sums[TILE_ROWS * TILE_COLS], high[TILE_ROWS * TILE_COLS];
    for (int64_t i = 0; i < span->count; i += TILE_ROWS) {
        const int rows = (int)(span->count - i < TILE_ROWS ? span->count - i : TILE_ROWS);
        const int32_t *limits = c->limits + span->first + i;
        const int64_t seen = limits[rows - 1], padded = PADDED(seen, 64); /* limits ascend */
        const int8_t *queries = c->qkv + (span->first + i) * 3 * width + head * d;
        Operands o = {(const char *)queries, 3 * width, 1, 0, d / 4, NULL, 4 * capacity};
        NAME(begin_tiles)(rows);
        for (int64_t first = 0; first < seen; first += TILE_COLS) {
            o.w = (const char *)keys + 4 * first;
            NAME(signed_tile)(rows, &o, products + first, capacity);
        }
        for (int r = 0; r < rows; r++) {
            NAME(softmax)(c, products + r * capacity, limits[r], padded, terms, weights);
            NAME(split)(weights, padded, lower + r * room, upper + r * room);
        }
        for (int first = 0; first < d; first += TILE_COLS) {
            const char *columns = (const char *)values + 4 * first;
            o = (Operands){(const char *)lower, room, 1, 0, padded / 4, columns, 4 * d};
            NAME(unsigned_tile)(rows, &o, sums, TILE_COLS);
            o.x = (const char *)upper;
            NAME(unsigned_tile)(rows, &o, high, TILE_COLS);
            int8_t *out = c->out + (span->first + i) * width + head * d + first;
            for (int r = 0; r < rows; r++)
                NAME(attended_row)(c, sums + r * TILE_COLS, high + r * TILE_COLS, out + r * width);
        }
    }
    NAME(end_tiles)();
}
