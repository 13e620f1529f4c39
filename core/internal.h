/* What the core's own files share: the table of operations that each instruction set fills. */

#ifndef M2T_INTERNAL_H
#define M2T_INTERNAL_H

#include "m2t.h"

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

#define LEVEL_ANY 1 /* what LEVEL is in each level_*.c */
#define LEVEL_AVX2 2
#define LEVEL_VNNI 3
#define LEVEL_NEON 4
#define LEVEL_AMX 5

#if defined(__x86_64__) && defined(__linux__) &&                                                   \
    (__clang_major__ >= 12 || (!defined(__clang__) && __GNUC__ >= 11))
#define HAS_AMX 1 /* compilers that know it, where it can be asked for */
#endif

#define MOST_ROWS 32 /* of a tile, at any level */

#define PADDED(n, unit) (((n) + (unit)-1) / (unit) * (unit))

/* Whether `height` rows of `width` RGB pixels, `stride` apart, lie within an array. */
static inline int holds_rgb(int64_t length, int64_t height, int64_t width, int64_t stride)
{
    return stride >= 3 * width && stride <= (int64_t)1 << 40 && length >= (height - 1) * stride + 3 * width;
}

struct m2t_level {
    const char *name;
    void (*conv)(const m2t_conv *);
    void (*norm)(const m2t_norm *);
    void (*stream_norm)(const m2t_stream_norm *);
    void (*attention)(const m2t_attention *);
    void (*mixture)(const m2t_mixture *);
    void (*scale)(const m2t_scale *);
    void (*pixels)(const m2t_pixels *);
    void (*eye)(const m2t_eye *);
};

#define OPERATIONS(label)                                                                          \
    {                                                                                              \
        label, NAME(conv), NAME(norm), NAME(stream_norm), NAME(attention), NAME(mixture),          \
            NAME(scale), NAME(pixels), NAME(eye_slopes)                                                              \
    }

#endif
