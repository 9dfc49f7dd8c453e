#include "backdrop.h"

#include "base/c23.h"
#include "base/text.h"

struct site {
    const char *name;
    struct colour (*ground)(const struct backdrop *b, float x, float z, float footprint);
    struct colour (*wall)(const struct backdrop *b, float x, float y);
    float wall_z[2], wall_height[2]; /* ranges, metres */
    float camera_height[2];
    bool trees; /* behind the wall */
};

/* Noise whose fine octaves fade where one pixel covers more than their period. */
static float texture(float x, float y, float per_metre, int octaves, float footprint, uint32_t seed)
{
    float sum = 0, weight = 0.5f, total = 0;

    for (int i = 0; i < octaves; i++) {
        float sharp = clampf(1.4f - 1.6f * per_metre * footprint, 0.0f, 1.0f);
        sum +=
            weight *
            (sharp > 0 ? mixf(0.5f, noise2(x * per_metre, y * per_metre, seed + (uint32_t)i), sharp) : 0.5f);
        total += weight;
        per_metre *= 2.1f;
        weight *= 0.7f;
    }
    return sum / total;
}

static struct colour lawn(const struct backdrop *b, float x, float z, float footprint)
{
    float patch = fbm2(x * 0.5f, z * 0.5f, 3, b->seed),
          blade = texture(x, z * 0.6f, 6, 4, footprint, b->seed + 2);
    struct colour c = colour_mix(b->ground, b->ground_alt, stepf(0.35f, 0.75f, patch));

    return colour_scale(c, 0.55f + 0.9f * blade);
}

static struct colour slabs(const struct backdrop *b, float x, float z, float footprint, float size)
{
    float gx = x / size, gz = z / size, ex = gx - floorf(gx), ez = gz - floorf(gz);
    float joint = fminf(fminf(ex, 1 - ex), fminf(ez, 1 - ez)) * size;
    float tone = 0.9f + 0.2f * cell2((int)floorf(gx), (int)floorf(gz), b->seed);
    float grain = 0.8f + 0.4f * texture(x, z, 9, 4, footprint, b->seed + 4);

    return colour_scale(b->trim, tone * grain * mixf(0.55f, 1.0f, stepf(0.0f, 0.02f + footprint, joint)));
}

static struct colour yard_ground(const struct backdrop *b, float x, float z, float footprint)
{
    float edge = 1.1f + 0.12f * noise2(z * 1.5f, 0, b->seed + 7),
          across = fabsf(x - b->offset * 0.4f - 0.10f * z);

    if (across < edge)
        return slabs(b, x, z, footprint, 0.5f);
    return colour_scale(lawn(b, x, z, footprint), stepf(edge, edge + 0.15f, across) * 0.3f + 0.7f);
}

static struct colour gravel(const struct backdrop *b, float x, float z, float footprint)
{
    float stones = texture(x, z, 14, 4, footprint, b->seed + 1), patch = fbm2(x * 0.4f, z * 0.4f, 3, b->seed);
    struct colour c = colour_mix(b->trim, b->ground, stepf(0.5f, 0.62f, patch));

    return colour_scale(c, 0.6f + 0.8f * stones);
}

static struct colour asphalt(const struct backdrop *b, float x, float z, float footprint)
{
    float grain = texture(x, z, 16, 4, footprint, b->seed + 1),
          stain = fbm2(x * 0.3f, z * 0.5f, 3, b->seed + 3);
    float crack = fabsf(fbm2(x * 0.7f, z * 0.7f, 4, b->seed + 5) - 0.5f);

    return colour_scale(RGB(.40f, .40f, .41f),
                        (0.65f + 0.5f * grain) * (0.75f + 0.5f * stain) * (crack < 0.008f ? 0.75f : 1.0f));
}

static struct colour road_ground(const struct backdrop *b, float x, float z, float footprint)
{
    float kerb = b->wall_z * 0.72f, middle = b->wall_z * 0.47f;
    float dash = fabsf(fmodf(fabsf(x + b->offset + 40), 6.0f) - 3.0f);

    if (z > kerb + 0.2f)
        return lawn(b, x, z, footprint);
    if (z > kerb)
        return colour_scale(RGB(.62f, .61f, .59f), 0.85f + 0.3f * texture(x, z, 4, 3, footprint, b->seed));
    if (fabsf(z - middle) < 0.09f && dash < 1.5f)
        return RGB(.82f, .82f, .80f);
    return asphalt(b, x, z, footprint);
}

static struct colour lot_ground(const struct backdrop *b, float x, float z, float footprint)
{
    float bay = fabsf(fmodf(fabsf(x - 0.15f * z + b->offset + 50), 2.6f) - 1.3f);

    if (z > b->wall_z * 0.55f && z < b->wall_z * 0.85f && bay < 0.06f + 0.5f * footprint)
        return RGB(.78f, .78f, .75f);
    if (z > b->wall_z * 0.95f)
        return lawn(b, x, z, footprint);
    return asphalt(b, x, z, footprint);
}

static struct colour wall_ground(const struct backdrop *b, float x, float z, float footprint)
{
    return slabs(b, x, z, footprint, 0.75f);
}

static struct colour planks(const struct backdrop *b, float x, float y)
{
    float width = 0.15f * b->scale, at = x / width, in = at - floorf(at);
    float tone = 0.8f + 0.3f * cell2((int)floorf(at), 3, b->seed),
          grain = 0.8f + 0.4f * fbm2(x * 30, y * 2.2f, 3, b->seed + 8);
    float post = fabsf(fmodf(fabsf(x + b->offset + 100), 2.4f) - 1.2f);

    if (post < 0.06f)
        return colour_scale(b->wall, 0.62f * grain);
    return colour_scale(b->wall, tone * grain * mixf(0.45f, 1.0f, stepf(0.0f, 0.10f, fminf(in, 1 - in))));
}

static struct colour hedge(const struct backdrop *b, float x, float y)
{
    float leaves = fbm2(x * 9, y * 9, 3, b->seed + 12), clumps = fbm2(x * 1.6f, y * 1.6f, 2, b->seed + 13);

    return colour_scale(RGB(.22f, .36f, .15f), 0.35f + 0.8f * leaves + 0.5f * clumps);
}

static struct colour bars(const struct backdrop *b, float x, float y)
{
    float in = fmodf(fabsf(x + 100), 0.13f * b->scale),
          rail = fminf(fabsf(y - 0.25f), fabsf(y - b->wall_height + 0.15f));

    if (in < 0.035f || rail < 0.035f)
        return RGB(.16f, .19f, .18f);
    return hedge(b, x * 0.6f, y * 0.6f);
}

/* Frame, glass with the sky in it, and sill; 1 when the point lies in the opening of w x h centred at 0,
 * bottom at 0. */
static int opening(const struct backdrop *b, float x, float y, float w, float h, int panes,
                   struct colour *ret)
{
    float frame = 0.06f, ix = fabsf(x);

    if (ix > w / 2 + 0.08f || y < -0.08f || y > h + 0.06f)
        return 0;
    *ret = colour_scale(b->trim, 1.1f);
    if (y < -0.0f || ix > w / 2 || y > h)
        return 1;
    if (ix > w / 2 - frame || y > h - frame || (panes && (y < frame || ix < 0.03f)))
        *ret = RGB(.86f, .85f, .82f);
    else if (panes)
        *ret = colour_mix(RGB(.10f, .12f, .14f), b->sky_low,
                          0.15f + 0.5f * stepf(0, h, y) * noise2(x * 2 + 9, y * 2, b->seed));
    else
        *ret =
            colour_scale(b->far, fabsf(y - h * 0.45f) < 0.02f || fabsf(ix - w * 0.3f) < 0.015f ? 0.5f : 0.8f);
    if (!panes && fabsf(x - w * 0.36f) < 0.03f && fabsf(y - 1.0f) < 0.06f)
        *ret = RGB(.8f, .75f, .6f);
    return 1;
}

static struct colour masonry(const struct backdrop *b, float x, float y)
{
    float bh = 0.075f * b->scale, bw = 0.24f * b->scale, row = floorf(y / bh);
    float bx = x / bw + 0.5f * (float)((int)row & 1), in_x = bx - floorf(bx), in_y = y / bh - row;
    float tone = 0.8f + 0.35f * cell2((int)floorf(bx), (int)row, b->seed),
          wear = 0.85f + 0.3f * fbm2(x * 1.2f, y * 1.2f, 4, b->seed + 1);
    bool plaster = (b->seed & 3) == 0;

    if (plaster)
        return colour_scale(b->trim, wear * (0.95f + 0.1f * fbm2(x * 25, y * 25, 2, b->seed)));
    if (in_x < 0.06f || in_y < 0.16f)
        return colour_scale(RGB(.62f, .59f, .55f), wear);
    return colour_scale(b->wall, tone * wear * (0.9f + 0.2f * noise2(x * 40, y * 40, b->seed)));
}

static struct colour facade(const struct backdrop *b, float x, float y)
{
    float u = x + b->offset + 60, in = fmodf(u, 3.6f) - 1.8f;
    int bay = (int)floorf(u / 3.6f), floor_no = (int)floorf(y / 2.9f);
    struct colour c;

    if (floor_no == 0 && bay % 3 == 0 && opening(b, in, y, 1.05f, 2.1f, 0, &c))
        return c;
    if (!(floor_no == 0 && bay % 3 == 0) &&
        opening(b, in, y - (float)floor_no * 2.9f - 0.95f, 1.3f, 1.35f, 1, &c))
        return c;
    if (y < 0.35f)
        return colour_scale(b->trim, 0.6f + 0.2f * noise2(x * 8, y * 8, b->seed));
    return masonry(b, x, y);
}

static struct colour houses(const struct backdrop *b, float x, float y)
{
    float block = floorf((x + b->offset) / 9.0f), in = x + b->offset - block * 9.0f,
          tall = 4.2f + 2.5f * cell2((int)block, 1, b->seed);
    float roof = tall - 1.6f + 1.6f * (1.0f - fabsf(in - 3.6f) / 3.9f);
    struct colour c, wall = colour_mix(b->wall, b->trim, cell2((int)block, 2, b->seed));

    if (in > 7.2f || y > roof)
        return y < 1.2f + 2.2f * fbm2(x * 0.7f, 3, 4, b->seed + 4) ? hedge(b, x, y) : RGB(-1, -1, -1);
    if (y > tall - 1.6f)
        return colour_scale(RGB(.40f, .24f, .20f), 0.8f + 0.3f * noise2(x * 3, y * 12, b->seed));
    if (opening(b, fmodf(in, 2.4f) - 1.2f, y - 0.9f, 1.0f, 1.2f, 1, &c))
        return c;
    return colour_scale(wall, 0.85f + 0.3f * fbm2(x, y, 3, b->seed + 1));
}

/* Trees far away: crowns of different heights, brighter on top, paled by the air. */
static struct colour treeline(const struct backdrop *b, float x, float y)
{
    float crown = 0.5f + 0.5f * sinf(x * 1.3f + 4.0f * noise2(x * 0.3f, 5, b->seed + 9));
    float top = b->tree_height * (0.35f + 0.45f * fbm2(x * 0.22f, 1, 4, b->seed + 6) + 0.2f * crown);
    float ragged = 0.5f * fbm2(x * 4, y * 4, 2, b->seed + 7);

    if (y > top + ragged - 0.3f)
        return RGB(-1, -1, -1);
    return colour_mix(colour_scale(hedge(b, x * 0.45f, y * 0.45f), 0.6f + 0.5f * y / top), b->sky_low, 0.15f);
}

/* ---- the second style ---- */

static struct colour tiles(const struct backdrop *b, float x, float z, float footprint)
{
    int dark = ((int)floorf(x / 0.6f) + (int)floorf(z / 0.6f)) & 1;
    float shine = 0.85f + 0.3f * fbm2(x * 0.15f, z * 0.4f, 2, b->seed + 2);

    return colour_scale(
        colour_mix(b->trim, b->ground, dark ? 0.55f * (1.0f - fminf(footprint * 2, 1)) : 0.1f), shine);
}

static struct colour water(const struct backdrop *b, float x, float z, float footprint)
{
    float edge = 0.45f * b->wall_z, ripple = texture(x * 0.4f, z, 3, 3, footprint, b->seed + 5);

    if (z < edge)
        return colour_scale(RGB(.50f, .48f, .45f), 0.7f + 0.5f * texture(x, z, 7, 3, footprint, b->seed));
    if (z < edge + 0.25f)
        return RGB(.75f, .68f, .20f);
    return colour_scale(colour_mix(RGB(.16f, .26f, .32f), b->sky_low, 0.25f), 0.6f + 0.8f * ripple);
}

static struct colour dunes(const struct backdrop *b, float x, float z, float footprint)
{
    float wave =
        sinf(6.0f * z + 5.0f * fbm2(x * 0.3f, z * 0.3f, 2, b->seed)) * fmaxf(0.0f, 1.0f - footprint * 3);

    return colour_scale(b->ground, 0.9f + 0.12f * wave + 0.2f * fbm2(x * 0.2f, z * 0.2f, 3, b->seed + 3));
}

static struct colour concrete(const struct backdrop *b, float x, float z, float footprint)
{
    float stripe = fmodf(fabsf(x + z + b->offset + 60), 4.0f),
          spots = stepf(0.62f, 0.7f, fbm2(x * 0.8f, z * 0.8f, 3, b->seed + 4));

    if (stripe < 0.12f)
        return RGB(.80f, .72f, .25f);
    return colour_scale(b->trim,
                        (0.75f + 0.3f * texture(x, z, 5, 3, footprint, b->seed)) * (1 - 0.25f * spots));
}

static struct colour panels(const struct backdrop *b, float x, float y)
{
    float w = 1.8f * b->scale, gx = (x + b->offset) / w, gy = y / 1.2f;
    float in = fminf(gx - floorf(gx), gy - floorf(gy)),
          tone = cell2((int)floorf(gx), (int)floorf(gy), b->seed);

    if (in < 0.025f)
        return colour_scale(b->wall, 0.5f);
    if (tone > 0.85f)
        return colour_scale(b->far, 0.9f + 0.5f * y / 6.0f);
    return colour_scale(colour_mix(b->wall, b->trim, 0.6f), 0.85f + 0.2f * tone);
}

static struct colour containers(const struct backdrop *b, float x, float y)
{
    float length = 6.0f, height = 2.5f, at = (x + b->offset + 90) / length, row = y / height;
    float tone = cell2((int)floorf(at), (int)floorf(row), b->seed), rib = 0.5f + 0.5f * sinf(x * 22.0f);
    struct colour c = tone < 0.3f   ? RGB(.60f, .20f, .12f)
                      : tone < 0.6f ? RGB(.15f, .30f, .50f)
                      : tone < 0.8f ? RGB(.25f, .40f, .25f)
                                    : RGB(.60f, .60f, .58f);

    if (row >= 1 && tone > 0.9f)
        return RGB(-1, -1, -1);
    if (at - floorf(at) < 0.03f || row - floorf(row) < 0.05f)
        return RGB(.12f, .12f, .12f);
    return colour_scale(c, 0.75f + 0.3f * rib);
}

static struct colour ridge(const struct backdrop *b, float x, float y)
{
    float top = 3.0f + 9.0f * fbm2(x * 0.03f, 2, 4, b->seed + 6);

    if (y > top)
        return RGB(-1, -1, -1);
    return colour_mix(colour_scale(b->far, 0.9f + 0.8f * fbm2(x * 0.3f, y * 0.6f, 3, b->seed)), b->sky_low,
                      0.35f);
}

static struct colour pillars(const struct backdrop *b, float x, float y)
{
    float in = fmodf(fabsf(x + b->offset + 60), 3.2f), round = (in - 0.35f) / 0.35f;

    if (in < 0.7f)
        return colour_scale(b->trim, 1.05f - 0.4f * round * round);
    if (fmodf(y, 3.0f) > 2.8f)
        return colour_scale(b->wall, 0.7f);
    return colour_scale(b->wall, 0.25f + 0.15f * fbm2(x, y, 2, b->seed + 8));
}

static const struct site sites[] = {
    {"yard", yard_ground, planks, {10, 15}, {1.7f, 2.1f}, {2.2f, 3.0f}, true},
    {"fence", gravel, bars, {11, 16}, {1.8f, 2.4f}, {2.2f, 3.2f}, true},
    {"wall", wall_ground, facade, {8, 11}, {9, 9}, {2.2f, 3.0f}, false},
    {"road", road_ground, houses, {20, 26}, {9, 9}, {2.6f, 3.6f}, false},
    {"lot", lot_ground, treeline, {26, 34}, {12, 12}, {2.6f, 3.8f}, false},
};

static const struct site second_sites[] = {
    {"hall", tiles, panels, {7, 12}, {6, 6}, {2.2f, 3.4f}, false},
    {"quay", water, containers, {14, 22}, {5, 5}, {2.6f, 3.6f}, false},
    {"sand", dunes, ridge, {30, 40}, {14, 14}, {2.4f, 3.6f}, false},
    {"court", concrete, pillars, {9, 14}, {7, 7}, {2.2f, 3.2f}, false},
};

/* The sites of a style. */
static const struct site *sites_of(enum style style)
{
    return style == STYLE_SECOND ? second_sites : sites;
}

int sites_count(enum style style)
{
    return style == STYLE_SECOND ? (int)COUNT_OF(second_sites) : (int)COUNT_OF(sites);
}

int backdrop_site(enum style style, const char *name)
{
    for (int i = 0; i < sites_count(style); i++)
        if (text_is(sites_of(style)[i].name, name))
            return i;
    return -1;
}

const char *backdrop_name(const struct backdrop *b)
{
    return b->site->name;
}

struct mood {
    struct colour sky_top, sky_low, sun, sky;
    float sun_height, shadow;
    int hour;
};
static const struct mood moods[] = {
    [DAY_SUN] = {RGB(.36f, .56f, .86f), RGB(.76f, .86f, .95f), RGB(.72f, .66f, .56f), RGB(.46f, .49f, .54f),
                 0.9f, 0.55f, 10},
    [DAY_CLOUD] = {RGB(.68f, .72f, .76f), RGB(.84f, .86f, .87f), RGB(.26f, .26f, .25f), RGB(.70f, .72f, .74f),
                   1.6f, 0.22f, 13},
    [DAY_DUSK] = {RGB(.30f, .36f, .56f), RGB(.88f, .66f, .50f), RGB(.40f, .30f, .20f), RGB(.44f, .43f, .50f),
                  0.55f, 0.35f, 20},
};
static const struct mood ir_mood = {RGB(.02f, .02f, .02f),
                                    RGB(.05f, .05f, .05f),
                                    RGB(.75f, .75f, .75f),
                                    RGB(.35f, .35f, .35f),
                                    0.3f,
                                    0.0f,
                                    1};

static const struct colour walls[] = {RGB(.60f, .30f, .24f), RGB(.52f, .40f, .28f), RGB(.66f, .58f, .46f),
                                      RGB(.48f, .44f, .40f), RGB(.40f, .28f, .20f)};
static const struct colour trims[] = {RGB(.72f, .70f, .65f), RGB(.60f, .59f, .57f), RGB(.78f, .72f, .60f),
                                      RGB(.66f, .63f, .62f)};
static const struct colour grounds[] = {RGB(.32f, .45f, .17f), RGB(.40f, .47f, .22f), RGB(.27f, .40f, .18f),
                                        RGB(.46f, .46f, .25f)};

static const struct colour second_walls[] = {RGB(.55f, .58f, .62f), RGB(.72f, .70f, .52f),
                                             RGB(.30f, .38f, .42f), RGB(.80f, .78f, .76f)};
static const struct colour second_trims[] = {RGB(.50f, .52f, .50f), RGB(.82f, .80f, .78f),
                                             RGB(.62f, .55f, .50f)};
static const struct colour second_grounds[] = {RGB(.72f, .62f, .44f), RGB(.86f, .88f, .90f),
                                               RGB(.30f, .28f, .30f)};

#define PICK(r, list) (list)[rng_int((r), (int)COUNT_OF(list))]
#define IN(r, range)  rng_float((r), (range)[0], (range)[1])

static struct light mood_light(const struct mood *m, struct rng *r, bool night)
{
    float side = rng_float(r, 0.35f, 1.0f) * (rng_int(r, 2) ? 1.0f : -1.0f);
    struct vec3 sun = night ? (struct vec3){0.05f, 0.15f, 1.0f}
                            : (struct vec3){side, m->sun_height, rng_float(r, 0.1f, 0.7f)};

    return (struct light){vec3_unit(sun), m->sun, m->sky, m->shadow};
}

struct backdrop backdrop_new(struct rng *r, enum style style, int site, enum daylight day, bool night,
                             int width, int height)
{
    const struct mood *m = night ? &ir_mood : &moods[day];
    const struct site *s = &sites_of(style)[site % sites_count(style)];
    struct backdrop b = {
        .site = s,
        .view = {rng_float(r, 0.85f, 1.05f) * (float)width, 0.5f * (float)width,
                 rng_float(r, 0.16f, 0.27f) * (float)height, IN(r, s->camera_height)},
        .light = mood_light(m, r, night),
        .sky_top = m->sky_top,
        .sky_low = m->sky_low,
        .night = night,
        .wall_z = IN(r, s->wall_z),
        .wall_height = IN(r, s->wall_height),
        .scale = rng_float(r, 0.85f, 1.3f),
        .tree_height = rng_float(r, 5, 9),
        .hour = m->hour,
        .wall = PICK(r, walls),
        .trim = PICK(r, trims),
        .ground = PICK(r, grounds),
        .ground_alt = RGB(.52f, .50f, .28f),
        .far = RGB(.30f, .22f, .18f),
        .offset = rng_float(r, -6, 6),
        .seed = rng_next(r),
    };

    if (style == STYLE_SECOND) {
        b.wall = PICK(r, second_walls);
        b.trim = PICK(r, second_trims);
        b.ground = PICK(r, second_grounds);
        b.far = RGB(.34f, .36f, .46f);
    }
    return b;
}

/* Lamp light at a distance: full near the camera, a fifth at twenty metres. */
static float lamp(const struct backdrop *b, float z)
{
    return b->night ? 1.15f / (1.0f + z * z / 90.0f) + 0.06f : 1.0f;
}

struct light backdrop_light(const struct backdrop *b, float z)
{
    struct light l = b->light;

    l.sun_colour = colour_scale(l.sun_colour, lamp(b, z));
    l.sky_colour = colour_scale(l.sky_colour, lamp(b, z));
    return l;
}

static struct colour sky_at(const struct backdrop *b, float sx, float sy)
{
    float up = clampf((b->view.horizon_y - sy) / (b->view.horizon_y + 40.0f), 0, 1);
    float cloud =
        stepf(0.48f, 0.75f, fbm2(sx / b->view.focal * 5, (sy * 2.2f) / b->view.focal * 5, 4, b->seed + 20));
    struct colour c = colour_mix(b->sky_low, b->sky_top, up);

    return b->night ? c : colour_mix(c, RGB(.93f, .93f, .93f), cloud * 0.55f * up);
}

/* Above the wall: trees at some distance behind it, else the sky. */
static struct colour trees_at(const struct backdrop *b, float sx, float sy)
{
    float z = 2.5f * b->wall_z, y = b->view.height - (sy - b->view.horizon_y) * z / b->view.focal;
    struct colour lit = light_on(&b->light, (struct vec3){0, 0.4f, 0.9f}, 1), c;

    c = treeline(b, (sx - b->view.centre_x) * z / b->view.focal, y);
    return c.r >= 0 ? colour_scale(colour_times(c, lit), lamp(b, z)) : sky_at(b, sx, sy);
}

/* The colour seen through one point of the picture. */
static struct colour look_through(const struct backdrop *b, float sx, float sy)
{
    const struct view *v = &b->view;
    float down = sy - v->horizon_y, z = down > 0.5f ? v->focal * v->height / down : 1e9f;
    float across = (sx - v->centre_x) / v->focal, y = v->height - down * b->wall_z / v->focal;
    struct colour lit, c;

    if (z < b->wall_z) {
        float near_wall = stepf(0.0f, 0.8f, b->wall_z - z);
        lit = light_on(&b->light, (struct vec3){0, 1, 0}, 0.6f + 0.4f * near_wall);
        c = b->site->ground(b, across * z, z, z / v->focal + z * z / (v->focal * v->height) * 0.3f);
        return colour_scale(colour_times(c, lit), lamp(b, z));
    }
    if (y >= 0 && y < b->wall_height) {
        lit = light_on(&b->light, (struct vec3){0, 0, 1}, 0.75f + 0.25f * stepf(0, 0.6f, y));
        c = b->site->wall(b, across * b->wall_z, y);
        if (c.r >= 0)
            return colour_scale(colour_times(c, lit), lamp(b, b->wall_z));
    }
    return b->site->trees ? trees_at(b, sx, sy) : sky_at(b, sx, sy);
}

void backdrop_draw(const struct backdrop *b, struct canvas *on)
{
    static const struct vec2 at[] = {{.125f, .375f}, {.625f, .125f}, {.375f, .875f}, {.875f, .625f}};

    for (int y = 0; y < on->height; y++)
        for (int x = 0; x < on->width; x++) {
            struct colour sum = {0, 0, 0};
            for (size_t i = 0; i < COUNT_OF(at); i++)
                sum = colour_add(sum, look_through(b, (float)x + at[i].x, (float)y + at[i].y));
            on->px[(size_t)y * (size_t)on->width + (size_t)x] = colour_scale(sum, 0.25f);
        }
}
