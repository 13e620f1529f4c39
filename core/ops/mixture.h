/* The head's results as integer mixtures. */

#ifndef CHANNELS
#define CHANNELS 32 /* that run together */
#endif

/* Rounded, and from one value of each component per channel to all of a channel's components. */
static ALWAYS_INLINE void NAME(means_and_rungs)(const m2t_mixture *c, const float *raw, int64_t start,
                                                int64_t first, const int count, const int k)
{
    const int64_t n = c->num_channels;
    const float *restrict unit = c->means_unit + first, *restrict offset = c->rungs_offset + first;
    int32_t *restrict means = c->means + start;
    uint8_t *restrict scales = c->scales + start;
    int32_t rounded[CHANNELS];
    for (int i = 0; i < k; i++, raw += n) {
        const float *restrict rungs = raw + k * n;
        for (int j = 0; j < count; j++)
            rounded[j] = (int32_t)NAME(limited)(ROUND(raw[j] * unit[j]), M2T_MEAN_LIMIT);
        for (int j = 0; j < count; j++)
            means[j * k + i] = rounded[j];
        for (int j = 0; j < count; j++) {
            const float rung = ROUND(rungs[j] + offset[j]);
            rounded[j] = (int32_t)(rung > 255 ? 255 : rung > 0 ? rung : 0); /* nan: 0 */
        }
        for (int j = 0; j < count; j++)
            scales[j * k + i] = (uint8_t)rounded[j];
    }
}

static ALWAYS_INLINE void NAME(weights_of)(const m2t_mixture *c, const float *logits, int64_t start,
                                           const int count, const int k)
{
    const int64_t n = c->num_channels;
    const int32_t *restrict exponentials = c->exponentials;
    const float last = (float)(c->exponentials_length - 1);
    uint16_t *restrict weights = c->weights + start;
    float largest[CHANNELS];
    int32_t sums[M2T_MAX_COMPONENTS + 1][CHANNELS], ends[2][CHANNELS];
    for (int j = 0; j < count; j++) {
        largest[j] = ROUND(logits[j]);
        sums[0][j] = ends[0][j] = 0;
    }
    for (int i = 1; i < k; i++)
        for (int j = 0; j < count; j++) {
            const float logit = ROUND(logits[i * n + j]);
            largest[j] = logit > largest[j] ? logit : largest[j];
        }
    for (int i = 0; i < k; i++)
        for (int j = 0; j < count; j++) {
            const float drop = largest[j] - ROUND(logits[i * n + j]);
            sums[i + 1][j] = sums[i][j] + exponentials[NAME(place)(drop, last)];
        }
    for (int j = 0; j < count; j++) /* of nothing but zeros, the last one has all the weight */
        sums[k][j] = sums[k][j] > 0 ? sums[k][j] : 1;
    for (int i = 0; i < k; i++) {
        const int32_t *before = ends[i % 2];
        int32_t *end = ends[(i + 1) % 2];
        for (int j = 0; j < count; j++)
            end[j] = (int32_t)rint((double)sums[i + 1][j] / (double)sums[k][j] * 32768);
        for (int j = 0; j < count; j++)
            weights[j * k + i] = (uint16_t)(end[j] - before[j]);
    }
}

static ALWAYS_INLINE void NAME(mixture_of)(const m2t_mixture *c, const int k)
{
    const int64_t n = c->num_channels;
    for (int64_t row = 0; row < c->num_rows; row++) {
        const float *raw = c->raw + row * 3 * k * n;
        for (int64_t first = 0; first < n; first += CHANNELS) {
            const int count = (int)(n - first < CHANNELS ? n - first : CHANNELS);
            const int64_t start = (row * n + first) * k;
            NAME(means_and_rungs)(c, raw + first, start, first, count, k);
            NAME(weights_of)(c, raw + 2 * k * n + first, start, count, k);
        }
    }
}

static void NAME(mixture)(const m2t_mixture *c)
{
    if (c->num_components == 3) /* as a rule: its loops are unrolled */
        NAME(mixture_of)(c, 3);
    else
        NAME(mixture_of)(c, (int)c->num_components);
}
