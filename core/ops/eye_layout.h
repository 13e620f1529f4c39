/* The eye's constants, and where everything lies in its scratch memory. */

#ifndef EYE_LAYOUT_H
#define EYE_LAYOUT_H

#include "../m2t.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { EYE_X, EYE_Y, EYE_B, EYE_COLOURS };
enum { EYE_STRUCTURE, EYE_ADDED, EYE_LOST, EYE_MAPS };
enum {
    EYE_SCALES = 5,
    EYE_WEIGHTS = 9,  /* at most, of a scale */
    EYE_REACH = 5,    /* of smoothing, in pixels */
    EYE_RING = 16,    /* rows that are kept until they are smoothed; more than twice EYE_REACH */
    EYE_MARGIN = 16,  /* zeros beside a row; at least EYE_REACH */
    EYE_ALIGNMENT = 64
};

typedef struct {
    int colour, norm, map; /* norm: 1 or 4; 0 after the last one */
    double weight;
} eye_weight;

static const eye_weight EYE_TABLE[EYE_SCALES][EYE_WEIGHTS + 1] = {
    {{EYE_Y, 4, EYE_STRUCTURE, 7.4668903}, {EYE_Y, 4, EYE_LOST, 17.445834}},
    {{EYE_X, 4, EYE_STRUCTURE, 1.1041726},
     {EYE_Y, 4, EYE_STRUCTURE, 6.6836781},
     {EYE_Y, 4, EYE_LOST, 1.0278899}},
    {{EYE_X, 4, EYE_STRUCTURE, 1.8422456},
     {EYE_X, 4, EYE_ADDED, 11.441173},
     {EYE_Y, 1, EYE_STRUCTURE, 225.20515},
     {EYE_Y, 4, EYE_STRUCTURE, 19.213238}},
    {{EYE_X, 4, EYE_STRUCTURE, 1.8787595},
     {EYE_X, 4, EYE_ADDED, 10.94907},
     {EYE_Y, 1, EYE_STRUCTURE, 176.39318},
     {EYE_Y, 4, EYE_STRUCTURE, 24.43301},
     {EYE_Y, 4, EYE_ADDED, 0.28520803},
     {EYE_B, 4, EYE_STRUCTURE, 8.8269828},
     {EYE_B, 4, EYE_ADDED, 23.192433}},
    {{EYE_X, 1, EYE_ADDED, 0.96779371},
     {EYE_X, 4, EYE_ADDED, 0.9981767},
     {EYE_Y, 4, EYE_STRUCTURE, 34.779063},
     {EYE_Y, 4, EYE_ADDED, 44.835625},
     {EYE_B, 1, EYE_STRUCTURE, 95.10805},
     {EYE_B, 1, EYE_ADDED, 0.9863978},
     {EYE_B, 1, EYE_LOST, 0.98343828},
     {EYE_B, 4, EYE_ADDED, 171.26673},
     {EYE_B, 4, EYE_LOST, 0.98078589}},
};

/* A loop along a row: what it writes is not what it reads, unless at the same place. */
#if defined(__clang__)
#define EYE_FREE _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define EYE_FREE _Pragma("GCC ivdep")
#else
#define EYE_FREE
#endif
#define EYE_EACH(j, count) EYE_FREE for (int64_t j = 0; j < (count); j++)

#define EYE_PADDED(width) (((width) + 15) / 16 * 16)
#define EYE_SHARE 0.8
#define EYE_RATE 2.4
#define EYE_TOTAL 0.9562382616834844
#define EYE_FIRST 2.326765642916932
#define EYE_SECOND (-0.020884521182843837)
#define EYE_THIRD 6.248496625763138e-05
#define EYE_BIAS ((float)0.0037930732552754493)
#define EYE_BIAS_ROOT 0.15595420054924862
#define EYE_C2 ((float)0.0009)
#define EYE_THIRD_PART ((float)(1.0 / 3))
#define EYE_FOUR_THIRDS ((float)(4.0 / 3))
#define EYE_SQUARED ((float)((1 - EYE_SHARE) * 2 / 3 * 255 / 64))
#define EYE_ROOT_START 1419911936.0f

static const float EYE_OPSIN[3][3] = {
    {(float)0.30, (float)0.622, (float)0.078},
    {(float)0.23, (float)0.692, (float)0.078},
    {(float)0.24342268924547819, (float)0.20476744424496821, (float)0.55180986650955360},
};
static const float EYE_TAPS[EYE_REACH + 1] = {
    (float)0.2660117248617943,   (float)0.21300553771125366,   (float)0.1093606895097,
    (float)0.03600077212843082, (float)0.007598758135239184, (float)0.001028380084479109,
};

/* One colour at one scale: planes, as eye.py has them. */
typedef struct {
    float *x, *x_hat, *mean, *drift;
    float *ratio;   /* on the way back what edges add to the gradient */
    float *inverse; /* on the way back the gradient */
} eye_plane;

typedef struct {
    int64_t height, width, pitch; /* pitch: from row to row of every plane */
    float *light[2][3];           /* of x and of x_hat, later its gradient; not of the first scale */
    float *root_slopes[3];        /* of x_hat */
    eye_plane planes[EYE_COLOURS]; /* those that have weights */
} eye_scale;

typedef struct {
    const m2t_eye *eye;
    int num_scales;
    eye_scale scales[EYE_SCALES];
    double norms[EYE_SCALES][EYE_WEIGHTS];
    float light_of[256];               /* of the levels of x */
    float *light[2][3][2];             /* of the first scale: two rows, even and odd */
    float *roots[3], *unused;          /* rows, as those below */
    float *blurred[4], *structure, *edges;
    float *padded;                     /* a row between two margins */
    float *rings[3];
    int32_t *levels;                   /* a row of pixels */
    double *sums[EYE_WEIGHTS];
} eye_work;

static int eye_has(int scale, int colour)
{
    for (const eye_weight *w = EYE_TABLE[scale]; w->norm; w++)
        if (w->colour == colour)
            return 1;
    return 0;
}

typedef struct {
    char *base; /* NULL: only count */
    int64_t used;
} eye_space;

static void *eye_take(eye_space *space, int64_t bytes)
{
    char *taken = space->base ? space->base + space->used : NULL;
    space->used += (bytes + EYE_ALIGNMENT - 1) / EYE_ALIGNMENT * EYE_ALIGNMENT;
    return taken;
}

static void eye_place_scale(eye_space *space, int number, eye_scale *s)
{
    const int64_t bytes = s->height * s->pitch * (int64_t)sizeof(float);
    for (int i = 0; i < 6 && number > 0; i++)
        s->light[i / 3][i % 3] = eye_take(space, bytes);
    for (int i = 0; i < (eye_has(number, EYE_B) ? 3 : 2); i++)
        s->root_slopes[i] = eye_take(space, bytes);
    for (int colour = 0; colour < EYE_COLOURS; colour++)
        if (eye_has(number, colour)) {
            eye_plane *plane = &s->planes[colour];
            plane->x = eye_take(space, bytes);
            plane->x_hat = eye_take(space, bytes);
            plane->mean = eye_take(space, bytes);
            plane->drift = eye_take(space, bytes);
            plane->ratio = eye_take(space, bytes);
            plane->inverse = eye_take(space, bytes);
        }
}

static void eye_place_rows(eye_space *space, int64_t pitch, eye_work *w)
{
    const int64_t bytes = pitch * (int64_t)sizeof(float);
    for (int i = 0; i < 12; i++)
        w->light[i / 6][i / 2 % 3][i % 2] = eye_take(space, bytes);
    for (int i = 0; i < 3; i++)
        w->roots[i] = eye_take(space, bytes);
    w->unused = eye_take(space, bytes);
    for (int i = 0; i < 4; i++)
        w->blurred[i] = eye_take(space, bytes);
    w->structure = eye_take(space, bytes);
    w->edges = eye_take(space, bytes);
    w->padded = eye_take(space, bytes + 2 * EYE_MARGIN * (int64_t)sizeof(float));
    for (int i = 0; i < 3; i++)
        w->rings[i] = eye_take(space, EYE_RING * bytes);
    w->levels = eye_take(space, 3 * bytes);
    for (int i = 0; i < EYE_WEIGHTS; i++)
        w->sums[i] = eye_take(space, 2 * bytes);
}

/* Fills *w for a block of this size; returns how much scratch memory it takes. Scratch may be NULL. */
static int64_t eye_layout(void *scratch, int64_t height, int64_t width, eye_work *w)
{
    eye_space space = {NULL, EYE_ALIGNMENT};
    if (scratch) /* the next multiple, less the first EYE_ALIGNMENT that are counted */
        space.base = (char *)scratch - (uintptr_t)scratch % EYE_ALIGNMENT;
    memset(w, 0, sizeof *w);
    eye_place_rows(&space, EYE_PADDED(width), w);
    int64_t shorter = height < width ? height : width;
    for (int i = 0; i < EYE_SCALES && shorter >= M2T_EYE_SMALLEST; i++) {
        if (i > 0) {
            height = (height + 1) / 2;
            width = (width + 1) / 2;
        }
        eye_scale *s = &w->scales[w->num_scales++];
        s->height = height;
        s->width = width;
        s->pitch = EYE_PADDED(width);
        eye_place_scale(&space, i, s);
        shorter = height < width ? height : width;
    }
    return space.used;
}

#endif
