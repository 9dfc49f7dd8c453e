#include "analysis/tamper/dct.h"

#include <string.h>

/* c(u)/2 * cos((2x+1) u pi / 16) by u, then x. */
#define ROW_OF(a, b, c, d)         \
    {                              \
        a, b, c, d, -d, -c, -b, -a \
    }
#define EVEN_OF(a, b, c, d)    \
    {                          \
        a, b, c, d, d, c, b, a \
    }
static const float basis[8][8] = {
    EVEN_OF(0.35355339F, 0.35355339F, 0.35355339F, 0.35355339F),
    ROW_OF(0.49039264F, 0.41573481F, 0.27778512F, 0.09754516F),
    EVEN_OF(0.46193977F, 0.19134172F, -0.19134172F, -0.46193977F),
    ROW_OF(0.41573481F, -0.09754516F, -0.49039264F, -0.27778512F),
    EVEN_OF(0.35355339F, -0.35355339F, -0.35355339F, 0.35355339F),
    ROW_OF(0.27778512F, -0.49039264F, 0.09754516F, 0.41573481F),
    EVEN_OF(0.19134172F, -0.46193977F, 0.46193977F, -0.19134172F),
    ROW_OF(0.09754516F, -0.27778512F, 0.41573481F, -0.49039264F),
};

void dct8(const uint8_t *pixels, int stride, float ret[64])
{
    float rows[64];

    for (int y = 0; y < 8; y++)
        for (int u = 0; u < 8; u++) {
            float sum = 0;
            for (int x = 0; x < 8; x++)
                sum += basis[u][x] * (float)(pixels[y * stride + x] - 128);
            rows[y * 8 + u] = sum;
        }
    for (int v = 0; v < 8; v++)
        for (int u = 0; u < 8; u++) {
            float sum = 0;
            for (int y = 0; y < 8; y++)
                sum += basis[v][y] * rows[y * 8 + u];
            ret[v * 8 + u] = sum;
        }
}

static const uint8_t usual[64] = {
    16, 11,  10,  16, 24, 40, 51, 61, 12,  12,  14,  19,  26, 58, 60, 55,  14,  13,  16,  24, 40, 57,
    69, 56,  14,  17, 22, 29, 51, 87, 80,  62,  18,  22,  37, 56, 68, 109, 103, 77,  24,  35, 55, 64,
    81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,  112, 100, 103, 99,
};

void dct_table(int quality, uint16_t ret[64])
{
    int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;

    for (int i = 0; i < 64; i++) {
        int q = (usual[i] * scale + 50) / 100;
        ret[i] = (uint16_t)(q < 1 ? 1 : q > 255 ? 255 : q);
    }
}

int dct_quality(const uint16_t table[64])
{
    uint16_t one[64];

    for (int quality = 100; quality > 0; quality--) {
        dct_table(quality, one);
        if (memcmp(one, table, sizeof one) == 0)
            return quality;
    }
    return 0;
}
