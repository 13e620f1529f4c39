/* The operations of the integer network, as pytorch.py defines them, on plain arrays. Included once
 * per instruction set (see _native.c). Floating point here is single operations, each rounded once, in
 * the very order of the definition: the compiler must not fuse them (-ffp-contract=off). */

#include "_native_tile.h"

#ifndef OPS_TYPES
#define OPS_TYPES

enum { RAW, ROUNDED, ADDED, HIDDEN, SATURATED, RELU, CURVE }; /* what becomes of a layer's sums */

typedef struct {
    const int8_t *x; /* (num_rows, num_inputs), x_stride apart */
    int64_t num_rows, num_inputs, x_stride;
    const uint8_t *packed; /* see pack() */
    const float *multiplier, *bias;
    int64_t num_outputs;
    int mode;
    const float *prepared; /* HIDDEN: (num_rows, num_outputs), prepared_stride apart, to be added */
    int64_t prepared_stride;
    const int8_t *curve; /* CURVE: 255 entries */
    void *out;           /* up to ADDED: float; the others: int8; rows num_outputs apart */
    int8_t *scratch;     /* TILE_ROWS rows of padded inputs */
} LayerCall;

typedef struct {
    const float *raw; /* (num_rows, 3, num_components, num_channels) */
    int64_t num_rows;
    int num_components, num_channels;
    const float *means_unit, *rungs_offset; /* (num_channels) */
    const int32_t *exponentials;
    int64_t num_exponentials;
    int32_t *means; /* (num_rows, num_channels, num_components), as are the next two */
    uint8_t *scales;
    uint16_t *weights;
} MixtureCall;

#define PADDED(n, unit) (((n) + (unit)-1) / (unit) * (unit))
#endif

static inline float NAME(limited)(float x, float limit)
{
    x = x > limit ? limit : x;
    return x < -limit ? -limit : x;
}

/* Where in a table a drop from the largest is found; the end for all beyond it, and for what no sound
 * weights give: nan, or less than nothing. */
static inline int32_t NAME(place)(float drop, float last)
{
    return (int32_t)(drop >= 0 && drop < last ? drop : last);
}

/* ---- layers ---- */

/* Sums (rows, TILE_COLS) of one tile to the output's columns first .. first + count. */
static ALWAYS_INLINE void NAME(finish_of)(const int mode, const LayerCall *c, int64_t row,
                                          int64_t first, int count, const int32_t *sums,
                                          int32_t excess)
{
    const float *multiplier = c->multiplier + first, *bias = c->bias + first;
    const int64_t start = row * c->num_outputs + first;
    float values[TILE_COLS];
    for (int j = 0; j < count; j++)
        values[j] = (float)(sums[j] - excess) * multiplier[j] + bias[j];
    if (mode == RAW) {
        memcpy((float *)c->out + start, values, (size_t)count * sizeof *values);
        return;
    }
    for (int j = 0; j < count; j++)
        values[j] = ROUND(values[j]);
    if (mode == ROUNDED) {
        memcpy((float *)c->out + start, values, (size_t)count * sizeof *values);
        return;
    }
    if (mode == ADDED) {
        float *out = (float *)c->out + start;
        for (int j = 0; j < count; j++)
            out[j] = NAME(limited)(out[j] + values[j], RESIDUAL_LIMIT);
        return;
    }
    int8_t *out = (int8_t *)c->out + start;
    if (mode == HIDDEN) {
        const float *prepared = c->prepared + row * c->prepared_stride + first;
        for (int j = 0; j < count; j++) {
            float sum = prepared[j] + values[j];
            sum = sum < 0 ? 0 : sum;
            values[j] = ROUND(sum / HIDDEN_STEPS);
        }
    }
    for (int j = 0; j < count; j++) {
        float value = NAME(limited)(values[j], 127);
        if (mode == RELU)
            value = value < 0 ? 0 : value;
        out[j] = (int8_t)value;
    }
    if (mode == CURVE)
        for (int j = 0; j < count; j++)
            out[j] = c->curve[out[j] + 127];
}

static void NAME(finish)(const LayerCall *c, int64_t row, int64_t first, int count,
                         const int32_t *sums, int32_t excess)
{
#define CASE(m)                                                                                    \
    case m:                                                                                        \
        if (count == TILE_COLS)                                                                    \
            NAME(finish_of)(m, c, row, first, TILE_COLS, sums, excess);                            \
        else                                                                                       \
            NAME(finish_of)(m, c, row, first, count, sums, excess);                                \
        break;
    switch (c->mode) {
        CASE(RAW) CASE(ROUNDED) CASE(ADDED) CASE(HIDDEN) CASE(SATURATED) CASE(RELU) CASE(CURVE)
    }
#undef CASE
}

static void NAME(layer)(const LayerCall *c)
{
    const int64_t padded = PADDED(c->num_inputs, 4);
    int32_t sums[TILE_ROWS * TILE_COLS], excess[TILE_ROWS];
    for (int64_t row = 0; row < c->num_rows; row += TILE_ROWS) {
        const int rows = (int)(c->num_rows - row < TILE_ROWS ? c->num_rows - row : TILE_ROWS);
        for (int r = 0; r < rows; r++) {
            const int8_t *x = c->x + (row + r) * c->x_stride;
            int8_t *copy = c->scratch + r * padded;
            int32_t total = 0;
            for (int64_t i = 0; i < c->num_inputs; i++)
                total += x[i];
            memcpy(copy, x, (size_t)c->num_inputs);
            memset(copy + c->num_inputs, 0, (size_t)(padded - c->num_inputs));
            excess[r] = 64 * total; /* packed weights are 64 too large */
        }
        Operands o = {(const char *)c->scratch, padded, (const char *)c->packed, 4 * TILE_COLS,
                      padded / 4};
        for (int64_t first = 0; first < c->num_outputs; first += TILE_COLS) {
            const int64_t left = c->num_outputs - first;
            NAME(tile)(rows, 1, &o, sums);
            for (int r = 0; r < rows; r++)
                NAME(finish)(c, row + r, first, (int)(left < TILE_COLS ? left : TILE_COLS),
                             sums + r * TILE_COLS, excess[r]);
            o.w += padded * TILE_COLS;
        }
    }
}

/* ---- norms ---- */

static void NAME(rms_norm)(const float *h, int64_t num_rows, int64_t width, const float *gain,
                           double eps, int8_t *out)
{
    for (int64_t row = 0; row < num_rows; row++, h += width, out += width) {
        int64_t squares = 0;
        for (int64_t i = 0; i < width; i++) {
            const int64_t value = (int32_t)h[i];
            squares += value * value;
        }
        const float scale = (float)(1.0 / sqrt((double)squares / (double)width + eps));
        for (int64_t i = 0; i < width; i++)
            out[i] = (int8_t)NAME(limited)(ROUND(h[i] * scale * gain[i]), 127);
    }
}

static void NAME(layer_norm)(const float *h, int64_t num_rows, int64_t width, const float *gain,
                             const float *bias, double eps, int8_t *out)
{
    for (int64_t row = 0; row < num_rows; row++, h += width, out += width) {
        int64_t sum = 0, squares = 0;
        for (int64_t i = 0; i < width; i++) {
            const int64_t value = (int32_t)h[i];
            sum += value;
            squares += value * value;
        }
        const int64_t spread = width * squares - sum * sum;
        const double n = (double)width;
        const float scale = (float)(1.0 / sqrt((double)spread / (n * n) + eps));
        const float mean = (float)((double)sum / n);
        for (int64_t i = 0; i < width; i++)
            out[i] = (int8_t)NAME(limited)(ROUND((h[i] - mean) * scale * gain[i] + bias[i]), 127);
    }
}

#include "_native_attention.h"

/* ---- mixtures ---- */

static void NAME(mixture)(const MixtureCall *c)
{
    const int k = c->num_components, n = c->num_channels;
    const float last = (float)(c->num_exponentials - 1);
    for (int64_t row = 0; row < c->num_rows; row++) {
        const float *raw = c->raw + row * 3 * k * n;
        const int64_t start = row * n * k;
        int32_t *means = c->means + start;
        uint8_t *scales = c->scales + start;
        uint16_t *weights = c->weights + start;
        for (int i = 0; i < k; i++)
            for (int j = 0; j < n; j++) {
                const float mean = ROUND(raw[i * n + j] * c->means_unit[j]);
                const float rung = ROUND(raw[(k + i) * n + j] + c->rungs_offset[j]);
                means[j * k + i] = (int32_t)NAME(limited)(mean, MEAN_LIMIT);
                scales[j * k + i] = (uint8_t)(rung < 0 ? 0 : rung > 255 ? 255 : rung);
            }
        const float *logits = raw + 2 * k * n;
        for (int j = 0; j < n; j++) {
            int32_t sums[MAX_COMPONENTS];
            float largest = ROUND(logits[j]);
            for (int i = 1; i < k; i++) {
                const float logit = ROUND(logits[i * n + j]);
                largest = logit > largest ? logit : largest;
            }
            for (int i = 0; i < k; i++) {
                const float drop = largest - ROUND(logits[i * n + j]);
                sums[i] = c->exponentials[NAME(place)(drop, last)] + (i ? sums[i - 1] : 0);
            }
            const double total = (double)sums[k - 1];
            int32_t before = 0;
            for (int i = 0; i < k; i++) {
                const int32_t sum = (int32_t)ROUND_DOUBLE((double)sums[i] / total * 32768);
                weights[j * k + i] = (uint16_t)(sum - before);
                before = sum;
            }
        }
    }
}
