/* Symbols moved by a step where that pays. src/m2t/encoder/moves.py is its twin and documents it. */

#include "gaussians.h"

/* Bits of a symbol of this probability, up to a constant. */
static ALWAYS_INLINE double bits_of(const double *bits, uint32_t mass)
{
    int exponent = 0;
    mass += mass == 0; /* none is 0 but far off, where all are */
    for (uint32_t rest = mass; rest; rest >>= 1)
        exponent++;
    return bits[(((uint64_t)mass * (2 * M2T_BITS_ENTRIES)) >> exponent) - M2T_BITS_ENTRIES] - exponent;
}

static ALWAYS_INLINE m2t_status move_of(const int num_components, const m2t_symbols *model,
                                        const m2t_moves *moves)
{
    Row row;
    for (int64_t i = 0; i < model->num_symbols; i++) {
        const double slope = moves->slopes[i], curvature = moves->curvatures[i];
        const int32_t x = moves->symbols[i];
        moves->out[i] = x;
        if (x == 0 && slope <= curvature && -slope <= curvature)
            continue;
        if (!prepare(&row, model, i, num_components))
            return M2T_BAD_MIXTURE;
        uint32_t ends[4];
        double bits[3];
        for (int j = 0; j < 4; j++)
            ends[j] = cdf(&row, (int64_t)x - 1 + j, num_components);
        for (int j = 0; j < 3; j++)
            bits[j] = bits_of(moves->bits, ends[j + 1] - ends[j]);
        const double below = bits[0] - bits[1] - slope + curvature;
        const double above = bits[2] - bits[1] + slope + curvature;
        if (below <= 0 && below <= above)
            moves->out[i] = x - 1;
        else if (above < 0)
            moves->out[i] = x + 1;
    }
    return M2T_OK;
}

m2t_status m2t_move(const m2t_symbols *model, const m2t_moves *moves)
{
    const int64_t n = model->num_symbols;
    if (!fits_symbols(model) || moves->symbols_length != n || moves->slopes_length != n ||
        moves->curvatures_length != n || moves->out_length != n || moves->bits_length != M2T_BITS_ENTRIES)
        return M2T_BAD_CALL;
    for (int64_t i = 0; i < n; i++)
        if (moves->symbols[i] < -M2T_TOKEN_LIMIT || moves->symbols[i] > M2T_TOKEN_LIMIT)
            return M2T_BAD_CALL;
    return model->num_components == 3 ? move_of(3, model, moves)
                                      : move_of((int)model->num_components, model, moves);
}
