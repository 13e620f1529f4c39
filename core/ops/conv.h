/* Windows of inputs times weights: see m2t_conv. */

#if LEVEL == LEVEL_VNNI || LEVEL == LEVEL_AMX
#include "finish_avx512.h"
#else

/* Sums (rows, TILE_COLS) of windows that follow each other, to the outputs first .. first + count. */
static ALWAYS_INLINE void NAME(finish_of)(const int finish, const int count, const m2t_conv *c,
                                          int64_t row, int64_t column, int rows, int64_t first,
                                          const int32_t *all_sums, const int32_t *excess)
{
    const float *restrict multiplier = c->multiplier + first, *restrict bias = c->bias + first;
    int64_t start = row * c->out_row + column * c->out_column + first;
    for (int r = 0; r < rows; r++, start += c->out_column) {
        const int32_t *restrict sums = all_sums + r * TILE_COLS;
        const uint32_t too_much = (uint32_t)excess[r];
        float values[TILE_COLS];
        for (int j = 0; j < count; j++) {
            const float sum = (float)(int32_t)((uint32_t)sums[j] - too_much);
            const float value = sum * multiplier[j] + bias[j];
            values[j] = finish == M2T_RAW ? value : ROUND(value);
        }
/* Each output, as an expression of what is there and of the value; clamped before it is converted, since
 * compilers make a dozen instructions of both together. */
#define EACH(type, expression)                                                                     \
    do {                                                                                           \
        type *restrict out = (type *)c->out + start;                                               \
        for (int j = 0; j < count; j++)                                                            \
            values[j] = expression;                                                                \
        for (int j = 0; j < count; j++)                                                            \
            out[j] = (type)values[j];                                                              \
    } while (0)
        if (finish == M2T_RAW || finish == M2T_ROUNDED) {
            EACH(float, values[j]);
        } else if (finish == M2T_ADDED) {
            EACH(float, NAME(limited)(out[j] + values[j], M2T_RESIDUAL_LIMIT));
        } else if (finish == M2T_STREAM) {
            EACH(int16_t, NAME(limited)(values[j], M2T_STREAM_LIMIT));
        } else if (finish == M2T_STREAM_ADDED) {
            EACH(int16_t, NAME(limited)((float)out[j] + values[j], M2T_STREAM_LIMIT));
        } else if (finish == M2T_TOKENS) {
            EACH(int32_t, NAME(limited)(values[j], M2T_TOKEN_LIMIT));
        } else if (finish == M2T_HIDDEN) {
            const float *restrict prepared = c->prepared + (column + r) * c->prepared_row + first;
            for (int j = 0; j < count; j++)
                values[j] = ROUND(NAME(positive)(prepared[j] + values[j]) / M2T_HIDDEN_STEPS);
            EACH(int8_t, NAME(limited)(values[j], 127));
        } else if (finish == M2T_RELU) {
            EACH(int8_t, NAME(positive)(NAME(limited)(values[j], 127)));
        } else {
            EACH(int8_t, NAME(limited)(values[j], 127));
            if (finish == M2T_CURVE) {
                int8_t *out = (int8_t *)c->out + start;
                for (int j = 0; j < count; j++)
                    out[j] = c->curve[out[j] + 127];
            }
        }
#undef EACH
    }
}
#endif

static void NAME(finish)(const m2t_conv *c, int64_t row, int64_t column, int rows, int64_t first,
                         const int32_t *sums, const int32_t *excess)
{
    const int64_t left = c->num_outputs - first;
    const int count = (int)(left < TILE_COLS ? left : TILE_COLS);
#define CASE(m)                                                                                    \
    case m:                                                                                        \
        if (count == TILE_COLS)                                                                    \
            NAME(finish_of)(m, TILE_COLS, c, row, column, rows, first, sums, excess);              \
        else                                                                                       \
            NAME(finish_of)(m, count, c, row, column, rows, first, sums, excess);                  \
        break;
    switch (c->finish) {
        CASE(M2T_RAW) CASE(M2T_ROUNDED) CASE(M2T_ADDED) CASE(M2T_HIDDEN) CASE(M2T_SATURATED)
        CASE(M2T_RELU) CASE(M2T_CURVE) CASE(M2T_STREAM) CASE(M2T_STREAM_ADDED) CASE(M2T_TOKENS)
    }
#undef CASE
}

/* 64 times the sum of a window of bytes: packed weights are 64 too large. */
static int32_t NAME(excess)(const m2t_conv *c, const int8_t *window)
{
    int32_t total = 0;
    for (int64_t run = 0; run < c->num_runs; run++, window += c->x_run)
        total += NAME(sum)(window, c->run);
    return 64 * total;
}

/* Windows whose runs are no multiple of four bytes, copied and filled up. */
static void NAME(filled)(const m2t_conv *c, int rows, const char *windows, Operands *o, char *copies)
{
    const int64_t size = c->bits / 8, num_bytes = c->run * size, padded = PADDED(num_bytes, 4);
    for (int r = 0; r < rows; r++) {
        memcpy(copies + r * padded, windows + r * c->x_column * size, (size_t)num_bytes);
        memset(copies + r * padded + num_bytes, 0, (size_t)(padded - num_bytes));
    }
    o->x = copies;
    o->x_stride = padded;
}

static void NAME(conv)(const m2t_conv *c)
{
    const int bytes = c->bits == 8;
    const int64_t size = bytes ? 1 : 2;
    const int64_t num_steps = PADDED(c->run * size, 4) / 4;
    const int most_rows = c->run * size % 4 ? FEW_ROWS : TILE_ROWS;
    int32_t sums[TILE_ROWS * TILE_COLS], excess[TILE_ROWS] = {0};
    char copies[FEW_ROWS * M2T_MAX_RUN];
    int rows_before = 0;
    Operands o = {.x_stride = c->x_column * size,
                  .num_runs = c->num_runs,
                  .x_run = c->x_run * size,
                  .num_steps = num_steps,
                  .w_stride = 4 * TILE_COLS};
    for (int64_t row = 0; row < c->num_rows; row++)
        for (int64_t column = 0; column < c->num_columns; column += most_rows) {
            const int64_t left = c->num_columns - column;
            const int rows = (int)(left < most_rows ? left : most_rows);
            const char *x = (const char *)c->x + (row * c->x_row + column * c->x_column) * size;
            if (bytes)
                for (int r = 0; r < rows; r++)
                    excess[r] = NAME(excess)(c, (const int8_t *)x + r * c->x_column);
            o.x = x;
            if (c->run * size % 4)
                NAME(filled)(c, rows, x, &o, copies);
            if (rows != rows_before)
                NAME(begin_tiles)(rows);
            rows_before = rows;
            o.w = c->weights;
            for (int64_t first = 0; first < c->num_outputs; first += TILE_COLS) {
                NAME(tile)(rows, bytes, &o, sums);
                NAME(finish)(c, row, column, rows, first, sums, excess);
                o.w += c->num_runs * num_steps * 4 * TILE_COLS;
            }
        }
    NAME(end_tiles)();
}
