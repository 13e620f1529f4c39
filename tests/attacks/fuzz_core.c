/* libFuzzer on the core's entry points: no call, whatever it says of its arrays, may leave them.
 *
 * The input is a list of calls. Sizes fit together as a rule, and then one of them may lie; arrays are as long as
 * they are said to be, so that AddressSanitizer sees each step beyond. runs/fuzz.sh builds it with libFuzzer, pytest
 * with random_core.c. Sizes that lie may overflow here, where the core must not: build it with -fwrapv, and without
 * UndefinedBehaviorSanitizer. */

#include "m2t.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MOST_ARRAYS 16

typedef struct {
    const uint8_t *data;
    size_t left;
    void *arrays[MOST_ARRAYS];
    int num_arrays;
} Input;

static unsigned byte(Input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->data++;
}

/* 1 .. most, or rarely something else. */
static int64_t size(Input *in, int64_t most)
{
    static const int64_t odd[] = {0, -1, INT64_MAX, INT64_MIN, (int64_t)1 << 40, ((int64_t)1 << 40) + 1, 1 << 20};
    const unsigned b = byte(in);
    return b < 8 && byte(in) < 64 ? odd[b % COUNT(odd)] : 1 + b % most;
}

/* An array of `length` elements of `width` bytes; NULL where it could not be. Its length may be changed first. */
static void *array(Input *in, int64_t *length, int64_t width)
{
    if (byte(in) < 4)
        *length += (int8_t)byte(in);
    const int64_t num_bytes = *length > 0 && *length < 1 << 16 ? *length * width : 0;
    if (num_bytes == 0)
        *length = *length < 0 ? -1 : 0;
    uint8_t *result = malloc(num_bytes ? (size_t)num_bytes : 1);
    const unsigned seed = byte(in);
    for (int64_t i = 0; i < num_bytes; i++)
        result[i] = (uint8_t)(in->left > 64 ? byte(in) : seed * 31 + (unsigned)i * 17);
    in->arrays[in->num_arrays++] = result;
    return result;
}

static void conv(Input *in, const m2t_level *level)
{
    m2t_conv c = {.bits = byte(in) & 1 ? 8 : 16, .finish = byte(in) % (M2T_NUM_FINISHES + 1)};
    c.num_rows = size(in, 3), c.num_columns = size(in, 40), c.num_outputs = size(in, 70);
    c.num_runs = size(in, 3), c.run = size(in, 24);
    if (byte(in) < 200)
        c.run *= 4;
    c.x_run = size(in, 30) + c.run, c.x_column = size(in, 24), c.x_row = size(in, 600);
    c.out_column = c.num_outputs, c.out_row = c.num_outputs * c.num_columns;
    c.prepared_row = c.num_outputs;
    if (c.num_runs > 8 || c.run > 1000 || c.num_rows > 8 || c.num_columns > 100 || c.num_outputs > 100 ||
        c.num_runs < 0 || c.run < 0 || c.num_rows < 0 || c.num_columns < 0 || c.num_outputs < 0) {
        c.x_length = c.weights_bytes = c.out_length = 100; /* nothing of this fits */
    } else {
        c.x_length = (c.num_rows - 1) * c.x_row + (c.num_columns - 1) * c.x_column + (c.num_runs - 1) * c.x_run + c.run;
        c.weights_bytes = m2t_packed_bytes(c.bits, c.num_outputs, c.num_runs * c.run);
        c.out_length = c.num_rows * c.out_row;
        c.prepared_length = c.num_columns * c.num_outputs;
    }
    c.multiplier_length = c.bias_length = c.num_outputs < 100 ? c.num_outputs : 100;
    c.curve_length = 255;
    const int out_width = c.finish <= M2T_ADDED || c.finish >= M2T_TOKENS ? 4 : c.finish <= M2T_CURVE ? 1 : 2;
    c.x = array(in, &c.x_length, c.bits / 8);
    c.weights = array(in, &c.weights_bytes, 1);
    c.multiplier = array(in, &c.multiplier_length, 4), c.bias = array(in, &c.bias_length, 4);
    c.prepared = array(in, &c.prepared_length, 4), c.curve = array(in, &c.curve_length, 1);
    c.out = array(in, &c.out_length, out_width);
    m2t_run_conv(level, &c);
}

static void norms(Input *in, const m2t_level *level)
{
    m2t_norm c = {.num_rows = size(in, 5), .width = size(in, 70), .eps = byte(in) / 16.0};
    c.x_length = c.out_length = c.num_rows < 100 && c.width < 100 && c.num_rows > 0 ? c.num_rows * c.width : 9;
    c.gain_length = c.width < 100 ? c.width : 100;
    c.bias_length = byte(in) & 1 ? c.gain_length : 0;
    c.x = array(in, &c.x_length, 4), c.gain = array(in, &c.gain_length, 4);
    c.bias = array(in, &c.bias_length, 4), c.out = array(in, &c.out_length, 1);
    m2t_run_norm(level, &c);
    m2t_stream_norm s = {.num_rows = size(in, 3), .num_columns = size(in, 5), .width = size(in, 40), .eps = c.eps};
    s.x_column = s.out_column = s.width, s.x_row = s.out_row = size(in, 300);
    s.x_length = s.out_length = size(in, 255) * 4, s.gain_length = s.width < 100 ? s.width : 100;
    s.x = array(in, &s.x_length, 2), s.gain = array(in, &s.gain_length, 4), s.out = array(in, &s.out_length, 1);
    m2t_run_stream_norm(level, &s);
}

static void attention(Input *in, const m2t_level *level)
{
    m2t_attention c = {.num_heads = size(in, 4), .num_spans = 1 + byte(in) % 2, .steps = 0.01f, .attended = 0.01f};
    const int64_t d = byte(in) < 40 ? 64 : 2 * size(in, 20), count = size(in, 20), before = byte(in) % 20;
    const int64_t slots = (before + count + M2T_TILE_COLUMNS - 1) / M2T_TILE_COLUMNS * M2T_TILE_COLUMNS;
    if (c.num_heads < 1 || c.num_heads > 9 || d < 1 || d > 90 || count < 1 || count > 99)
        return;
    const int64_t width = d * c.num_heads, padded = (d + M2T_TILE_COLUMNS - 1) / M2T_TILE_COLUMNS * M2T_TILE_COLUMNS;
    c.num_rows = count * c.num_spans, c.limits_length = c.num_rows, c.spans_length = c.num_spans + 1;
    c.qkv_length = 3 * c.num_rows * width, c.out_length = c.num_rows * width;
    c.keys_length = c.num_spans * slots * width, c.values_length = c.num_spans * slots * padded * c.num_heads;
    c.exponentials_length = 1 + byte(in);
    m2t_span *spans = calloc((size_t)c.num_spans + 1, sizeof *spans);
    in->arrays[in->num_arrays++] = spans;
    for (int64_t s = 0; s <= c.num_spans; s++)
        spans[s] = (m2t_span){s * count, s < c.num_spans ? count : 0, s * slots, before};
    c.spans = spans;
    c.qkv = array(in, &c.qkv_length, 1), c.limits = array(in, &c.limits_length, 4);
    for (int64_t i = 0; i < c.limits_length; i++)
        ((int32_t *)c.limits)[i] = (int32_t)(before + 1 + i % count);
    c.exponentials = array(in, &c.exponentials_length, 4);
    for (int64_t i = 0; i < c.exponentials_length; i++)
        ((int32_t *)c.exponentials)[i] = (int32_t)((c.exponentials_length - 1 - i) * 50);
    c.keys = array(in, &c.keys_length, 2), c.values = array(in, &c.values_length, 2);
    c.out = array(in, &c.out_length, 1);
    if (byte(in) < 60) /* a field that lies */
        ((int64_t *)spans)[byte(in) % (4 * c.num_spans + 4)] += (int8_t)byte(in);
    if (byte(in) < 30 && c.limits_length > 0)
        ((int32_t *)c.limits)[byte(in) % c.limits_length] += (int8_t)byte(in);
    c.scratch_bytes = m2t_attention_scratch(&c);
    if (c.scratch_bytes < 0)
        return;
    c.scratch = malloc((size_t)c.scratch_bytes + 1);
    in->arrays[in->num_arrays++] = c.scratch;
    m2t_run_attention(level, &c);
}

static void mixture(Input *in, const m2t_level *level)
{
    m2t_mixture c = {.num_rows = size(in, 4), .num_components = size(in, 9), .num_channels = size(in, 40)};
    const int64_t per_row = c.num_components > 0 && c.num_components < 99 && c.num_channels < 99
                                ? c.num_components * c.num_channels : 1;
    c.scales_length = c.num_rows > 0 && c.num_rows < 99 ? c.num_rows * per_row : 5;
    c.means_length = c.weights_length = c.scales_length, c.raw_length = 3 * c.scales_length;
    c.means_unit_length = c.rungs_offset_length = c.num_channels < 99 ? c.num_channels : 99;
    c.exponentials_length = 1 + byte(in);
    c.raw = array(in, &c.raw_length, 4), c.means_unit = array(in, &c.means_unit_length, 4);
    c.rungs_offset = array(in, &c.rungs_offset_length, 4), c.exponentials = array(in, &c.exponentials_length, 4);
    for (int64_t i = 0; i < c.exponentials_length; i++)
        ((int32_t *)c.exponentials)[i] = (int32_t)((c.exponentials_length - i) * 60);
    c.means = array(in, &c.means_length, 4), c.scales = array(in, &c.scales_length, 1);
    c.weights = array(in, &c.weights_length, 2);
    m2t_run_mixture(level, &c);
}

/* Symbols out of any bytes, back into bytes, and moved. */
static void symbols(Input *in)
{
    m2t_symbols m = {.num_symbols = size(in, 60), .num_components = size(in, 9)};
    const int64_t n = m.num_symbols, k = m.num_components;
    m.scales_length = n > 0 && n < 99 && k > 0 && k < 99 ? n * k : 1;
    m.means_length = m.weights_length = m.scales_length;
    m.phi_length = M2T_PHI_ENTRIES, m.inverse_sigmas_length = M2T_NUM_SIGMAS;
    m.means = array(in, &m.means_length, 4), m.scales = array(in, &m.scales_length, 1);
    m.weights = array(in, &m.weights_length, 2);
    uint32_t phi[M2T_PHI_ENTRIES], sigmas[M2T_NUM_SIGMAS];
    for (int i = 0; i < M2T_PHI_ENTRIES; i++) /* any that ascends will do */
        phi[i] = (uint32_t)((uint64_t)i << 30 >> 11);
    for (int i = 0; i < M2T_NUM_SIGMAS; i++)
        sigmas[i] = 1u << (i % 31);
    m.phi = phi, m.inverse_sigmas = sigmas;
    for (int64_t i = 0; i < m.scales_length && i < m.weights_length && i < m.means_length; i++) {
        ((uint16_t *)m.weights)[i] = (uint16_t)(k > 0 && i % k ? 0 : 1 << 15);
        if (byte(in) < 250)
            ((int32_t *)m.means)[i] %= M2T_MEAN_LIMIT + 1;
    }
    int64_t num_symbols = n > 0 && n < 99 ? n : 0, num_bytes = size(in, 255), position = byte(in) < 4 ? size(in, 9) : 0;
    int64_t words_bytes = 4 * M2T_MAX_PUSHES * num_symbols, first;
    uint64_t state = (uint64_t)byte(in) << 56 | (uint64_t)byte(in) << 33 | (byte(in) < 250 ? (uint64_t)1 << 32 : 0);
    num_bytes = num_bytes > 0 && num_bytes < 300 ? num_bytes : 0;
    const uint8_t *data = array(in, &num_bytes, 1);
    int32_t *out = malloc(4 * (size_t)num_symbols + 1);
    in->arrays[in->num_arrays++] = out;
    if (m2t_decode(&m, data, num_bytes, &position, &state, out) == M2T_OK && num_symbols == m.num_symbols) {
        uint8_t *words = array(in, &words_bytes, 1);
        state = (uint64_t)1 << 32;
        m2t_encode(&m, out, &state, words, words_bytes, &first);
    }
}

static void pictures(Input *in, const m2t_level *level)
{
    m2t_pixels p = {.num_rows = size(in, 4), .num_columns = size(in, 5), .num_lines = size(in, 4), .line = size(in, 13)};
    p.height = size(in, 16), p.width_bytes = size(in, 60), p.x_column = size(in, 60), p.x_row = size(in, 250);
    p.out_row = size(in, 70), p.x_length = 4 * size(in, 255), p.out_length = 4 * size(in, 255);
    p.x = array(in, &p.x_length, 2), p.out = array(in, &p.out_length, 1);
    m2t_run_pixels(level, &p);
    m2t_scale s = {.num_rows = size(in, 4), .num_columns = size(in, 5), .num_channels = size(in, 20)};
    s.out_row = size(in, 100), s.out_column = size(in, 20), s.gains_length = s.num_channels < 99 ? s.num_channels : 99;
    s.tokens_length = s.num_rows > 0 && s.num_rows < 9 && s.num_columns < 9 && s.num_channels < 99
                          ? s.num_rows * s.num_columns * s.num_channels : 3;
    s.out_length = 4 * size(in, 255);
    s.tokens = array(in, &s.tokens_length, 4), s.gains = array(in, &s.gains_length, 4);
    s.out = array(in, &s.out_length, 2);
    m2t_run_scale(level, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes)
{
    Input in = {.data = data, .left = num_bytes};
    for (int i = 0; i < 4 && in.left; i++) {
        const m2t_level *level = m2t_open_level((int)(byte(&in) % (unsigned)m2t_num_levels()));
        level = level ? level : m2t_open_level(0);
        switch (byte(&in) % 6) {
        case 0: conv(&in, level); break;
        case 1: norms(&in, level); break;
        case 2: attention(&in, level); break;
        case 3: mixture(&in, level); break;
        case 4: symbols(&in); break;
        default: pictures(&in, level);
        }
        while (in.num_arrays)
            free(in.arrays[--in.num_arrays]);
    }
    return 0;
}
