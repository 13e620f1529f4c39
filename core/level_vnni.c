/* The operations for x86-64 with AVX-512 and its instructions for neural networks. */

#include "internal.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,prefer-vector-width=512")
#endif

#define LEVEL LEVEL_VNNI
#define NAME(name) name##_vnni
#include "ops/all.h"

const m2t_level m2t_level_vnni = OPERATIONS("avx512-vnni");

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
