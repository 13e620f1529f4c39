/* The operations for x86-64 with AVX2. */

#include "internal.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define LEVEL LEVEL_AVX2
#define NAME(name) name##_avx2
#include "ops/all.h"

const m2t_level m2t_level_avx2 = OPERATIONS("avx2");

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
