/* What a change of each pixel costs the eye, in a block of a picture: the gradient of a mixture of squared
 * error and of a distance that agrees with what people see. src/m2t/engine/eye.py defines it, to the last bit.
 *
 * Floating point in it is one IEEE operation at a time, each rounded once: compile with -ffp-contract=off. */

#ifndef M2T_EYE_H
#define M2T_EYE_H

#include <stdint.h>

#define M2T_EYE_SMALLEST 8 /* sides of a block, in pixels */
#define M2T_EYE_LARGEST 384
#define M2T_EYE_WHITE 8160 /* of a painted picture: in 1/64 of a level around the middle; black is -8160 */
#define M2T_EYE_LEVELS (2 * M2T_EYE_WHITE + 1)

/* Lengths, and strides from row to row, count elements. */
typedef struct {
    int64_t height, width;
    int64_t x_stride, x_hat_stride, slopes_stride;
    int64_t x_length, x_hat_length, light_length, light_slopes_length, slopes_length, scratch_bytes;
    const uint8_t *x;          /* (height, width, 3) RGB */
    const int16_t *x_hat;      /* as x; painted, not clamped */
    const float *light;        /* linear light of M2T_EYE_LEVELS levels from black to white */
    const float *light_slopes; /* what it grows by, for pixels of 0 to 1 */
    float *slopes;             /* as x: the gradient, by x_hat as pixels of 0 to 1, summed over pixels */
    void *scratch;             /* of m2t_eye_scratch() bytes */
} m2t_eye;

/* Bytes of scratch memory for a block; -1: it is too small or too large. */
int64_t m2t_eye_scratch(int64_t height, int64_t width);

/* Fills slopes. Returns 0, or 1 where arrays do not fit together: then nothing is written. */
int m2t_eye_slopes(const m2t_eye *eye);

#endif
