/* Proportions after the usual eight-head figure; joint angles of the walk are simple sines that look right
 * (hip
 * +-25 degrees, knee to 60 degrees in the swing). */
#include "base/c23.h"
#include "figures.h"

enum { SKIN, HEAD, JACKET, TROUSERS, SHOE, BAG, HOOD };
enum { GROUP_TRUNK, GROUP_HEAD, GROUP_LEG_L, GROUP_LEG_R, GROUP_ARM_L, GROUP_ARM_R, GROUP_BAG };

static const struct colour skins[] = {RGB(.93f, .72f, .60f), RGB(.86f, .64f, .50f), RGB(.66f, .45f, .33f),
                                      RGB(.45f, .30f, .22f)};
static const struct colour hairs[] = {RGB(.10f, .08f, .07f), RGB(.22f, .15f, .10f), RGB(.42f, .30f, .18f),
                                      RGB(.55f, .53f, .50f)};
static const struct colour jackets[] = {RGB(.16f, .20f, .34f), RGB(.62f, .12f, .12f), RGB(.14f, .14f, .15f),
                                        RGB(.24f, .34f, .22f), RGB(.75f, .74f, .70f), RGB(.20f, .42f, .62f),
                                        RGB(.48f, .36f, .24f)};
static const struct colour trouser_colours[] = {RGB(.20f, .27f, .42f), RGB(.12f, .12f, .14f),
                                                RGB(.46f, .42f, .34f), RGB(.30f, .31f, .33f)};

#define PICK(r, list) (list)[rng_int((r), (int)COUNT_OF(list))]

struct person_look person_look(struct rng *r)
{
    return (struct person_look){
        .height = rng_float(r, 1.62f, 1.88f),
        .build = rng_float(r, 0.94f, 1.12f),
        .skin = PICK(r, skins),
        .hair = PICK(r, hairs),
        .jacket = PICK(r, jackets),
        .trousers = PICK(r, trouser_colours),
        .shoes = rng_int(r, 2) ? RGB(.12f, .11f, .11f) : RGB(.80f, .79f, .76f),
        .bag = RGB(.22f, .16f, .14f),
        .headgear = rng_int(r, 4) % 3,
        .has_bag = rng_int(r, 3) == 0,
        .long_hair = rng_int(r, 3) == 0,
        .seed = rng_next(r),
    };
}

float person_stride(const struct person_look *look)
{
    return 0.8f * look->height;
}

static struct colour paint_face(const struct person_look *look, const struct surface *s)
{
    /* Direction from the middle of the head, and the usual places of a face on it. */
    struct vec3 mid = {0.02f, 0.925f * look->height, 0};
    struct vec3 d = vec3_unit((struct vec3){s->pos.x - mid.x, s->pos.y - mid.y, s->pos.z});
    float side = fabsf(d.z);
    int hair = d.y > 0.58f - 0.1f * d.x || (d.x < -0.05f && d.y > -0.4f - 0.2f * (float)look->long_hair) ||
               (d.x < 0.25f && d.y > 0.28f);

    if (look->headgear == 1 && d.y > 0.33f)
        return colour_scale(look->bag, 1.2f);
    if (hair && !(side > 0.93f && fabsf(d.y) < 0.22f))
        return colour_scale(look->hair, 0.7f + 0.7f * noise2(d.z * 9 + d.x * 9, d.y * 3, look->seed));
    if (d.x > 0.5f && fabsf(side - 0.36f) < 0.13f && fabsf(d.y - 0.06f) < 0.07f)
        return colour_scale(look->skin, 0.25f);
    if (d.x > 0.5f && fabsf(side - 0.36f) < 0.19f && fabsf(d.y - 0.23f) < 0.05f)
        return look->hair;
    if (d.x > 0.6f && side < 0.26f && fabsf(d.y + 0.47f) < 0.05f)
        return colour_times(look->skin, RGB(.70f, .45f, .45f));
    if (d.x > 0.6f && side < 0.15f && fabsf(d.y + 0.22f) < 0.06f)
        return colour_scale(look->skin, 0.72f);
    return colour_scale(look->skin, 0.94f + 0.12f * noise2(d.z * 7, d.y * 7, look->seed + 1));
}

static struct colour paint_jacket(const struct person_look *look, const struct surface *s)
{
    float h = s->pos.y / look->height, front = s->pos.x;
    float shade = 0.86f + 0.28f * fbm2(s->pos.z * 14 + front * 9, s->pos.y * 14, 3, look->seed);

    if (s->limb->group == GROUP_TRUNK) {
        if (front > 0.02f && fabsf(s->pos.z) < 0.010f)
            shade *= 0.5f;
        if (front > 0.0f && fabsf(h - 0.60f) < 0.006f && fabsf(fabsf(s->pos.z) - 0.10f) < 0.05f)
            shade *= 0.6f;
        if (h < 0.525f)
            shade *= 0.72f;
        if (h > 0.82f)
            shade *= 0.85f;
    } else if (s->limb->rb < 0.04f && s->along > 0.88f) {
        shade *= 0.65f; /* cuff */
    }
    return colour_scale(look->jacket, shade);
}

static struct colour paint_trousers(const struct person_look *look, const struct surface *s)
{
    float worn = fbm2(s->along * 4 + s->across, s->across * 3, 3, look->seed + 9);
    float seam = fabsf(s->across) > 0.86f ? 0.8f : 1.0f;

    return colour_scale(look->trousers, seam * (0.75f + 0.5f * worn));
}

static struct colour paint(const void *opaque, const struct surface *s)
{
    const struct person_look *look = opaque;

    switch (s->limb->material) {
    case SKIN:
        return look->skin;
    case HEAD:
        return paint_face(look, s);
    case JACKET:
        return paint_jacket(look, s);
    case TROUSERS:
        return paint_trousers(look, s);
    case SHOE:
        return s->pos.y < 0.03f ? colour_scale(RGB(.7f, .7f, .68f), look->shoes.g > 0.5f ? 0.5f : 0.8f)
                                : look->shoes;
    case HOOD:
        return colour_scale(look->jacket, 0.9f);
    default:
        return colour_scale(look->bag, 0.8f + 0.4f * noise2(s->pos.y * 20, s->pos.x * 20, look->seed));
    }
}

/* The point `length` from p, `angle` forward of straight down. */
static struct vec3 swing(const struct body *b, struct vec3 p, float length, float angle, float outward)
{
    return vec3_add(p, body_point(b, sinf(angle) * length, -cosf(angle) * length, outward));
}

static void add_leg(struct body *b, const struct person_look *look, float side, float phase)
{
    float H = look->height, w = look->build;
    float bend = fmaxf(0.0f, cosf(phase + 0.4f)), thigh = 0.06f + 0.42f * sinf(phase),
          knee = 0.10f + 0.95f * bend * bend;
    float shin = thigh - knee, foot = shin * 0.75f * bend + 0.25f * fmaxf(0.0f, sinf(phase)) * (1.0f - bend);
    int group = side > 0 ? GROUP_LEG_L : GROUP_LEG_R;
    struct vec3 hip = body_point(b, 0, 0.52f * H, side * 0.052f * H);
    struct vec3 knee_at = swing(b, hip, 0.245f * H, thigh, 0), ankle = swing(b, knee_at, 0.235f * H, shin, 0);
    struct vec3 heel = swing(b, ankle, 0.022f * H, shin - 0.5f, 0);
    struct vec3 ball = swing(b, heel, 0.105f * H, 1.5708f + foot, 0),
                toe = swing(b, ball, 0.028f * H, 1.5f + foot * 0.5f, 0);

    body_limb(b, hip, knee_at, 0.053f * H * w, 0.036f * H * w, group, TROUSERS)->folds = 0.014f;
    body_limb(b, knee_at, ankle, 0.037f * H * w, 0.028f * H * w, group, TROUSERS)->folds = 0.020f;
    body_limb(b, heel, ball, 0.022f * H, 0.021f * H, group, SHOE);
    body_limb(b, ball, toe, 0.021f * H, 0.015f * H, group, SHOE);
}

static void add_arm(struct body *b, const struct person_look *look, float side, float phase)
{
    float H = look->height, w = look->build, upper = -0.42f * sinf(phase) - 0.05f;
    float fore = upper + 0.35f + 0.22f * fmaxf(0.0f, -sinf(phase));
    int group = side > 0 ? GROUP_ARM_L : GROUP_ARM_R;
    struct vec3 shoulder = body_point(b, 0, 0.80f * H, side * 0.112f * H * w);
    struct vec3 elbow = swing(b, shoulder, 0.165f * H, upper, side * 0.022f * H);
    struct vec3 wrist = swing(b, elbow, 0.145f * H, fore, side * 0.004f * H);
    struct vec3 hand = swing(b, wrist, 0.050f * H, fore + 0.1f, 0),
                fingers = swing(b, hand, 0.030f * H, fore + 0.5f, 0);

    body_limb(b, shoulder, elbow, 0.036f * H * w, 0.029f * H * w, group, JACKET)->folds = 0.014f;
    body_limb(b, elbow, wrist, 0.029f * H * w, 0.022f * H * w, group, JACKET)->folds = 0.014f;
    body_limb(b, wrist, hand, 0.017f * H, 0.020f * H, group, SKIN);
    body_limb(b, hand, fingers, 0.019f * H, 0.012f * H, group, SKIN);
}

static void add_trunk(struct body *b, const struct person_look *look)
{
    float H = look->height, w = look->build;

    /* Two rows of limbs beside each other make the chest wider than deep. */
    for (int side = -1; side <= 1; side += 2) {
        float s = (float)side;
        body_limb(b, body_point(b, 0.01f, 0.50f * H, s * 0.040f * H * w),
                  body_point(b, 0.00f, 0.64f * H, s * 0.032f * H * w), 0.064f * H * w, 0.058f * H * w,
                  GROUP_TRUNK, JACKET)
            ->folds = 0.018f;
        body_limb(b, body_point(b, 0, 0.64f * H, s * 0.032f * H * w),
                  body_point(b, 0.005f, 0.765f * H, s * 0.052f * H * w), 0.059f * H * w, 0.061f * H * w,
                  GROUP_TRUNK, JACKET)
            ->folds = 0.014f;
        body_limb(b, body_point(b, 0, 0.800f * H, s * 0.100f * H * w),
                  body_point(b, 0, 0.845f * H, s * 0.025f * H), 0.040f * H * w, 0.032f * H, GROUP_TRUNK,
                  JACKET);
    }
}

static void add_head(struct body *b, const struct person_look *look)
{
    float H = look->height;
    struct vec3 crown = body_point(b, 0.005f, 0.948f * H, 0), chin = body_point(b, 0.022f, 0.900f * H, 0);

    body_limb(b, body_point(b, -0.01f, 0.82f * H, 0), body_point(b, 0.012f, 0.885f * H, 0), 0.034f * H,
              0.031f * H, GROUP_HEAD, SKIN);
    body_limb(b, crown, chin, 0.052f * H, 0.042f * H, GROUP_HEAD, HEAD);
    body_limb(b, body_point(b, -0.02f, 0.945f * H, 0), body_point(b, 0.01f, 0.95f * H, 0), 0.052f * H,
              0.050f * H, GROUP_HEAD, HEAD);
    body_limb(b, body_point(b, 0.078f, 0.922f * H, 0), body_point(b, 0.092f, 0.908f * H, 0), 0.010f * H,
              0.011f * H, GROUP_HEAD, SKIN);
    if (look->headgear == 1) /* the peak of a cap */
        body_limb(b, body_point(b, 0.08f, 0.957f * H, 0), body_point(b, 0.15f, 0.950f * H, 0), 0.030f * H,
                  0.012f * H, GROUP_HEAD, BAG);
    if (look->headgear == 2)
        for (int side = -1; side <= 1; side++)
            body_limb(b, body_point(b, -0.055f, 0.955f * H, (float)side * 0.03f),
                      body_point(b, -0.05f, 0.85f * H, (float)side * 0.05f), 0.050f * H, 0.045f * H,
                      GROUP_BAG, HOOD)
                ->folds = 0.01f;
    else if (look->long_hair)
        body_limb(b, body_point(b, -0.05f, 0.93f * H, 0), body_point(b, -0.075f, 0.84f * H, 0), 0.046f * H,
                  0.036f * H, GROUP_HEAD, HEAD)
            ->folds = 0.01f;
}

struct body person_pose(const struct person_look *look, float heading, float walked)
{
    struct body b = body_new(heading);
    float phase = 2.0f * PI_F * walked / person_stride(look), H = look->height;

    b.paint = paint;
    b.look = look;
    b.seed = look->seed;
    add_leg(&b, look, 1, phase);
    add_leg(&b, look, -1, phase + PI_F);
    add_trunk(&b, look);
    add_arm(&b, look, 1, phase);
    add_arm(&b, look, -1, phase + PI_F);
    add_head(&b, look);
    if (look->has_bag)
        body_limb(&b, body_point(&b, -0.15f, 0.77f * H, 0), body_point(&b, -0.17f, 0.62f * H, 0), 0.075f * H,
                  0.085f * H, GROUP_BAG, BAG)
            ->folds = 0.015f;
    body_stand(&b);
    return b;
}
