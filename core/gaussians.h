/* Probabilities of symbols under integer Gaussian mixtures. src/m2t/rans/gaussians.py is its twin and documents
 * it; docs/format.md defines the arithmetic. */

#ifndef M2T_GAUSSIANS_H
#define M2T_GAUSSIANS_H

#include "internal.h"

#define PROBABILITY_BITS 30
#define SPAN 4096
#define WEIGHTS (1 << 15) /* what a mixture's weights sum to */
#define FRACTION_BITS 25 /* of an argument of phi, below the index */
#define ARGUMENT_END ((int64_t)1 << 36)

/* One symbol's mixture, made ready: component k has phi's argument at offset[k] + x * slope[k]. */
typedef struct {
    int64_t offset[M2T_MAX_COMPONENTS], slope[M2T_MAX_COMPONENTS];
    uint64_t weight[M2T_MAX_COMPONENTS];
    int64_t lowest;
    const uint32_t *phi;
} Row;

static ALWAYS_INLINE int prepare(Row *row, const m2t_symbols *model, int64_t i,
                                 const int num_components)
{
    const int32_t *means = model->means + i * num_components;
    const uint8_t *scales = model->scales + i * num_components;
    const uint16_t *weights = model->weights + i * num_components;
    const int64_t bias = (int64_t)1 << 40; /* makes the sum positive: >> is then well defined */
    int64_t sum = bias;
    uint64_t weight_sum = 0;
    for (int k = 0; k < num_components; k++) {
        int64_t inverse_sigma = model->inverse_sigmas[scales[k]];
        if (means[k] < -M2T_MEAN_LIMIT || means[k] > M2T_MEAN_LIMIT)
            return 0;
        row->offset[k] = ARGUMENT_END / 2 - (32 + (int64_t)means[k]) * inverse_sigma;
        row->slope[k] = 64 * inverse_sigma;
        row->weight[k] = weights[k];
        weight_sum += weights[k];
        sum += (int64_t)weights[k] * means[k];
    }
    row->lowest = ((sum + (1 << 20)) >> 21) - (bias >> 21) - SPAN / 2;
    row->phi = model->phi;
    return weight_sum == WEIGHTS;
}

static ALWAYS_INLINE uint32_t cdf(const Row *row, int64_t x, const int num_components)
{
    int64_t rank = x - row->lowest;
    if (rank <= 0)
        return 0;
    if (rank >= SPAN)
        return (uint32_t)1 << PROBABILITY_BITS;
    uint64_t mixed = 0;
    for (int k = 0; k < num_components; k++) {
        int64_t argument = row->offset[k] + x * row->slope[k];
        argument = argument < 0 ? 0 : argument;
        argument = argument >= ARGUMENT_END ? ARGUMENT_END - 1 : argument;
        const uint32_t *phi = row->phi + (argument >> FRACTION_BITS);
        uint64_t fraction = (uint64_t)argument & (((uint64_t)1 << FRACTION_BITS) - 1);
        mixed += row->weight[k] * (phi[0] + (((phi[1] - phi[0]) * fraction) >> FRACTION_BITS));
    }
    mixed >>= 12;
    return (uint32_t)(((((uint64_t)1 << PROBABILITY_BITS) - SPAN) * mixed) >> 33) + (uint32_t)rank;
}

static inline int fits_symbols(const m2t_symbols *model)
{
    const int64_t num_symbols = model->num_symbols, num_components = model->num_components;
    return num_components >= 1 && num_components <= M2T_MAX_COMPONENTS && num_symbols >= 0 &&
           num_symbols <= (int64_t)1 << 40 && model->scales_length == num_symbols * num_components &&
           model->weights_length == model->scales_length && model->means_length == model->scales_length &&
           model->phi_length == M2T_PHI_ENTRIES && model->inverse_sigmas_length == M2T_NUM_SIGMAS;
}

#endif
