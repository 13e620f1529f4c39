/* What the checks draw their numbers from, and hash their results with. */

#ifndef M2T_CHECK_H
#define M2T_CHECK_H

#include "internal.h"

#include <string.h>

typedef struct {
    const m2t_level *level;
    uint64_t random, hash;
} Check;

/* A number within -limit..limit. */
static inline int32_t draw(Check *c, int32_t limit)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return (int32_t)(c->random >> 33) % (limit + 1) * (c->random >> 32 & 1 ? 1 : -1);
}

static inline void add_byte(Check *c, uint64_t byte)
{
    c->hash = (c->hash ^ (byte & 255)) * 1099511628211u;
}

/* Numbers by their value, least byte first, so that the machine's order of bytes does not matter. */
static inline void add(Check *c, int64_t value, int num_bytes)
{
    for (int i = 0; i < num_bytes; i++)
        add_byte(c, (uint64_t)value >> (8 * i));
}

static inline void add_floats(Check *c, const float *values, int count)
{
    for (int i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, values + i, 4);
        add(c, bits, 4);
    }
}

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))
#define DRAW(array, limit)                                                                         \
    for (int i_ = 0; i_ < COUNT(array); i_++)                                                      \
        array[i_] = draw(c, limit)
#define DRAW_FLOATS(array, limit, unit)                                                            \
    for (int i_ = 0; i_ < COUNT(array); i_++)                                                      \
        array[i_] = (float)draw(c, limit) / (unit)
#define ADD(array, num_bytes)                                                                      \
    for (int i_ = 0; i_ < COUNT(array); i_++)                                                      \
        add(c, array[i_], num_bytes)

/* Symbols coded, and moved: in check_symbols.c. */
int m2t_check_symbols(Check *c);

#endif
