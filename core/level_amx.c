/* The operations for x86-64 with AMX, besides what level_vnni.c needs. */

#include "internal.h"

#ifdef HAS_AMX
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8"))),    \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target(                                                                                \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8,prefer-vector-width=512")
#endif

#define LEVEL LEVEL_AMX
#define NAME(name) name##_amx
#include "ops/all.h"

const m2t_level m2t_level_amx = OPERATIONS("amx");

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
