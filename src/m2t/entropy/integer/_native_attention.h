/* Attention of the integer network, with its cache of keys and values. Included by _native_ops.h, once
 * per instruction set. */

#ifndef ATTENTION_TYPES
#define ATTENTION_TYPES

typedef struct {
    int64_t first, count; /* rows of this call */
    int64_t base, before; /* where its slots start in the cache; how many it holds already */
} Span; /* a window; the next one's base ends its part of the cache */

typedef struct {
    const int8_t *qkv; /* (rows, 3 width) */
    const Span *spans;
    int64_t num_spans;
    const int32_t *limits;  /* per row: how many slots of its window it sees */
    int16_t *keys, *values; /* caches of all windows */
    const int32_t *exponentials;
    int64_t num_exponentials;
    float steps, attended;
    int num_heads, head_width;
    int8_t *out; /* (rows, width) */
    void *scratch;
} AttentionCall;
#endif

/* Caches hold, for each window and head, keys as (width / 2, slots, 2) and values as (slots / 2, width,
 * 2): the order in which tiles need them. */

static void NAME(store)(const AttentionCall *c, const Span *span, int head)
{
    const int d = c->head_width, padded_d = PADDED(d, TILE_COLS);
    const int width = d * c->num_heads;
    const int64_t capacity = span[1].base - span->base;
    int16_t *keys = c->keys + span->base * width + head * capacity * d;
    int16_t *values = c->values + span->base * padded_d * c->num_heads + head * capacity * padded_d;
    for (int64_t i = 0; i < span->count; i++) {
        const int8_t *k = c->qkv + (span->first + i) * 3 * width + width + head * d;
        const int8_t *v = k + width;
        const int64_t slot = span->before + i;
        for (int j = 0; j < d; j++)
            keys[((j / 2) * capacity + slot) * 2 + j % 2] = k[j];
        for (int j = 0; j < d; j++)
            values[((slot / 2) * padded_d + j) * 2 + slot % 2] = v[j];
    }
}

/* Products of a query with keys -> weights for the values, in place of 32 and 16 bits. */
static void NAME(softmax)(const AttentionCall *c, const int32_t *products, int64_t limit,
                          int64_t padded, int32_t *terms, int16_t *weights)
{
    int32_t largest = products[0], total = 0;
    for (int64_t i = 1; i < limit; i++)
        largest = products[i] > largest ? products[i] : largest;
    const float last = (float)(c->num_exponentials - 1);
    for (int64_t i = 0; i < limit; i++) {
        const float drop = ROUND((float)(largest - products[i]) * c->steps);
        terms[i] = c->exponentials[NAME(place)(drop, last)];
    }
    for (int64_t i = 0; i < limit; i++)
        total += terms[i];
    const float unit = WEIGHT_SUM / (float)total;
    for (int64_t i = 0; i < limit; i++)
        weights[i] = (int16_t)ROUND((float)terms[i] * unit);
    for (int64_t i = limit; i < padded; i++)
        weights[i] = 0;
}

static void NAME(attend_head)(const AttentionCall *c, const Span *span, int head)
{
    const int d = c->head_width, padded_d = PADDED(d, TILE_COLS), width = d * c->num_heads;
    const int64_t capacity = span[1].base - span->base;
    const int16_t *keys = c->keys + span->base * width + head * capacity * d;
    const int16_t *values =
        c->values + span->base * padded_d * c->num_heads + head * capacity * padded_d;
    int16_t *queries = c->scratch;
    int16_t *weights = queries + TILE_ROWS * padded_d;
    int32_t *products = (int32_t *)(weights + TILE_ROWS * capacity);
    int32_t *terms = products + TILE_ROWS * capacity;
    int32_t sums[TILE_ROWS * TILE_COLS];
    for (int64_t i = 0; i < span->count; i += TILE_ROWS) {
        const int rows = (int)(span->count - i < TILE_ROWS ? span->count - i : TILE_ROWS);
        const int32_t *limits = c->limits + span->first + i;
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < d; j++)
                queries[r * d + j] = c->qkv[(span->first + i + r) * 3 * width + head * d + j];
        const int64_t padded = PADDED(limits[rows - 1], TILE_COLS); /* limits ascend */
        for (int64_t first = 0; first < padded; first += TILE_COLS) {
            const Operands o = {(const char *)queries, 2 * d, (const char *)(keys + 2 * first),
                                4 * capacity, d / 2};
            NAME(tile)(rows, 0, &o, sums);
            for (int r = 0; r < rows; r++)
                memcpy(products + r * capacity + first, sums + r * TILE_COLS,
                       TILE_COLS * sizeof *sums);
        }
        for (int r = 0; r < rows; r++)
            NAME(softmax)(c, products + r * capacity, limits[r], padded, terms,
                          weights + r * capacity);
        for (int first = 0; first < d; first += TILE_COLS) {
            const Operands o = {(const char *)weights, 2 * capacity,
                                (const char *)(values + 2 * first), 4 * padded_d, padded / 2};
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

static void NAME(attention)(const AttentionCall *c)
{
    for (int64_t s = 0; s < c->num_spans; s++)
        for (int head = 0; head < c->num_heads; head++) {
            NAME(store)(c, c->spans + s, head);
            NAME(attend_head)(c, c->spans + s, head);
        }
}
