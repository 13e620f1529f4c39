/* The head's results as integer mixtures. */

static void NAME(components)(const m2t_mixture *c, const float *raw, int64_t start)
{
    const int64_t k = c->num_components, n = c->num_channels;
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < n; j++) {
            const float mean = ROUND(raw[i * n + j] * c->means_unit[j]);
            const float rung = ROUND(raw[(k + i) * n + j] + c->rungs_offset[j]);
            c->means[start + j * k + i] = (int32_t)NAME(limited)(mean, M2T_MEAN_LIMIT);
            c->scales[start + j * k + i] = (uint8_t)(rung > 255 ? 255 : rung > 0 ? rung : 0);
        }
}

static void NAME(weights_of)(const m2t_mixture *c, const float *logits, uint16_t *weights)
{
    const int64_t k = c->num_components, n = c->num_channels;
    const float last = (float)(c->exponentials_length - 1);
    int32_t sums[M2T_MAX_COMPONENTS];
    float largest = ROUND(logits[0]);
    for (int64_t i = 1; i < k; i++) {
        const float logit = ROUND(logits[i * n]);
        largest = logit > largest ? logit : largest;
    }
    for (int64_t i = 0; i < k; i++) {
        const float drop = largest - ROUND(logits[i * n]);
        sums[i] = c->exponentials[NAME(place)(drop, last)] + (i ? sums[i - 1] : 0);
    }
    const double total = (double)sums[k - 1];
    int32_t before = 0;
    for (int64_t i = 0; i < k; i++) {
        const int32_t sum = (int32_t)rint((double)sums[i] / total * 32768);
        weights[i] = (uint16_t)(sum - before);
        before = sum;
    }
}

static void NAME(mixture)(const m2t_mixture *c)
{
    const int64_t k = c->num_components, n = c->num_channels;
    for (int64_t row = 0; row < c->num_rows; row++) {
        const float *raw = c->raw + row * 3 * k * n;
        NAME(components)(c, raw, row * n * k);
        for (int64_t j = 0; j < n; j++)
            NAME(weights_of)(c, raw + 2 * k * n + j, c->weights + (row * n + j) * k);
    }
}
