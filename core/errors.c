/* Squared errors of painted pictures. src/m2t/engine/reference.py is its twin. */

#include "internal.h"

static int is_side(int64_t side)
{
    return side >= 1 && side <= 1 << 20;
}

m2t_status m2t_squared_slopes(const m2t_squared *c)
{
    if (!is_side(c->height) || !is_side(c->width) ||
        !holds_rgb(c->x_length, c->height, c->width, c->x_stride) ||
        !holds_rgb(c->x_hat_length, c->height, c->width, c->x_hat_stride) ||
        !holds_rgb(c->slopes_length, c->height, c->width, c->slopes_stride))
        return M2T_BAD_CALL;
    const float unit = (float)(2.0 / 3 * 255 / 64);
    for (int64_t i = 0; i < c->height; i++) {
        const uint8_t *restrict x = c->x + i * c->x_stride;
        const int16_t *restrict x_hat = c->x_hat + i * c->x_hat_stride;
        float *restrict slopes = c->slopes + i * c->slopes_stride;
        for (int64_t j = 0; j < 3 * c->width; j++) {
            const int32_t level = x_hat[j];
            const int32_t inside = level >= -M2T_EYE_WHITE && level <= M2T_EYE_WHITE;
            slopes[j] = unit * (float)(inside ? level + M2T_EYE_WHITE - 64 * x[j] : 0);
        }
    }
    return M2T_OK;
}

/* Down each of 16 columns, then across them. */
static float energy_of(const float *slopes, int64_t stride, int64_t num_rows, int64_t num_columns)
{
    float columns[M2T_STRIDE] = {0}, sum = 0;
    for (int64_t i = 0; i < num_rows; i++, slopes += stride)
        for (int64_t j = 0; j < num_columns; j++) {
            const float *v = slopes + 3 * j;
            columns[j] += (v[0] * v[0] + v[1] * v[1]) + v[2] * v[2];
        }
    for (int j = 0; j < M2T_STRIDE; j++)
        sum += columns[j];
    return sum / (float)(3 * num_rows * num_columns);
}

m2t_status m2t_token_energies(const m2t_energies *c)
{
    if (!is_side(c->height) || !is_side(c->width))
        return M2T_BAD_CALL;
    const int64_t rows = PADDED(c->height, M2T_STRIDE) / M2T_STRIDE;
    const int64_t columns = PADDED(c->width, M2T_STRIDE) / M2T_STRIDE;
    if (!holds_rgb(c->slopes_length, c->height, c->width, c->slopes_stride) ||
        c->out_length != rows * columns)
        return M2T_BAD_CALL;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            const int64_t below = c->height - i * M2T_STRIDE, right = c->width - j * M2T_STRIDE;
            const float *slopes = c->slopes + (i * c->slopes_stride + 3 * j) * M2T_STRIDE;
            c->out[i * columns + j] = energy_of(slopes, c->slopes_stride,
                                                below < M2T_STRIDE ? below : M2T_STRIDE,
                                                right < M2T_STRIDE ? right : M2T_STRIDE);
        }
    return M2T_OK;
}
