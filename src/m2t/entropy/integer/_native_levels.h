/* The operations (_native_ops.h), compiled once for each instruction set: all give the same integers. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define RESIDUAL_LIMIT 1048576.0f /* these as in arithmetic.py, network.py and gaussians.py */
#define WEIGHT_SUM 16384.0f
#define HIDDEN_STEPS 64.0f
#define MEAN_LIMIT 2097152.0f
#define MAX_COMPONENTS 8

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif
#define ROUND rintf /* halves to even, as always unless a program changes the rounding mode */
#define ROUND_DOUBLE rint

#define LEVEL 0
#define NAME(name) name##_any
#include "_native_ops.h"
#undef LEVEL
#undef NAME

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_X86
#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#define LEVEL 1
#define NAME(name) name##_avx2
#include "_native_ops.h"
#undef LEVEL
#undef NAME
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,prefer-vector-width=512")
#endif
#define LEVEL 2
#define NAME(name) name##_vnni
#include "_native_ops.h"
#undef LEVEL
#undef NAME
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

typedef struct {
    void (*layer)(const LayerCall *);
    void (*rms_norm)(const float *, int64_t, int64_t, const float *, double, int8_t *);
    void (*layer_norm)(const float *, int64_t, int64_t, const float *, const float *, double,
                       int8_t *);
    void (*attention)(const AttentionCall *);
    void (*mixture)(const MixtureCall *);
} Operations;

#define OPERATIONS(suffix)                                                                         \
    {layer_##suffix, rms_norm_##suffix, layer_norm_##suffix, attention_##suffix, mixture_##suffix}

static const Operations LEVELS[] = {
    OPERATIONS(any),
#ifdef HAS_X86
    OPERATIONS(avx2),
    OPERATIONS(vnni),
#endif
};

/* How many of LEVELS this processor has. */
static int num_levels(void)
{
#ifdef HAS_X86
    if (!__builtin_cpu_supports("avx2"))
        return 1;
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni")
               ? 3
               : 2;
#else
    return 1;
#endif
}
