/* The self-test: every operation on fixed numbers, its result hashed. engine/fastest.py has the hashes that are
 * expected; tests/engine/ compares each operation with the reference. */

#include "check.h"

/* Layers of 8 bits, 37 inputs and 70 outputs, with every finish of theirs. */
static int check_layers(Check *c)
{
    int8_t x[9 * 37], weights[70 * 37], bytes[9 * 70], curve[255], packed[96 * 40];
    float multiplier[70], bias[70], prepared[9 * 70], floats[9 * 70];
    DRAW(x, 127);
    DRAW(weights, 63);
    DRAW(curve, 127);
    DRAW_FLOATS(multiplier, 1 << 20, (float)(1 << 24));
    DRAW_FLOATS(bias, 1 << 20, (float)(1 << 16));
    DRAW_FLOATS(prepared, 1 << 14, 1.0f);
    if (m2t_pack(8, 70, 37, weights, COUNT(weights), packed, COUNT(packed)))
        return 0;
    m2t_conv conv = {.bits = 8, .num_rows = 1, .num_columns = 9, .num_outputs = 70, .num_runs = 1,
                     .run = 37, .x_column = 37, .out_column = 70, .prepared_row = 70,
                     .x_length = COUNT(x), .weights_bytes = COUNT(packed), .multiplier_length = 70,
                     .bias_length = 70, .prepared_length = COUNT(prepared), .curve_length = 255,
                     .out_length = 9 * 70, .x = x, .weights = packed, .multiplier = multiplier,
                     .bias = bias, .prepared = prepared, .curve = curve};
    for (int finish = M2T_RAW; finish <= M2T_CURVE; finish++) {
        const int is_float = finish <= M2T_ADDED;
        memcpy(floats, prepared, sizeof floats);
        conv.finish = finish;
        conv.out = is_float ? (void *)floats : (void *)bytes;
        if (m2t_run_conv(c->level, &conv))
            return 0;
        if (is_float)
            add_floats(c, floats, COUNT(floats));
        else
            ADD(bytes, 1);
    }
    return 1;
}

/* Convolutions 3x3 over 2x35 places of 64 channels with a border, to 40 channels: they fill the largest tiles. */
static int check_conv(Check *c, int bits)
{
    int8_t x8[4 * 37 * 64], weights8[40 * 576];
    int16_t x16[4 * 37 * 64], weights16[40 * 576], stream[2 * 35 * 40];
    int32_t tokens[2 * 35 * 40];
    char packed[64 * 576 * 2];
    float multiplier[40], bias[40];
    DRAW(x8, 127);
    DRAW(weights8, 63);
    DRAW(x16, 32767);
    DRAW(weights16, 32767);
    DRAW(stream, 32767);
    DRAW_FLOATS(multiplier, 1 << 20, bits == 8 ? 1 << 24 : (float)(1 << 30) * 64);
    DRAW_FLOATS(bias, 1 << 20, (float)(1 << 10));
    const int64_t num_bytes = m2t_packed_bytes(bits, 40, 576);
    const void *weights = bits == 8 ? (void *)weights8 : (void *)weights16;
    if (m2t_pack(bits, 40, 576, weights, 40 * 576, packed, num_bytes))
        return 0;
    m2t_conv conv = {.bits = bits, .num_rows = 2, .num_columns = 35, .num_outputs = 40, .num_runs = 3,
                     .run = 192, .x_run = 37 * 64, .x_row = 37 * 64, .x_column = 64,
                     .out_row = 35 * 40, .out_column = 40, .x_length = COUNT(x8),
                     .weights_bytes = num_bytes, .multiplier_length = 40, .bias_length = 40,
                     .out_length = COUNT(stream), .x = bits == 8 ? (void *)x8 : (void *)x16,
                     .weights = packed, .multiplier = multiplier, .bias = bias};
    for (int finish = M2T_STREAM_ADDED; finish >= M2T_STREAM; finish--) {
        conv.finish = finish;
        conv.out = stream;
        if (m2t_run_conv(c->level, &conv))
            return 0;
        ADD(stream, 2);
    }
    conv.finish = M2T_TOKENS;
    conv.out = tokens;
    if (m2t_run_conv(c->level, &conv))
        return 0;
    ADD(tokens, 4);
    return 1;
}

static int check_norm(Check *c, int with_bias)
{
    float x[5 * 384], gain[384], bias[384];
    int8_t out[5 * 384];
    for (int i = 0; i < COUNT(x); i++) /* rows of very different scales */
        x[i] = (float)(draw(c, M2T_RESIDUAL_LIMIT) >> i / 384 * 4);
    DRAW_FLOATS(gain, 1 << 20, (float)(1 << 14));
    DRAW_FLOATS(bias, 1 << 20, (float)(1 << 16));
    const m2t_norm norm = {.num_rows = 5, .width = 384, .eps = 0.5, .x_length = COUNT(x),
                           .gain_length = 384, .bias_length = with_bias ? 384 : 0,
                           .out_length = COUNT(out), .x = x, .gain = gain, .bias = bias, .out = out};
    if (m2t_run_norm(c->level, &norm))
        return 0;
    ADD(out, 1);
    return 1;
}

static int check_stream_norm(Check *c)
{
    int16_t x[3 * 4 * 20];
    int8_t out[3 * 4 * 20];
    float gain[20];
    DRAW(x, 32767);
    DRAW_FLOATS(gain, 1 << 20, (float)(1 << 14));
    const m2t_stream_norm norm = {.num_rows = 3, .num_columns = 4, .width = 20, .x_row = 80,
                                  .x_column = 20, .out_row = 80, .out_column = 20, .eps = 0.5,
                                  .x_length = COUNT(x), .gain_length = 20, .out_length = COUNT(out),
                                  .x = x, .gain = gain, .out = out};
    if (m2t_run_stream_norm(c->level, &norm))
        return 0;
    ADD(out, 1);
    return 1;
}

#define NUM_EXPONENTIALS 640

/* A curve that falls to 0 as exponentials do. */
static void fill_exponentials(int32_t *table)
{
    int64_t value = 16384 * 256;
    for (int i = 0; i < NUM_EXPONENTIALS; i++, value -= value / 64 + 1)
        table[i] = (int32_t)(value > 0 ? value / 256 : 0);
    table[NUM_EXPONENTIALS - 1] = 0;
}

/* Two heads of 64 channels, windows of 43 and 27 slots. */
static int check_attention(Check *c)
{
    int8_t qkv[70 * 384], out[70 * 128];
    int16_t keys[96 * 128], values[96 * 128];
    int32_t limits[70], exponentials[NUM_EXPONENTIALS], scratch[(MOST_ROWS * (128 + 6 * 64) + 6 * 128) / 4];
    const m2t_span spans[3] = {{0, 43, 0, 0}, {43, 27, 64, 0}, {0, 0, 96, 0}};
    memset(keys, 0, sizeof keys);
    memset(values, 0, sizeof values);
    DRAW(qkv, 127);
    for (int i = 0; i < 70; i++)
        limits[i] = i < 43 ? i / 7 * 7 + 1 : 27;
    fill_exponentials(exponentials);
    const m2t_attention attention = {
        .num_heads = 2, .num_rows = 70, .num_spans = 2, .steps = 0.004f, .attended = 0.0002f,
        .qkv_length = COUNT(qkv), .spans_length = 3, .limits_length = 70,
        .exponentials_length = NUM_EXPONENTIALS, .keys_length = COUNT(keys),
        .values_length = COUNT(values), .out_length = COUNT(out), .scratch_bytes = sizeof scratch,
        .qkv = qkv, .spans = spans, .limits = limits, .exponentials = exponentials, .keys = keys,
        .values = values, .out = out, .scratch = scratch};
    if (m2t_run_attention(c->level, &attention))
        return 0;
    ADD(out, 1);
    return 1;
}

static int check_mixture(Check *c)
{
    float raw[3 * 9 * 37], means_unit[37], rungs_offset[37];
    int32_t exponentials[NUM_EXPONENTIALS], means[3 * 37 * 3];
    uint8_t scales[3 * 37 * 3];
    uint16_t weights[3 * 37 * 3];
    DRAW_FLOATS(raw, 1 << 20, (float)(1 << 13));
    DRAW_FLOATS(means_unit, 1 << 20, (float)(1 << 14));
    DRAW_FLOATS(rungs_offset, 1 << 20, (float)(1 << 13));
    fill_exponentials(exponentials);
    const m2t_mixture mixture = {
        .num_rows = 3, .num_components = 3, .num_channels = 37, .raw_length = COUNT(raw),
        .means_unit_length = 37, .rungs_offset_length = 37, .exponentials_length = NUM_EXPONENTIALS,
        .means_length = COUNT(means), .scales_length = COUNT(scales), .weights_length = COUNT(weights),
        .raw = raw, .means_unit = means_unit, .rungs_offset = rungs_offset,
        .exponentials = exponentials, .means = means, .scales = scales, .weights = weights};
    if (m2t_run_mixture(c->level, &mixture))
        return 0;
    ADD(means, 4);
    ADD(scales, 1);
    ADD(weights, 2);
    return 1;
}

static int check_scale(Check *c)
{
    int32_t tokens[2 * 3 * 20];
    int16_t out[2 * 3 * 20];
    float gains[20];
    DRAW(tokens, 4096);
    DRAW_FLOATS(gains, 1 << 20, (float)(1 << 16));
    const m2t_scale scale = {.num_rows = 2, .num_columns = 3, .num_channels = 20, .out_row = 60,
                             .out_column = 20, .tokens_length = COUNT(tokens), .gains_length = 20,
                             .out_length = COUNT(out), .tokens = tokens, .gains = gains, .out = out};
    if (m2t_run_scale(c->level, &scale))
        return 0;
    ADD(out, 2);
    return 1;
}

static int check_pixels(Check *c)
{
    int16_t x[2 * 3 * 48];
    uint8_t out[7 * 35];
    DRAW(x, 16000);
    const m2t_pixels pixels = {.num_rows = 2, .num_columns = 3, .num_lines = 4, .line = 12,
                               .x_row = 144, .x_column = 48, .out_row = 35, .x_length = COUNT(x),
                               .out_length = COUNT(out), .height = 7, .width_bytes = 35, .x = x,
                               .out = out};
    if (m2t_run_pixels(c->level, &pixels))
        return 0;
    ADD(out, 1);
    return 1;
}

/* A picture, and one painted that is a little like it. */
static void draw_pair(Check *c, uint8_t *x, int16_t *x_hat, int count)
{
    for (int i = 0; i < count; i++) {
        x[i] = (uint8_t)(draw(c, 127) + 128);
        x_hat[i] = (int16_t)(64 * x[i] - M2T_EYE_WHITE + draw(c, 2000));
    }
}

/* A block of 24x20 pixels: two scales of what the eye sees. Light grows with the square of the level here.
 * It takes 200 kB of the stack. */
static int check_eye(Check *c)
{
    uint8_t x[24 * 20 * 3];
    int16_t x_hat[24 * 20 * 3];
    float slopes[24 * 20 * 3], light[M2T_EYE_LEVELS], light_slopes[M2T_EYE_LEVELS];
    uint64_t scratch[8192];
    draw_pair(c, x, x_hat, COUNT(x));
    for (int i = 0; i < M2T_EYE_LEVELS; i++) {
        const float level = (float)i / (M2T_EYE_LEVELS - 1);
        light[i] = level * level;
        light_slopes[i] = 2 * level;
    }
    const m2t_eye eye = {.height = 24, .width = 20, .x_stride = 60, .x_hat_stride = 60,
                         .slopes_stride = 60, .x_length = COUNT(x), .x_hat_length = COUNT(x_hat),
                         .light_length = M2T_EYE_LEVELS, .light_slopes_length = M2T_EYE_LEVELS,
                         .slopes_length = COUNT(slopes), .scratch_bytes = sizeof scratch, .x = x,
                         .x_hat = x_hat, .light = light, .light_slopes = light_slopes,
                         .slopes = slopes, .scratch = scratch};
    if (m2t_run_eye(c->level, &eye))
        return 0;
    add_floats(c, slopes, COUNT(slopes));
    return 1;
}

/* Of a picture of 37x21 pixels. */
static int check_errors(Check *c)
{
    uint8_t x[37 * 21 * 3];
    int16_t x_hat[37 * 21 * 3];
    float slopes[37 * 21 * 3], energies[3 * 2];
    draw_pair(c, x, x_hat, COUNT(x));
    const m2t_squared squared = {.height = 37, .width = 21, .x_stride = 63, .x_hat_stride = 63,
                                 .slopes_stride = 63, .x_length = COUNT(x), .x_hat_length = COUNT(x),
                                 .slopes_length = COUNT(x), .x = x, .x_hat = x_hat, .slopes = slopes};
    const m2t_energies mean = {.height = 37, .width = 21, .slopes_stride = 63,
                               .slopes_length = COUNT(x), .out_length = COUNT(energies),
                               .slopes = slopes, .out = energies};
    if (m2t_squared_slopes(&squared) || m2t_token_energies(&mean))
        return 0;
    add_floats(c, slopes, COUNT(slopes));
    add_floats(c, energies, COUNT(energies));
    return 1;
}

uint64_t m2t_check(const m2t_level *level, int check)
{
    Check state = {level, (uint64_t)check + 1, 14695981039346656037u}, *c = &state;
    int done = 0;
    switch (check) {
    case 0: done = check_layers(c); break;
    case 1: done = check_conv(c, 8); break;
    case 2: done = check_conv(c, 16); break;
    case 3: done = check_norm(c, 0); break;
    case 4: done = check_norm(c, 1); break;
    case 5: done = check_stream_norm(c); break;
    case 6: done = check_attention(c); break;
    case 7: done = check_mixture(c); break;
    case 8: done = check_scale(c); break;
    case 9: done = check_pixels(c); break;
    case 10: done = check_eye(c); break;
    case 11: done = m2t_check_symbols(c); break;
    case 12: done = check_errors(c); break;
    default: break;
    }
    return done ? state.hash : 0;
}
