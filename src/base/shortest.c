#include "base/shortest.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/c23.h"

/* Powers of ten that a double holds exactly. */
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The largest float with 8 digits, 3.4028235e38, is a little larger than itself. */
float float_nearest(double v)
{
    if (fabs(v) <= (double)FLT_MAX)
        return (float)v;
    return v > 0 ? FLT_MAX : -FLT_MAX;
}

static bool same(double v, float as)
{
    return !(float_nearest(v) < as || float_nearest(v) > as);
}

/* v = whole / 10^behind, with the fewest digits. A whole number of at most 10 digits and these powers are
 * exact, so their quotient is the double that anybody reads for these digits. False: not that easily. */
static bool find(float v, double *ret_whole, int *ret_behind)
{
    double size = fabs((double)v);
    int lead; /* of the first digit: 1234 has 3 */

    if (!(size <= 1e9 && size >= 1e-13))
        return false;
    lead = (int)floor(log10(size));
    for (int digits = lead > 5 ? lead : 5; digits <= 9; digits++) {
        int behind = digits - lead;
        if (behind < 0 || behind >= (int)COUNT_OF(powers))
            continue;
        *ret_whole = round((double)v * powers[behind]);
        *ret_behind = behind;
        if (same(*ret_whole / powers[behind], v))
            return true;
    }
    return false;
}

static int print(char dst[FLOAT_TEXT], float v)
{
    int n = 0;

    for (int digits = 6; digits <= 9; digits++) {
        n = snprintf(dst, FLOAT_TEXT, "%.*g", digits, (double)v);
        if (same(strtod(dst, NULL), v))
            break;
    }
    return n;
}

double float_shortest(float v)
{
    char text[FLOAT_TEXT];
    double whole;
    int behind;

    if (!(v < 0 || v > 0))
        return 0;
    if (find(v, &whole, &behind))
        return whole / powers[behind];
    print(text, v);
    return strtod(text, NULL);
}

/* Backwards into the end of dst; where it begins. */
static char *put_digits(char *end, uint64_t whole, int behind)
{
    bool trailing = true; /* zeros behind the point say nothing */

    for (; behind > 0; behind--, whole /= 10) {
        trailing = trailing && whole % 10 == 0;
        if (!trailing)
            *--end = (char)('0' + whole % 10);
    }
    if (!trailing)
        *--end = '.';
    do
        *--end = (char)('0' + whole % 10);
    while (whole /= 10);
    return end;
}

size_t float_text(char dst[FLOAT_TEXT], float v)
{
    char digits[FLOAT_TEXT], *begin;
    double whole;
    int behind;
    size_t n = 0;

    if (!isfinite(v))
        return (size_t)snprintf(dst, FLOAT_TEXT, "null");
    if (!(v < 0 || v > 0))
        return (size_t)snprintf(dst, FLOAT_TEXT, signbit(v) ? "-0" : "0");
    if (fabsf(v) < 1e-4F || !find(v, &whole, &behind)) /* with an exponent */
        return (size_t)print(dst, v);
    begin = put_digits(digits + sizeof digits, (uint64_t)fabs(whole), behind);
    if (v < 0)
        dst[n++] = '-';
    while (begin < digits + sizeof digits)
        dst[n++] = *begin++;
    dst[n] = '\0';
    return n;
}
