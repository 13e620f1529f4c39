/* Windows of inputs times weights: see m2t_conv. */

/* Sums (TILE_COLS) of one window to the outputs first .. first + count. */
static ALWAYS_INLINE void NAME(finish_of)(const int finish, const int count, const m2t_conv *c,
                                          int64_t row, int64_t column, int64_t first,
                                          const int32_t *sums, int32_t excess)
{
    const float *multiplier = c->multiplier + first, *bias = c->bias + first;
    const int64_t start = row * c->out_row + column * c->out_column + first;
    float values[TILE_COLS];
    for (int j = 0; j < count; j++)
        values[j] = (float)(int32_t)((uint32_t)sums[j] - (uint32_t)excess) * multiplier[j] + bias[j];
    if (finish != M2T_RAW)
        for (int j = 0; j < count; j++)
            values[j] = ROUND(values[j]);
    if (finish == M2T_RAW || finish == M2T_ROUNDED) {
        memcpy((float *)c->out + start, values, (size_t)count * sizeof *values);
    } else if (finish == M2T_ADDED) {
        float *out = (float *)c->out + start;
        for (int j = 0; j < count; j++)
            out[j] = NAME(limited)(out[j] + values[j], M2T_RESIDUAL_LIMIT);
    } else if (finish == M2T_STREAM) {
        int16_t *out = (int16_t *)c->out + start;
        for (int j = 0; j < count; j++)
            out[j] = (int16_t)NAME(limited)(values[j], M2T_STREAM_LIMIT);
    } else if (finish == M2T_STREAM_ADDED) {
        int16_t *out = (int16_t *)c->out + start;
        for (int j = 0; j < count; j++)
            out[j] = (int16_t)NAME(limited)((float)out[j] + values[j], M2T_STREAM_LIMIT);
    } else if (finish == M2T_TOKENS) {
        int32_t *out = (int32_t *)c->out + start;
        for (int j = 0; j < count; j++)
            out[j] = (int32_t)NAME(limited)(values[j], M2T_TOKEN_LIMIT);
    } else {
        int8_t *out = (int8_t *)c->out + start;
        if (finish == M2T_HIDDEN) {
            const float *prepared = c->prepared + column * c->prepared_row + first;
            for (int j = 0; j < count; j++) {
                float sum = prepared[j] + values[j];
                sum = sum < 0 ? 0 : sum;
                values[j] = ROUND(sum / M2T_HIDDEN_STEPS);
            }
        }
        for (int j = 0; j < count; j++) {
            float value = NAME(limited)(values[j], 127);
            if (finish == M2T_RELU)
                value = value < 0 ? 0 : value;
            out[j] = (int8_t)value;
        }
        if (finish == M2T_CURVE)
            for (int j = 0; j < count; j++)
                out[j] = c->curve[out[j] + 127];
    }
}

static void NAME(finish)(const m2t_conv *c, int64_t row, int64_t column, int64_t first,
                         const int32_t *sums, int32_t excess)
{
    const int64_t left = c->num_outputs - first;
    const int count = (int)(left < TILE_COLS ? left : TILE_COLS);
#define CASE(m)                                                                                    \
    case m:                                                                                        \
        if (count == TILE_COLS)                                                                    \
            NAME(finish_of)(m, TILE_COLS, c, row, column, first, sums, excess);                    \
        else                                                                                       \
            NAME(finish_of)(m, count, c, row, column, first, sums, excess);                        \
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
    for (int64_t run = 0; run < c->num_runs; run++, window += c->x_run) {
        int32_t sum = 0;
        for (int64_t i = 0; i < c->run; i++)
            sum += window[i];
        total += sum;
    }
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
    int32_t sums[TILE_ROWS * TILE_COLS], excess[TILE_ROWS] = {0};
    char copies[TILE_ROWS * M2T_MAX_RUN];
    Operands o = {.x_stride = c->x_column * size,
                  .num_runs = c->num_runs,
                  .x_run = c->x_run * size,
                  .num_steps = num_steps,
                  .w_stride = 4 * TILE_COLS};
    for (int64_t row = 0; row < c->num_rows; row++)
        for (int64_t column = 0; column < c->num_columns; column += TILE_ROWS) {
            const int64_t left = c->num_columns - column;
            const int rows = (int)(left < TILE_ROWS ? left : TILE_ROWS);
            const char *x = (const char *)c->x + (row * c->x_row + column * c->x_column) * size;
            if (bytes)
                for (int r = 0; r < rows; r++)
                    excess[r] = NAME(excess)(c, (const int8_t *)x + r * c->x_column);
            o.x = x;
            if (c->run * size % 4)
                NAME(filled)(c, rows, x, &o, copies);
            o.w = c->weights;
            for (int64_t first = 0; first < c->num_outputs; first += TILE_COLS) {
                NAME(tile)(rows, bytes, &o, sums);
                for (int r = 0; r < rows; r++)
                    NAME(finish)(c, row, column + r, first, sums + r * TILE_COLS, excess[r]);
                o.w += c->num_runs * num_steps * 4 * TILE_COLS;
            }
        }
}
