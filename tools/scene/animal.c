/* Dogs and cats in a trot: diagonal legs move together. */
#include "base/c23.h"
#include "figures.h"

enum { COAT, LEG, NOSE };
enum { GROUP_TRUNK, GROUP_FRONT_L, GROUP_FRONT_R, GROUP_HIND_L, GROUP_HIND_R, GROUP_TAIL };

static const struct colour coats[] = {RGB(.55f, .38f, .22f), RGB(.14f, .12f, .11f), RGB(.62f, .55f, .45f),
                                      RGB(.36f, .34f, .33f), RGB(.70f, .42f, .20f), RGB(.82f, .79f, .73f)};

struct animal_look animal_look(struct rng *r)
{
    int cat = rng_int(r, 3) == 0;
    struct colour coat = coats[rng_int(r, (int)COUNT_OF(coats))];

    return (struct animal_look){
        .height = cat ? rng_float(r, .25f, .30f) : rng_float(r, .42f, .66f),
        .cat = cat,
        .coat = coat,
        .belly = colour_mix(coat, RGB(.9f, .85f, .75f), rng_float(r, 0.1f, 0.6f)),
        .patch = colour_scale(coat, rng_float(r, 0.35f, 0.9f)),
        .seed = rng_next(r),
    };
}

float animal_stride(const struct animal_look *look)
{
    return 1.7f * look->height;
}

static struct colour paint(const void *opaque, const struct surface *s)
{
    const struct animal_look *look = opaque;
    float h = s->pos.y / look->height;
    struct colour c = colour_mix(look->belly, look->coat, stepf(0.45f, 0.75f, h));

    if (s->limb->material == NOSE)
        return RGB(.05f, .05f, .05f);
    if (s->limb->material == COAT && fbm2(s->pos.x * 5, s->pos.y * 7, 2, look->seed) > 0.58f)
        c = look->patch;
    if (look->cat && s->limb->material == COAT && sinf(s->pos.x * 90.0f) > 0.55f)
        c = colour_mix(c, look->patch, 0.6f);
    return colour_scale(c, 0.78f + 0.44f * fbm2(s->pos.x * 60, s->pos.y * 26, 2, look->seed + 3));
}

static struct vec3 swing(const struct body *b, struct vec3 p, float length, float angle)
{
    return vec3_add(p, body_point(b, sinf(angle) * length, -cosf(angle) * length, 0));
}

/* `knee` bends backwards for front legs (wrist) and forwards-then-back for hind legs (hock). */
static void add_leg(struct body *b, const struct animal_look *look, float forward, float side, float phase,
                    int group)
{
    float H = look->height, lift = fmaxf(0.0f, cosf(phase)), hind = forward < 0 ? 1.0f : 0.0f;
    float upper = 0.38f * sinf(phase) + 0.25f * hind, bend = 0.15f + 0.7f * lift + 0.35f * hind;
    struct vec3 top = body_point(b, forward * H, 0.62f * H, side * 0.11f * H);
    struct vec3 knee = swing(b, top, 0.28f * H, upper), ankle = swing(b, knee, 0.27f * H, upper - bend);
    struct vec3 paw = swing(b, ankle, 0.08f * H, upper - bend * 0.4f), toe = swing(b, paw, 0.07f * H, 1.4f);

    body_limb(b, top, knee, (0.11f + 0.03f * hind) * H, 0.062f * H, group, LEG)->folds = 0.01f;
    body_limb(b, knee, ankle, 0.060f * H, 0.043f * H, group, LEG)->folds = 0.006f;
    body_limb(b, ankle, paw, 0.043f * H, 0.042f * H, group, LEG);
    body_limb(b, paw, toe, 0.044f * H, 0.036f * H, group, LEG);
}

static void add_trunk(struct body *b, const struct animal_look *look)
{
    float H = look->height, girth = look->cat ? 0.19f : 0.20f;

    body_limb(b, body_point(b, 0.42f * H, 0.74f * H, 0), body_point(b, 0.05f * H, 0.78f * H, 0), 0.23f * H,
              (girth + 0.02f) * H, GROUP_TRUNK, COAT)
        ->folds = 0.02f;
    body_limb(b, body_point(b, 0.05f * H, 0.78f * H, 0), body_point(b, -0.48f * H, 0.80f * H, 0),
              (girth + 0.02f) * H, 0.19f * H, GROUP_TRUNK, COAT)
        ->folds = 0.02f;
}

static void add_head(struct body *b, const struct animal_look *look)
{
    float H = look->height, size = look->cat ? 0.9f : 1.0f;
    struct vec3 neck = body_point(b, 0.50f * H, 0.88f * H, 0), skull = body_point(b, 0.74f * H, 1.16f * H, 0);
    struct vec3 muzzle = body_point(b, (look->cat ? 0.90f : 1.04f) * H, 1.07f * H, 0);

    body_limb(b, neck, skull, 0.16f * H, 0.125f * H, GROUP_TRUNK, COAT)->folds = 0.015f;
    body_limb(b, skull, body_point(b, 0.80f * H, 1.15f * H, 0), 0.145f * H * size, 0.12f * H * size,
              GROUP_TRUNK, COAT);
    body_limb(b, body_point(b, 0.82f * H, 1.12f * H, 0), muzzle, 0.10f * H, 0.062f * H, GROUP_TRUNK, COAT);
    body_limb(b, muzzle, vec3_add(muzzle, body_point(b, 0.05f * H, 0.02f * H, 0)), 0.03f * H, 0.026f * H,
              GROUP_TRUNK, NOSE);
    for (int side = -1; side <= 1; side += 2) {
        float s = (float)side;
        body_limb(b, body_point(b, 0.70f * H, 1.24f * H, s * 0.08f * H),
                  look->cat ? body_point(b, 0.70f * H, 1.38f * H, s * 0.11f * H)
                            : body_point(b, 0.64f * H, 1.37f * H, s * 0.12f * H),
                  0.055f * H, 0.015f * H, GROUP_TRUNK, LEG);
        body_limb(b, body_point(b, 0.87f * H, 1.20f * H, s * 0.085f * H),
                  body_point(b, 0.875f * H, 1.20f * H, s * 0.085f * H), 0.022f * H, 0.020f * H, GROUP_TRUNK,
                  NOSE);
    }
}

struct body animal_pose(const struct animal_look *look, float heading, float walked)
{
    struct body b = body_new(heading);
    float phase = 2.0f * PI_F * walked / animal_stride(look), H = look->height;

    b.paint = paint;
    b.look = look;
    b.seed = look->seed;
    add_leg(&b, look, 0.42f, 1, phase, GROUP_FRONT_L);
    add_leg(&b, look, 0.42f, -1, phase + PI_F, GROUP_FRONT_R);
    add_leg(&b, look, -0.46f, 1, phase + PI_F, GROUP_HIND_L);
    add_leg(&b, look, -0.46f, -1, phase, GROUP_HIND_R);
    add_trunk(&b, look);
    add_head(&b, look);
    body_limb(&b, body_point(&b, -0.62f * H, 0.88f * H, 0),
              body_point(&b, -0.95f * H, (look->cat ? 0.95f : 1.10f) * H, 0.06f * sinf(phase)), 0.055f * H,
              0.025f * H, GROUP_TAIL, LEG)
        ->folds = 0.01f;
    body_stand(&b);
    return b;
}
