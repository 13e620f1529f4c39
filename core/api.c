/* The operations' checks: that no call reads or writes outside its arrays. Values within are the operations'
 * own concern. */

#include "internal.h"
#include "ops/eye_layout.h"

#include <string.h>

#define LARGEST ((int64_t)1 << 40) /* of any size or stride: products of two of them fit */

static int is_size(int64_t value)
{
    return value >= 0 && value <= LARGEST;
}

/* Whether `count` places, `stride` apart, each `extent` long, lie within `length`; their extent otherwise. */
static int spans(int64_t count, int64_t stride, int64_t *extent)
{
    if (!is_size(count) || !is_size(stride) || !is_size(*extent))
        return 0;
    if (count > 1 && stride > LARGEST / (count - 1))
        return 0;
    *extent = count ? (count - 1) * stride + *extent : 0;
    return is_size(*extent);
}

/* Whether a picture of places `width` long, at i * row + j * column, lies within an array. */
static int holds(int64_t length, int64_t num_rows, int64_t row, int64_t num_columns, int64_t column,
                 int64_t width)
{
    int64_t extent = width;
    return spans(num_columns, column, &extent) && spans(num_rows, row, &extent) && extent <= length;
}

/* The same for results. They lie apart, so there are no more of them than fit: who may ask for any number of results in
 * one place waits for ever. Where there are no rows, arrays may have strides of 0. */
static int takes(int64_t length, int64_t num_rows, int64_t row, int64_t num_columns, int64_t column,
                 int64_t width)
{
    const int apart = (num_rows < 2 || row > 0) && (num_columns < 2 || column > 0);
    return (apart || num_rows == 0) && holds(length, num_rows, row, num_columns, column, width);
}

/* Whether an array of as many rows of `width` has this length, and no size is out of range. */
static int fills(int64_t length, int64_t num_rows, int64_t width)
{
    return is_size(num_rows) && is_size(width) && is_size(length) &&
           (width == 0 ? length == 0 : num_rows <= LARGEST / width && length == num_rows * width);
}

/* ---- products ---- */

static int64_t padded_run(int64_t bits, int64_t run)
{
    return PADDED(run * (bits / 8), 4);
}

int64_t m2t_packed_bytes(int64_t bits, int64_t num_outputs, int64_t num_inputs)
{
    if ((bits != 8 && bits != 16) || !is_size(num_outputs) || !is_size(num_inputs) ||
        num_outputs > 1 << 20 || num_inputs > 1 << 20)
        return -1;
    return PADDED(num_outputs, M2T_TILE_COLUMNS) * padded_run(bits, num_inputs);
}

m2t_status m2t_pack(int64_t bits, int64_t num_outputs, int64_t num_inputs, const void *weights,
                    int64_t weights_length, void *packed, int64_t packed_bytes)
{
    const int64_t num_bytes = m2t_packed_bytes(bits, num_outputs, num_inputs);
    if (num_bytes < 0 || packed_bytes != num_bytes || weights_length != num_outputs * num_inputs)
        return M2T_BAD_CALL;
    const int64_t padded = padded_run(bits, num_inputs);
    memset(packed, bits == 8 ? 64 : 0, (size_t)num_bytes);
    for (int64_t i = 0; i < num_outputs; i++) {
        char *tile = (char *)packed + i / M2T_TILE_COLUMNS * M2T_TILE_COLUMNS * padded +
                     i % M2T_TILE_COLUMNS * 4;
        for (int64_t j = 0; j < num_inputs; j++)
            if (bits == 8)
                tile[j / 4 * 4 * M2T_TILE_COLUMNS + j % 4] =
                    (char)(((const int8_t *)weights)[i * num_inputs + j] + 64);
            else
                memcpy(tile + j / 2 * 4 * M2T_TILE_COLUMNS + j % 2 * 2,
                       (const int16_t *)weights + i * num_inputs + j, 2);
    }
    return M2T_OK;
}

static int fits_conv(const m2t_conv *c)
{
    if ((c->bits != 8 && c->bits != 16) || c->finish < 0 || c->finish >= M2T_NUM_FINISHES)
        return 0;
    if (c->num_runs < 0 || c->num_runs > 4096 || c->run < 0 || c->run > 1 << 20)
        return 0;
    if (c->run * (c->bits / 8) % 4 && (c->num_runs != 1 || c->run * (c->bits / 8) > M2T_MAX_RUN - 4))
        return 0;
    int64_t window = c->run;
    if (!spans(c->num_runs, c->x_run, &window) ||
        !holds(c->x_length, c->num_rows, c->x_row, c->num_columns, c->x_column, window))
        return 0;
    const int64_t num_inputs = c->num_runs * c->run;
    if (c->weights_bytes != m2t_packed_bytes(c->bits, c->num_outputs, num_inputs) ||
        c->multiplier_length != c->num_outputs || c->bias_length != c->num_outputs)
        return 0;
    if (c->finish == M2T_HIDDEN && (c->num_rows > 1 || !holds(c->prepared_length, c->num_columns,
                                                              c->prepared_row, 1, 0, c->num_outputs)))
        return 0;
    if (c->finish == M2T_CURVE && c->curve_length != 255)
        return 0;
    return takes(c->out_length, c->num_rows, c->out_row, c->num_columns, c->out_column, c->num_outputs);
}

m2t_status m2t_run_conv(const m2t_level *level, const m2t_conv *conv)
{
    if (!fits_conv(conv))
        return M2T_BAD_CALL;
    level->conv(conv);
    return M2T_OK;
}

/* ---- norms ---- */

m2t_status m2t_run_norm(const m2t_level *level, const m2t_norm *norm)
{
    const int64_t width = norm->width;
    if (width < 1 || !fills(norm->x_length, norm->num_rows, width) ||
        norm->out_length != norm->x_length || norm->gain_length != width ||
        (norm->bias_length != 0 && norm->bias_length != width))
        return M2T_BAD_CALL;
    level->norm(norm);
    return M2T_OK;
}

m2t_status m2t_run_stream_norm(const m2t_level *level, const m2t_stream_norm *norm)
{
    const m2t_stream_norm *c = norm;
    if (c->width < 1 || c->gain_length != c->width ||
        !holds(c->x_length, c->num_rows, c->x_row, c->num_columns, c->x_column, c->width) ||
        !takes(c->out_length, c->num_rows, c->out_row, c->num_columns, c->out_column, c->width))
        return M2T_BAD_CALL;
    level->stream_norm(norm);
    return M2T_OK;
}

/* ---- attention ---- */

/* Whether spans and limits stay within the arrays; the longest part of the cache. */
static int fits_spans(const m2t_attention *c, int64_t capacity, int64_t *longest)
{
    int64_t row = 0, base = 0;
    *longest = 0;
    for (int64_t s = 0; s < c->num_spans; s++) {
        const m2t_span *span = c->spans + s;
        if (span->base != base || span[1].base < base || span[1].base > capacity)
            return 0;
        const int64_t size = span[1].base - base;
        if (size % M2T_TILE_COLUMNS || span->first != row || span->count < 0 ||
            span->count > c->num_rows - row || span->before < 0 || span->before > size ||
            span->count > size - span->before)
            return 0;
        for (int64_t i = row; i < row + span->count; i++)
            if (c->limits[i] < 1 || c->limits[i] > size || (i > row && c->limits[i] < c->limits[i - 1]))
                return 0;
        row += span->count;
        base += size;
        *longest = size > *longest ? size : *longest;
    }
    return row == c->num_rows && base == capacity;
}

/* -1 where the arrays do not fit together. */
int64_t m2t_attention_scratch(const m2t_attention *c)
{
    if (c->num_heads < 1 || c->num_heads > 1 << 16 || c->num_rows < 1 || c->num_spans < 0 ||
        c->exponentials_length < 1 || c->limits_length != c->num_rows ||
        !fills(c->spans_length, c->num_spans + 1, 1))
        return -1;
    const int64_t width = c->out_length / c->num_rows, d = width / c->num_heads;
    if (d < 1 || d > 1 << 16 || d % 2 || d * c->num_heads != width ||
        !fills(c->out_length, c->num_rows, width) || !fills(c->qkv_length, c->num_rows, 3 * width))
        return -1;
    const int64_t padded = PADDED(d, M2T_TILE_COLUMNS), capacity = c->keys_length / width;
    int64_t longest;
    if (!fills(c->keys_length, capacity, width) ||
        !fills(c->values_length, capacity, padded * c->num_heads) || !fits_spans(c, capacity, &longest))
        return -1;
    return MOST_ROWS * (2 * PADDED(d, 32) + 6 * longest) + 6 * (longest + 64);
}

m2t_status m2t_run_attention(const m2t_level *level, const m2t_attention *attention)
{
    const int64_t scratch = m2t_attention_scratch(attention);
    if (scratch < 0 || attention->scratch_bytes < scratch)
        return M2T_BAD_CALL;
    level->attention(attention);
    return M2T_OK;
}

/* ---- mixtures ---- */

m2t_status m2t_run_mixture(const m2t_level *level, const m2t_mixture *mixture)
{
    const m2t_mixture *c = mixture;
    if (c->num_components < 1 || c->num_components > M2T_MAX_COMPONENTS || c->num_channels < 1 ||
        c->num_channels > 1 << 20 || c->exponentials_length < 1)
        return M2T_BAD_CALL;
    const int64_t per_row = c->num_channels * c->num_components;
    if (!fills(c->scales_length, c->num_rows, per_row) || c->means_length != c->scales_length ||
        c->weights_length != c->scales_length || !fills(c->raw_length, c->num_rows, 3 * per_row) ||
        c->means_unit_length != c->num_channels || c->rungs_offset_length != c->num_channels)
        return M2T_BAD_CALL;
    level->mixture(mixture);
    return M2T_OK;
}

/* ---- pictures ---- */

m2t_status m2t_run_scale(const m2t_level *level, const m2t_scale *scale)
{
    const m2t_scale *c = scale;
    if (!is_size(c->num_rows) || !is_size(c->num_columns) || c->num_rows > 1 << 20 ||
        c->num_columns > 1 << 20 || c->num_channels < 1 || c->gains_length != c->num_channels ||
        !fills(c->tokens_length, c->num_rows * c->num_columns, c->num_channels) ||
        !takes(c->out_length, c->num_rows, c->out_row, c->num_columns, c->out_column, c->num_channels))
        return M2T_BAD_CALL;
    level->scale(scale);
    return M2T_OK;
}

m2t_status m2t_run_pixels(const m2t_level *level, const m2t_pixels *pixels)
{
    const m2t_pixels *c = pixels;
    if (c->num_lines < 1 || c->line < 1 || c->num_lines > 1 << 16 || c->line > 1 << 16 ||
        !holds(c->x_length, c->num_rows, c->x_row, c->num_columns, c->x_column, c->num_lines * c->line) ||
        c->num_rows > LARGEST / c->num_lines || c->num_columns > LARGEST / c->line || c->height < 0 ||
        c->height > c->num_rows * c->num_lines || c->width_bytes < 0 ||
        c->width_bytes > c->num_columns * c->line ||
        !takes(c->out_length, c->height, c->out_row, 1, 0, c->width_bytes))
        return M2T_BAD_CALL;
    level->pixels(pixels);
    return M2T_OK;
}

/* ---- what the eye sees ---- */

static int is_side(int64_t side)
{
    return side >= M2T_EYE_SMALLEST && side <= M2T_EYE_LARGEST;
}

int64_t m2t_eye_scratch(int64_t height, int64_t width)
{
    eye_work work;
    return is_side(height) && is_side(width) ? eye_layout(NULL, height, width, &work) : -1;
}

m2t_status m2t_run_eye(const m2t_level *level, const m2t_eye *eye)
{
    if (!is_side(eye->height) || !is_side(eye->width) ||
        !holds_rgb(eye->x_length, eye->height, eye->width, eye->x_stride) ||
        !holds_rgb(eye->x_hat_length, eye->height, eye->width, eye->x_hat_stride) ||
        !holds_rgb(eye->slopes_length, eye->height, eye->width, eye->slopes_stride) ||
        eye->light_length != M2T_EYE_LEVELS || eye->light_slopes_length != M2T_EYE_LEVELS ||
        eye->scratch_bytes < m2t_eye_scratch(eye->height, eye->width))
        return M2T_BAD_CALL;
    level->eye(eye);
    return M2T_OK;
}
