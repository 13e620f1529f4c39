/* What the eye sees, for any processor; and the checks. */

#include "eye.h"

#define NAME(name) name##_any
#include "eye_ops.h"

static int is_side(int64_t side)
{
    return side >= M2T_EYE_SMALLEST && side <= M2T_EYE_LARGEST;
}

/* Whether the rows of a picture lie within an array. */
static int holds(const m2t_eye *eye, int64_t length, int64_t stride)
{
    return stride >= 3 * eye->width && stride <= (int64_t)1 << 40 &&
           length >= (eye->height - 1) * stride + 3 * eye->width;
}

int64_t m2t_eye_scratch(int64_t height, int64_t width)
{
    eye_work work;
    return is_side(height) && is_side(width) ? eye_layout(NULL, height, width, &work) : -1;
}

int m2t_eye_slopes(const m2t_eye *eye)
{
    if (!is_side(eye->height) || !is_side(eye->width) || !holds(eye, eye->x_length, eye->x_stride) ||
        !holds(eye, eye->x_hat_length, eye->x_hat_stride) ||
        !holds(eye, eye->slopes_length, eye->slopes_stride) ||
        eye->light_length != M2T_EYE_LEVELS || eye->light_slopes_length != M2T_EYE_LEVELS ||
        eye->scratch_bytes < m2t_eye_scratch(eye->height, eye->width))
        return 1;
    eye_slopes_any(eye);
    return 0;
}
