#include "base/cpu.h"

#include <stdbool.h>

#include "base/c23.h"
#include "base/text.h"

#if defined(__x86_64__)
#include <cpuid.h>

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512_vnni(void)
{
    return __builtin_cpu_supports("avx512vnni");
}

/* The compilers of today do not know its name. It needs the registers of AVX2, which the system must save. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;

    return has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1u << 4;
}

static bool has_asimddp(void)
{
    return false;
}
#else
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

static bool has_asimddp(void)
{
    return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
}
#else
static bool has_asimddp(void)
{
    return false;
}
#endif

static bool has_avx2(void)
{
    return false;
}

static bool has_avx512_vnni(void)
{
    return false;
}

static bool has_avx_vnni(void)
{
    return false;
}
#endif

static const struct {
    const char *name;
    bool (*here)(void);
} features[] = {
    {"avx2", has_avx2},
    {"avx512_vnni", has_avx512_vnni},
    {"avx_vnni", has_avx_vnni},
    {"asimddp", has_asimddp},
};

unsigned cpu_feature(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(features); i++)
        if (text_is(features[i].name, name))
            return 1u << i;
    return 0;
}

unsigned cpu_features(void)
{
    unsigned all = 0;

    for (size_t i = 0; i < COUNT_OF(features); i++)
        if (features[i].here())
            all |= 1u << i;
    return all;
}

const char *cpu_feature_name(size_t i)
{
    return i < COUNT_OF(features) ? features[i].name : NULL;
}
