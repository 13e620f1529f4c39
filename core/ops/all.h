/* The operations, as src/m2t/engine/reference.py defines them. Each level_*.c includes this once, with LEVEL
 * and NAME() defined, so that the compiler makes a copy for its instruction set. */

#include <math.h>
#include <string.h>

#define ROUND rintf /* halves to even, as always unless a program changes the rounding mode */

/* Within -limit .. limit, so that it may become an integer; nan, which no sound weights give, is the limit. */
static inline float NAME(limited)(float x, float limit)
{
    x = x < limit ? x : limit;
    return x > -limit ? x : -limit;
}

static inline float NAME(positive)(float x)
{
    return x < 0 ? 0 : x;
}

/* Where in a table a drop from the largest is found; the end for all beyond it, and for what no sound
 * weights give: nan, or less than nothing. */
static inline int32_t NAME(place)(float drop, float last)
{
    const int found = (drop >= 0) & (drop < last); /* both are asked: no branch */
    return (int32_t)(found ? drop : last);
}

#include "tile.h"

#include "conv.h"

#include "norms.h"

#include "attention.h"

#include "mixture.h"

#include "pictures.h"

#include "eye_ops.h"
