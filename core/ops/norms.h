/* Norms over the channels of each place. Sums of integers are exact; mean, root and reciprocal are rounded
 * once each. */

/* A number of the entropy network's stream, within its limit whatever it is. Clamped by its bits, which grow with the
 * magnitude: compilers make more of a clamp of floats that are converted. */
static inline int32_t NAME(whole)(float x)
{
    const float limit = M2T_RESIDUAL_LIMIT;
    int32_t bits, most;
    memcpy(&bits, &x, sizeof bits);
    memcpy(&most, &limit, sizeof most);
    const int32_t size = bits & INT32_MAX;
    bits = (bits & INT32_MIN) | (size < most ? size : most);
    memcpy(&x, &bits, sizeof x);
    return (int32_t)x;
}

static void NAME(rms_norm)(const m2t_norm *c)
{
    const int64_t width = c->width; /* bytes may alias what c points to: not these */
    const float *gain = c->gain;
    for (int64_t row = 0; row < c->num_rows; row++) {
        const float *x = c->x + row * width;
        int8_t *out = c->out + row * width;
        int64_t squares = 0;
        for (int64_t i = 0; i < width; i++) {
            const int64_t value = NAME(whole)(x[i]);
            squares += value * value;
        }
        const float scale = (float)(1.0 / sqrt((double)squares / (double)width + c->eps));
        for (int64_t i = 0; i < width; i++)
            out[i] = (int8_t)NAME(limited)(ROUND(x[i] * scale * gain[i]), 127);
    }
}

static void NAME(layer_norm)(const m2t_norm *c)
{
    const int64_t width = c->width;
    const float *gain = c->gain, *bias = c->bias;
    for (int64_t row = 0; row < c->num_rows; row++) {
        const float *x = c->x + row * width;
        int8_t *out = c->out + row * width;
        int64_t sum = 0, squares = 0;
        for (int64_t i = 0; i < width; i++) {
            const int64_t value = NAME(whole)(x[i]);
            sum += value;
            squares += value * value;
        }
        const int64_t spread = width * squares - sum * sum;
        const double n = (double)width;
        const float scale = (float)(1.0 / sqrt((double)spread / (n * n) + c->eps));
        const float mean = (float)((double)sum / n);
        for (int64_t i = 0; i < width; i++)
            out[i] = (int8_t)NAME(limited)(ROUND((x[i] - mean) * scale * gain[i] + bias[i]), 127);
    }
}

static void NAME(norm)(const m2t_norm *c)
{
    if (c->bias_length)
        NAME(layer_norm)(c);
    else
        NAME(rms_norm)(c);
}

static void NAME(stream_norm)(const m2t_stream_norm *c)
{
    const int64_t width = c->width;
    const float *gain = c->gain;
    for (int64_t row = 0; row < c->num_rows; row++)
        for (int64_t column = 0; column < c->num_columns; column++) {
            const int16_t *x = c->x + row * c->x_row + column * c->x_column;
            int8_t *out = c->out + row * c->out_row + column * c->out_column;
            int64_t squares = 0;
            for (int64_t i = 0; i < width; i++)
                squares += (int32_t)x[i] * (int32_t)x[i]; /* below 2^30 each */
            const float scale = (float)(1.0 / sqrt((double)squares / (double)width + c->eps));
            for (int64_t i = 0; i < width; i++)
                out[i] = (int8_t)NAME(limited)(ROUND((float)x[i] * scale * gain[i]), 127);
        }
}
