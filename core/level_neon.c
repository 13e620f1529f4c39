/* The operations for 64-bit ARM with dot products. */

#include "internal.h"

#if defined(__aarch64__) && defined(__GNUC__)
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif
#include <arm_neon.h>

/* Four sums of two products of 16 bits each. */
static ALWAYS_INLINE int32x4_t pairs_neon(int8x16_t columns, int8x16_t row)
{
    const int16x8_t a = vreinterpretq_s16_s8(columns), b = vreinterpretq_s16_s8(row);
    return vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}

#define LEVEL LEVEL_NEON
#define NAME(name) name##_neon
#include "ops/all.h"

const m2t_level m2t_level_neon = OPERATIONS("neon-dotprod");

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
