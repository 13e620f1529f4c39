/* Which instruction sets there are, and which of them this processor has. The questions are asked here, not
 * by __builtin_cpu_supports: with some compilers that always says no. */

#define _GNU_SOURCE /* syscall() */

#include "internal.h"

#include <stddef.h>

extern const m2t_level m2t_level_any, m2t_level_avx2, m2t_level_vnni, m2t_level_amx, m2t_level_neon;

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

#ifdef HAS_AMX
#include <sys/syscall.h>
#include <unistd.h>

static const m2t_level *const LEVELS[] = {&m2t_level_any, &m2t_level_avx2, &m2t_level_vnni,
                                          &m2t_level_amx};

/* Whether Linux lets this process have the tiles' registers: ARCH_REQ_XCOMP_PERM for their data. */
static int may_have_tiles(void)
{
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#else
static const m2t_level *const LEVELS[] = {&m2t_level_any, &m2t_level_avx2, &m2t_level_vnni};

static int may_have_tiles(void)
{
    return 0;
}
#endif

/* Which registers the operating system keeps, from the extended control register: bits 1 and 2 are those of
 * AVX, 5 to 7 those of AVX-512, 17 and 18 those of AMX. */
static uint32_t kept_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static int has(int level)
{
    uint32_t a, b, c, d;
    if (level == 0)
        return 1;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1))
        return 0;
    const uint32_t kept = kept_registers();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    if (level == 1) /* AVX2 */
        return (kept & 0x6) == 0x6 && b >> 5 & 1;
    /* AVX-512 F, DQ, BW, VL, and VNNI */
    if ((kept & 0xe6) != 0xe6 || !(b >> 16 & 1 && b >> 17 & 1 && b >> 30 & 1 && b >> 31 & 1) ||
        !(c >> 11 & 1))
        return 0;
    /* AMX: tiles, and products of bytes */
    return level == 2 ||
           ((kept & 0x60000) == 0x60000 && d >> 24 & 1 && d >> 25 & 1 && may_have_tiles());
}

#elif defined(__aarch64__) && defined(__GNUC__)

static const m2t_level *const LEVELS[] = {&m2t_level_any, &m2t_level_neon};

#if defined(__APPLE__)
static int has(int level)
{
    return level <= 1; /* all of Apple's have dot products */
}
#elif defined(_WIN32)
#include <windows.h>
static int has(int level)
{
    return level == 0 || IsProcessorFeaturePresent(43); /* PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE */
}
#else
#include <sys/auxv.h>
static int has(int level)
{
    return level == 0 || getauxval(AT_HWCAP) >> 20 & 1; /* HWCAP_ASIMDDP */
}
#endif

#else

static const m2t_level *const LEVELS[] = {&m2t_level_any};

static int has(int level)
{
    return level == 0;
}
#endif

int m2t_num_levels(void)
{
    return (int)(sizeof LEVELS / sizeof *LEVELS);
}

const m2t_level *m2t_open_level(int level)
{
    return level >= 0 && level < m2t_num_levels() && has(level) ? LEVELS[level] : NULL;
}

const char *m2t_level_name(const m2t_level *level)
{
    return level->name;
}
