/* Attention of the integer network, with its cache of keys and values.
 *
 * Caches hold, for each window and head, keys as (width / 2, slots, 2) and values as (slots / 2, width, 2):
 * the order in which tiles need them. */

static void NAME(store)(const m2t_attention *c, const m2t_span *span, int head, int d)
{
    const int padded_d = PADDED(d, TILE_COLS);
    const int64_t width = d * c->num_heads, capacity = span[1].base - span->base;
    int16_t *keys = c->keys + span->base * width + head * capacity * d;
    int16_t *values = c->values + span->base * padded_d * c->num_heads + head * capacity * padded_d;
    for (int64_t i = 0; i < span->count; i++) {
        const int8_t *k = c->qkv + (span->first + i) * 3 * width + width + head * d;
        const int8_t *v = k + width;
        const int64_t slot = span->before + i;
        int16_t *key = keys + 2 * slot, *value = values + slot / 2 * padded_d * 2 + slot % 2;
        for (int j = 0; j < d; j += 2, key += 2 * capacity) {
            key[0] = k[j];
            key[1] = k[j + 1];
        }
        for (int j = 0; j < d; j++)
            value[2 * j] = v[j];
    }
}

#if LEVEL == LEVEL_VNNI || LEVEL == LEVEL_AMX
#include "softmax_avx512.h"
#else

/* Products of a query with keys -> weights for the values, in place of 32 and 16 bits. */
static void NAME(softmax)(const m2t_attention *c, const int32_t *restrict products, int64_t limit,
                          int64_t padded, int32_t *restrict terms, int16_t *restrict weights)
{
    const int32_t *restrict exponentials = c->exponentials;
    const float steps = c->steps, last = (float)(c->exponentials_length - 1);
    int32_t largest = products[0], total = 0;
    for (int64_t i = 1; i < limit; i++)
        largest = products[i] > largest ? products[i] : largest;
    for (int64_t i = 0; i < limit; i++) {
        const float drop = ROUND((float)(largest - products[i]) * steps);
        const int32_t term = exponentials[NAME(place)(drop, last)];
        terms[i] = term;
        total += term;
    }
    const float unit = M2T_WEIGHT_SUM / (float)(total > 0 ? total : 1);
    for (int64_t i = 0; i < limit; i++)
        weights[i] = (int16_t)ROUND((float)terms[i] * unit);
    for (int64_t i = limit; i < padded; i++)
        weights[i] = 0;
}
#endif

static void NAME(attend_head)(const m2t_attention *c, const m2t_span *span, int head, int d)
{
    const int padded_d = PADDED(d, TILE_COLS);
    const int64_t width = d * c->num_heads, capacity = span[1].base - span->base;
    const int16_t *keys = c->keys + span->base * width + head * capacity * d;
    const int16_t *values =
        c->values + span->base * padded_d * c->num_heads + head * capacity * padded_d;
    int32_t *products = c->scratch;
    int32_t *terms = products + TILE_ROWS * capacity;
    int16_t *weights = (int16_t *)(terms + capacity);
    int16_t *queries = weights + TILE_ROWS * capacity;
    int32_t sums[TILE_ROWS * TILE_COLS];
    for (int64_t i = 0; i < span->count; i += TILE_ROWS) {
        const int rows = (int)(span->count - i < TILE_ROWS ? span->count - i : TILE_ROWS);
        const int32_t *limits = c->limits + span->first + i;
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < d; j++)
                queries[r * d + j] = c->qkv[(span->first + i + r) * 3 * width + head * d + j];
        const int64_t padded = PADDED(limits[rows - 1], TILE_COLS); /* limits ascend */
        for (int64_t first = 0; first < padded; first += TILE_COLS) {
            const Operands o = {(const char *)queries, 2 * d, 1, 0, d / 2,
                                (const char *)(keys + 2 * first), 4 * capacity};
            NAME(tile)(rows, 0, &o, sums);
            for (int r = 0; r < rows; r++)
                memcpy(products + r * capacity + first, sums + r * TILE_COLS,
                       TILE_COLS * sizeof *sums);
        }
        for (int r = 0; r < rows; r++)
            NAME(softmax)(c, products + r * capacity, limits[r], padded, terms,
                          weights + r * capacity);
        for (int first = 0; first < d; first += TILE_COLS) {
            const Operands o = {(const char *)weights, 2 * capacity, 1, 0, padded / 2,
                                (const char *)(values + 2 * first), 4 * padded_d};
            const int count = d - first < TILE_COLS ? d - first : TILE_COLS;
            NAME(tile)(rows, 0, &o, sums);
            for (int r = 0; r < rows; r++) {
                int8_t *out = c->out + (span->first + i + r) * width + head * d + first;
                for (int j = 0; j < count; j++)
                    out[j] = (int8_t)NAME(limited)(
                        ROUND((float)sums[r * TILE_COLS + j] * c->attended), 127);
            }
        }
    }
}

#if LEVEL == LEVEL_AMX
#include "attention_amx.h"
#endif

static void NAME(attention)(const m2t_attention *c)
{
    const int d = (int)(c->out_length / c->num_rows / c->num_heads);
    for (int64_t s = 0; s < c->num_spans; s++)
        for (int head = 0; head < c->num_heads; head++) {
            const m2t_span *span = c->spans + s;
#if LEVEL == LEVEL_AMX
            if (d % 64 == 0) {
                const int64_t width = (int64_t)d * c->num_heads;
                const int64_t start = span->base * width + head * (span[1].base - span->base) * d;
                int8_t *keys = (int8_t *)(c->keys + start), *values = (int8_t *)(c->values + start);
                NAME(store_bytes)(c, span, head, d, keys, values);
                NAME(attend_bytes)(c, span, head, d, keys, values);
                continue;
            }
#endif
            NAME(store)(c, span, head, d);
            NAME(attend_head)(c, span, head, d);
        }
}
