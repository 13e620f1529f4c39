/* m2t's core: everything that must give the same integers on every machine, in C without dependencies.
 *
 * Each operation takes one struct that names its arrays and their lengths, checks that they fit together,
 * and then works on them alone: nothing is kept between calls, nothing is allocated, and calls may run on
 * any number of threads. src/m2t/engine/reference.py defines what each one computes. Lengths, strides and
 * positions count elements; arrays lie in the order of the machine.
 *
 * Floating point in it is one IEEE operation at a time, each rounded once: compile with -ffp-contract=off. Integers
 * follow from any floats, nan included: all are clamped before they are converted. */

#ifndef M2T_H
#define M2T_H

#include <stdint.h>

#define M2T_TILE_COLUMNS 32       /* outputs and slots are padded to multiples of it */
#define M2T_RESIDUAL_LIMIT 1048576 /* largest magnitude in the entropy network's stream */
#define M2T_WEIGHT_SUM 16384       /* what attention weights sum to, about */
#define M2T_HIDDEN_STEPS 64        /* the head's inner sums count in this part of what follows */
#define M2T_STREAM_LIMIT 32767     /* largest magnitude in the transforms' 16-bit streams */
#define M2T_TOKEN_LIMIT 16777216   /* largest magnitude of a token */
#define M2T_MAX_RUN 8192           /* inputs in a run whose bytes are no multiple of four */
#define M2T_MAX_COMPONENTS 8       /* of a mixture */
#define M2T_MEAN_LIMIT 2097152     /* largest magnitude of a mixture's mean, in 1/64 */

typedef enum {
    M2T_OK,
    M2T_TRUNCATED,   /* the coded bytes end too early */
    M2T_CORRUPT,     /* the coded bytes hold a symbol out of range */
    M2T_BAD_MIXTURE, /* weights that do not sum up, means out of range */
    M2T_BAD_CALL     /* arrays that do not fit together, an operation or level that there is not */
} m2t_status;

/* ---- instruction sets ---- */

/* The operations for one instruction set. */
typedef struct m2t_level m2t_level;

/* Levels are numbered from 0, which any processor has; higher ones are faster. */
int m2t_num_levels(void);
const m2t_level *m2t_open_level(int level); /* NULL: this build or this processor does not have it */
const char *m2t_level_name(const m2t_level *level);

/* Runs the operations on fixed numbers and hashes what comes out, check by check: equal on every machine and
 * level, or something is wrong. */
#define M2T_NUM_CHECKS 13
uint64_t m2t_check(const m2t_level *level, int check);

/* ---- products ---- */

typedef enum { /* what becomes of sum * multiplier + bias, product and sum rounded to float32 once each */
    M2T_RAW,       /* float: as it is */
    M2T_ROUNDED,   /* float: to the nearest integer, halves to even; so are all that follow */
    M2T_ADDED,     /* float: added to what is there, within M2T_RESIDUAL_LIMIT */
    M2T_HIDDEN,    /* int8: with `prepared` added, through ReLU, divided by M2T_HIDDEN_STEPS */
    M2T_SATURATED, /* int8: clamped to -127..127 */
    M2T_RELU,      /* int8: clamped to 0..127 */
    M2T_CURVE,     /* int8: clamped to -127..127, through the table `curve` */
    M2T_STREAM,    /* int16: clamped to M2T_STREAM_LIMIT */
    M2T_STREAM_ADDED, /* int16: added to what is there, clamped to M2T_STREAM_LIMIT */
    M2T_TOKENS,    /* int32: clamped to M2T_TOKEN_LIMIT */
    M2T_NUM_FINISHES
} m2t_finish;

/* Sums of products of windows of x with weights: layers, and convolutions of any kernel and stride. The
 * window of the output in row i, column j starts at x[i * x_row + j * x_column] and is `num_runs` runs of
 * `run` inputs, `x_run` apart; its results go to out[i * out_row + j * out_column + (0 .. num_outputs - 1)].
 * Sums wrap around at 32 bits. Exact: weights of 8 bits within -63..63, and those of 16 without -32768. */
typedef struct {
    int64_t bits; /* of inputs and weights: 8 or 16 */
    int64_t finish;
    int64_t num_rows, num_columns, num_outputs;
    int64_t num_runs, run, x_run;
    int64_t x_row, x_column;
    int64_t out_row, out_column;
    int64_t prepared_row; /* `prepared` has a row of num_outputs for each column; one row of outputs only */
    int64_t x_length, weights_bytes, multiplier_length, bias_length, prepared_length, curve_length, out_length;
    const void *x;
    const void *weights; /* as m2t_pack leaves them */
    const float *multiplier, *bias;
    const float *prepared;
    const int8_t *curve; /* 255 entries, for -127 to 127 */
    void *out;
} m2t_conv;

m2t_status m2t_run_conv(const m2t_level *level, const m2t_conv *conv);

/* Bytes that packed weights (num_outputs, num_inputs) take. */
int64_t m2t_packed_bytes(int64_t bits, int64_t num_outputs, int64_t num_inputs);

/* Weights (num_outputs, num_inputs), int8 or int16, into the order in which m2t_run_conv reads them. */
m2t_status m2t_pack(int64_t bits, int64_t num_outputs, int64_t num_inputs, const void *weights,
                    int64_t weights_length, void *packed, int64_t packed_bytes);

/* ---- norms ---- */

/* int8 of (x - mean) gain / deviation + bias; without bias, of x gain / rms(x). x (num_rows, width) float. */
typedef struct {
    int64_t num_rows, width;
    int64_t x_length, gain_length, bias_length, out_length; /* bias_length 0: none */
    double eps;
    const float *x, *gain, *bias;
    int8_t *out;
} m2t_norm;

m2t_status m2t_run_norm(const m2t_level *level, const m2t_norm *norm);

/* The same without bias for a picture of 16-bit places: place (i, j) at x[i * x_row + j * x_column]. */
typedef struct {
    int64_t num_rows, num_columns, width;
    int64_t x_row, x_column, out_row, out_column;
    int64_t x_length, gain_length, out_length;
    double eps;
    const int16_t *x;
    const float *gain;
    int8_t *out;
} m2t_stream_norm;

m2t_status m2t_run_stream_norm(const m2t_level *level, const m2t_stream_norm *norm);

/* ---- attention ---- */

typedef struct {
    int64_t first, count; /* rows of this call */
    int64_t base, before; /* where its slots start in the cache; how many it holds already */
} m2t_span;               /* a window; the next one's base ends its part of the cache */

typedef struct {
    int64_t num_heads, num_rows, num_spans;
    float steps;    /* entries of the table of exponentials per unit of a product */
    float attended; /* units of the output per unit of weighted sum */
    int64_t qkv_length, spans_length, limits_length, exponentials_length;
    int64_t keys_length, values_length, out_length, scratch_bytes;
    const int8_t *qkv;          /* (num_rows, 3 width) */
    const m2t_span *spans;      /* num_spans, and one whose base is the end of the cache */
    const int32_t *limits;      /* (num_rows) how many slots of its window each row sees; they ascend */
    const int32_t *exponentials; /* ends with 0 */
    int16_t *keys, *values;     /* caches of all windows: slots times width, slots times padded width; how they
                                 * are filled is the level's own affair */
    int8_t *out;                /* (num_rows, width) */
    void *scratch;              /* of m2t_attention_scratch() bytes */
} m2t_attention;

m2t_status m2t_run_attention(const m2t_level *level, const m2t_attention *attention);
int64_t m2t_attention_scratch(const m2t_attention *attention);

/* ---- mixtures ---- */

typedef struct {
    int64_t num_rows, num_components, num_channels;
    int64_t raw_length, means_unit_length, rungs_offset_length, exponentials_length;
    int64_t means_length, scales_length, weights_length;
    const float *raw;                         /* (num_rows, 3, num_components, num_channels) */
    const float *means_unit, *rungs_offset;   /* (num_channels) */
    const int32_t *exponentials;
    int32_t *means; /* (num_rows, num_channels, num_components), as are the next two */
    uint8_t *scales;
    uint16_t *weights;
} m2t_mixture;

m2t_status m2t_run_mixture(const m2t_level *level, const m2t_mixture *mixture);

/* ---- symbols to bytes ---- */

#define M2T_PHI_ENTRIES 2049
#define M2T_NUM_SIGMAS 256
#define M2T_MAX_PUSHES 4 /* words per symbol at most: escape, length, two halves of the excess */

typedef struct {
    int64_t num_symbols, num_components;
    int64_t means_length, scales_length, weights_length, phi_length, inverse_sigmas_length;
    const int32_t *means; /* (num_symbols, num_components), as are the next two */
    const uint8_t *scales;
    const uint16_t *weights;
    const uint32_t *phi, *inverse_sigmas; /* the tables of docs/format.md */
} m2t_symbols;

/* Writes words from the end of `words`, which holds 4 M2T_MAX_PUSHES bytes per symbol; *first: where they
 * start. The last symbol goes first. */
m2t_status m2t_encode(const m2t_symbols *model, const int32_t *symbols, uint64_t *state,
                      uint8_t *words, int64_t words_bytes, int64_t *first);

/* Reads num_symbols symbols from data[*position ..]. */
m2t_status m2t_decode(const m2t_symbols *model, const uint8_t *data, int64_t num_bytes,
                      int64_t *position, uint64_t *state, int32_t *symbols);

/* ---- moves ---- */

#define M2T_BITS_ENTRIES 4096

/* Each symbol, or one of its neighbours where that saves more bits than it costs: a step up costs slope +
 * curvature bits, a step down curvature - slope. A zero stays where |slope| <= curvature. */
typedef struct {
    int64_t symbols_length, slopes_length, curvatures_length, bits_length, out_length; /* num_symbols each */
    const int32_t *symbols;
    const float *slopes, *curvatures;
    const double *bits; /* M2T_BITS_ENTRIES: -log2 of 1/2 to 1 */
    int32_t *out;
} m2t_moves;

m2t_status m2t_move(const m2t_symbols *model, const m2t_moves *moves);

/* ---- pictures ---- */

/* Tokens (num_rows, num_columns, num_channels) times a gain per channel, rounded, as a 16-bit picture. */
typedef struct {
    int64_t num_rows, num_columns, num_channels;
    int64_t out_row, out_column;
    int64_t tokens_length, gains_length, out_length;
    const int32_t *tokens;
    const float *gains;
    int16_t *out;
} m2t_scale;

m2t_status m2t_run_scale(const m2t_level *level, const m2t_scale *scale);

/* A painted picture to bytes: values v of 1/64 of a level around the middle to (v + 8192) >> 6, clamped.
 * Place (i, j) of x holds num_lines lines of `line` values each: bytes j * line .. of line i * num_lines .. */
typedef struct {
    int64_t num_rows, num_columns, num_lines, line;
    int64_t height, width_bytes; /* of the picture: what lies beyond is dropped */
    int64_t x_row, x_column, out_row;
    int64_t x_length, out_length;
    const int16_t *x;
    uint8_t *out;
} m2t_pixels;

m2t_status m2t_run_pixels(const m2t_level *level, const m2t_pixels *pixels);

/* ---- squared errors ---- */

#define M2T_STRIDE 16 /* pixels along a token's side */

/* What a change of each pixel costs in squared error. Lengths, and strides from row to row, count elements. */
typedef struct {
    int64_t height, width;
    int64_t x_stride, x_hat_stride, slopes_stride;
    int64_t x_length, x_hat_length, slopes_length;
    const uint8_t *x;     /* (height, width, 3) RGB */
    const int16_t *x_hat; /* as x; painted, not clamped */
    float *slopes;        /* as x: the gradient, by x_hat as pixels of 0 to 1, summed over pixels */
} m2t_squared;

m2t_status m2t_squared_slopes(const m2t_squared *squared);

/* Mean square of slopes (height, width, 3) in each token. */
typedef struct {
    int64_t height, width, slopes_stride, slopes_length, out_length;
    const float *slopes;
    float *out; /* one for each token, those at the right and lower edge included */
} m2t_energies;

m2t_status m2t_token_energies(const m2t_energies *energies);

/* ---- what the eye sees ---- */

/* What a change of each pixel costs the eye, in a block of a picture: the gradient of a mixture of squared
 * error and of a distance that agrees with what people see. src/m2t/engine/eye.py defines it. */

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

m2t_status m2t_run_eye(const m2t_level *level, const m2t_eye *eye);

#endif
