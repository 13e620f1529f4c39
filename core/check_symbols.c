/* The self-test of what is done with symbols, with tables that are simpler than the real ones. */

#include "check.h"

#define SYMBOLS 200

/* Mixtures of three whose symbols lie near their means, as they are or far off. */
static void fill_mixtures(Check *c, int32_t *means, uint8_t *scales, uint16_t *weights)
{
    for (int i = 0; i < SYMBOLS; i++, means += 3, scales += 3, weights += 3) {
        for (int k = 0; k < 3; k++) {
            means[k] = draw(c, i % 16 ? 512 : M2T_MEAN_LIMIT);
            scales[k] = (uint8_t)(draw(c, 127) + 128);
        }
        weights[0] = (uint16_t)(draw(c, 8000) + 8000);
        weights[1] = (uint16_t)(draw(c, 8000) + 8000);
        weights[2] = (uint16_t)(32768 - weights[0] - weights[1]);
    }
}

/* An even rise for the normal CDF, and sigmas that grow. */
static void fill_tables(uint32_t *phi, uint32_t *inverse_sigmas, double *bits)
{
    for (int i = 0; i < M2T_PHI_ENTRIES; i++)
        phi[i] = (uint32_t)i << 19;
    for (int i = 0; i < M2T_NUM_SIGMAS; i++)
        inverse_sigmas[i] = 67108864u / (uint32_t)(i + 1);
    for (int i = 0; i < M2T_BITS_ENTRIES; i++)
        bits[i] = (double)(M2T_BITS_ENTRIES - i) / M2T_BITS_ENTRIES;
}

/* Each symbol's words and states, there and back; whether they come back. */
static int check_coding(Check *c, const m2t_symbols *model, const int32_t *symbols)
{
    uint64_t state = (uint64_t)1 << 32;
    uint8_t words[SYMBOLS * 4 * M2T_MAX_PUSHES];
    int32_t decoded[SYMBOLS];
    int64_t first = 0;
    if (m2t_encode(model, symbols, &state, words, COUNT(words), &first))
        return 0;
    add(c, (int64_t)state, 8);
    for (int64_t i = first; i < COUNT(words); i++)
        add(c, words[i], 1);
    if (m2t_decode(model, words, COUNT(words), &first, &state, decoded))
        return 0;
    return first == COUNT(words) && state == (uint64_t)1 << 32 &&
           memcmp(symbols, decoded, sizeof decoded) == 0;
}

int m2t_check_symbols(Check *c)
{
    int32_t means[3 * SYMBOLS], symbols[SYMBOLS], moved[SYMBOLS];
    uint8_t scales[3 * SYMBOLS];
    uint16_t weights[3 * SYMBOLS];
    uint32_t phi[M2T_PHI_ENTRIES], inverse_sigmas[M2T_NUM_SIGMAS];
    float slopes[SYMBOLS], curvatures[SYMBOLS];
    double bits[M2T_BITS_ENTRIES];
    fill_mixtures(c, means, scales, weights);
    fill_tables(phi, inverse_sigmas, bits);
    for (int i = 0; i < SYMBOLS; i++) {
        symbols[i] = draw(c, i % 8 ? 8 : 70000);
        slopes[i] = (float)draw(c, 1 << 20) / (1 << 18);
        curvatures[i] = (float)(draw(c, 1 << 20) + (1 << 20)) / (1 << 20);
    }
    const m2t_symbols model = {
        .num_symbols = SYMBOLS, .num_components = 3, .means_length = COUNT(means),
        .scales_length = COUNT(scales), .weights_length = COUNT(weights), .phi_length = COUNT(phi),
        .inverse_sigmas_length = COUNT(inverse_sigmas), .means = means, .scales = scales,
        .weights = weights, .phi = phi, .inverse_sigmas = inverse_sigmas};
    const m2t_moves moves = {
        .symbols_length = SYMBOLS, .slopes_length = SYMBOLS, .curvatures_length = SYMBOLS,
        .bits_length = M2T_BITS_ENTRIES, .out_length = SYMBOLS, .symbols = symbols, .slopes = slopes,
        .curvatures = curvatures, .bits = bits, .out = moved};
    if (!check_coding(c, &model, symbols) || m2t_move(&model, &moves))
        return 0;
    ADD(moved, 4);
    return 1;
}
