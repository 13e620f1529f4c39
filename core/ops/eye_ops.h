/* What the eye sees, as eye.py defines it: included once per instruction set, with NAME() defined. The
 * loops that take time run along rows, and compilers vectorise them. */

#include "eye_layout.h"

/* Choices by masks: compilers do not vectorise those that compare floats, which might trap. */
static inline int32_t NAME(eye_bits)(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float NAME(eye_float)(int32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof bits);
    return value;
}

/* All ones where a number is above zero, or is not zero. */
static inline int32_t NAME(eye_above)(float value)
{
    return -(NAME(eye_bits)(value) > 0);
}

static inline int32_t NAME(eye_any)(float value)
{
    return -((NAME(eye_bits)(value) & INT32_MAX) > 0);
}

/* ---- smoothing ---- */

/* Weighted sums of eleven rows: the middle, then outwards. */
static void NAME(eye_down)(const float *const *rows, int64_t width, float *out)
{
    const float *a5 = rows[0], *a4 = rows[1], *a3 = rows[2], *a2 = rows[3], *a1 = rows[4];
    const float *here = rows[5], *b1 = rows[6], *b2 = rows[7], *b3 = rows[8], *b4 = rows[9], *b5 = rows[10];
    EYE_EACH(j, width) {
        float sum = EYE_TAPS[0] * here[j];
        sum = sum + EYE_TAPS[1] * (a1[j] + b1[j]);
        sum = sum + EYE_TAPS[2] * (a2[j] + b2[j]);
        sum = sum + EYE_TAPS[3] * (a3[j] + b3[j]);
        sum = sum + EYE_TAPS[4] * (a4[j] + b4[j]);
        out[j] = sum + EYE_TAPS[5] * (a5[j] + b5[j]);
    }
}

/* The same along a row that has margins. */
static void NAME(eye_across)(const float *row, int64_t width, float *out)
{
    EYE_EACH(j, width) {
        float sum = EYE_TAPS[0] * row[j];
        sum = sum + EYE_TAPS[1] * (row[j - 1] + row[j + 1]);
        sum = sum + EYE_TAPS[2] * (row[j - 2] + row[j + 2]);
        sum = sum + EYE_TAPS[3] * (row[j - 3] + row[j + 3]);
        sum = sum + EYE_TAPS[4] * (row[j - 4] + row[j + 4]);
        out[j] = sum + EYE_TAPS[5] * (row[j - 5] + row[j + 5]);
    }
}

/* Row i of a plane, smoothed; only its last `kept` rows are there, in turns. */
static void NAME(eye_blur)(const eye_work *w, const eye_scale *s, const float *plane, int64_t kept,
                           int64_t i, float *out)
{
    const float *rows[2 * EYE_REACH + 1];
    for (int k = 0; k <= 2 * EYE_REACH; k++) {
        int64_t seen = (i + k - EYE_REACH + 2 * s->height * EYE_REACH) % (2 * s->height);
        seen = seen < s->height ? seen : 2 * s->height - 1 - seen;
        rows[k] = plane + seen % kept * s->pitch;
    }
    float *row = w->padded + EYE_MARGIN;
    NAME(eye_down)(rows, s->width, row);
    memset(row + s->width, 0, EYE_REACH * sizeof *row);
    NAME(eye_across)(row, s->width, out);
}

/* ---- colours ---- */

/* Light mixed by a row of the matrix: its cube root, and what that grows by. */
static void NAME(eye_cube_root)(const float *const *light, const float *mix, int64_t width,
                                float *root, float *slope)
{
    const float *red = light[0], *green = light[1], *blue = light[2];
    const float r = mix[0], g = mix[1], b = mix[2];
    EYE_EACH(j, width) {
        const float mixed = ((r * red[j] + g * green[j]) + b * blue[j]) + EYE_BIAS;
        const float third = EYE_THIRD_PART * mixed;
        const float bits = (float)NAME(eye_bits)(mixed);
        float inverse = NAME(eye_float)((int32_t)(EYE_ROOT_START - EYE_THIRD_PART * bits));
        inverse = inverse * (EYE_FOUR_THIRDS - (inverse * inverse) * (third * inverse));
        inverse = inverse * (EYE_FOUR_THIRDS - (inverse * inverse) * (third * inverse));
        inverse = inverse * (EYE_FOUR_THIRDS - (inverse * inverse) * (third * inverse));
        const float square = inverse * inverse;
        root[j] = mixed * square;
        slope[j] = EYE_THIRD_PART * square;
    }
}

/* Row i of the planes of x, or of x_hat, from its light. */
static void NAME(eye_colours)(const eye_work *w, eye_scale *s, int is_hat, const float *const *light,
                              int64_t i)
{
    const int64_t start = i * s->pitch, width = s->width;
    float *out[EYE_COLOURS];
    for (int c = 0; c < EYE_COLOURS; c++)
        out[c] = is_hat ? s->planes[c].x_hat : s->planes[c].x;
    for (int k = 0; k < (out[EYE_B] ? 3 : 2); k++)
        NAME(eye_cube_root)(light, EYE_OPSIN[k], width, w->roots[k],
                            is_hat ? s->root_slopes[k] + start : w->unused);
    const float *first = w->roots[0], *second = w->roots[1], *third = w->roots[2];
    float *y = out[EYE_Y] + start;
    EYE_EACH(j, width)
        y[j] = 0.5f * (first[j] + second[j]) + (float)(0.01 - EYE_BIAS_ROOT);
    if (out[EYE_X]) {
        float *x = out[EYE_X] + start;
        EYE_EACH(j, width)
            x[j] = 7.0f * (first[j] - second[j]) + (float)0.42;
    }
    if (out[EYE_B]) {
        float *b = out[EYE_B] + start;
        EYE_EACH(j, width)
            b[j] = (third[j] - 0.5f * (first[j] + second[j])) + (float)0.55;
    }
}

/* Two rows of light to one of the next scale; the last column counts twice where there is an odd one. */
static void NAME(eye_pool)(const float *upper, const float *lower, int64_t width, float *out)
{
    EYE_EACH(j, width / 2)
        out[j] = 0.25f * ((upper[2 * j] + lower[2 * j]) + (upper[2 * j + 1] + lower[2 * j + 1]));
    if (width % 2) {
        const float sum = upper[width - 1] + lower[width - 1];
        out[width / 2] = 0.25f * (sum + sum);
    }
}

/* Row i of the block, clamped: in 1/64 from black. */
static void NAME(eye_levels)(const eye_work *w, int64_t i)
{
    const int16_t *x_hat = w->eye->x_hat + i * w->eye->x_hat_stride;
    int32_t *levels = w->levels;
    EYE_EACH(k, 3 * w->eye->width) {
        int32_t level = x_hat[k];
        level = level < -M2T_EYE_WHITE ? -M2T_EYE_WHITE : level;
        levels[k] = (level > M2T_EYE_WHITE ? M2T_EYE_WHITE : level) + M2T_EYE_WHITE;
    }
}

/* Light of row i of the block. */
static void NAME(eye_light)(const eye_work *w, int64_t i)
{
    const uint8_t *x = w->eye->x + i * w->eye->x_stride;
    const float *light_of = w->light_of, *light_hat_of = w->eye->light;
    const int32_t *levels = w->levels;
    NAME(eye_levels)(w, i);
    for (int c = 0; c < 3; c++) {
        float *light = w->light[0][c][i % 2], *light_hat = w->light[1][c][i % 2];
        EYE_EACH(j, w->eye->width) {
            light[j] = light_of[x[3 * j + c]];
            light_hat[j] = light_hat_of[levels[3 * j + c]];
        }
    }
}

/* Everything up to the planes of a scale, and the light of the next one. */
static void NAME(eye_see)(eye_work *w, int number)
{
    eye_scale *s = &w->scales[number], *next = number + 1 < w->num_scales ? s + 1 : NULL;
    for (int64_t i = 0; i < s->height; i++) {
        if (number == 0)
            NAME(eye_light)(w, i);
        for (int p = 0; p < 2; p++) {
            const float *rows[3], *above[3];
            for (int c = 0; c < 3; c++) {
                rows[c] = number ? s->light[p][c] + i * s->pitch : w->light[p][c][i % 2];
                above[c] = number ? s->light[p][c] + (i / 2 * 2) * s->pitch : w->light[p][c][0];
            }
            NAME(eye_colours)(w, s, p, rows, i);
            if (next && (i % 2 || i + 1 == s->height))
                for (int c = 0; c < 3; c++)
                    NAME(eye_pool)(above[c], rows[c], s->width, next->light[p][c] + i / 2 * next->pitch);
        }
    }
}

#include "eye_compare.h"

#include "eye_back.h"
