/* Tokens on their way into the synthesis, and painted values on their way out. */

static void NAME(scale)(const m2t_scale *c)
{
    const int32_t *tokens = c->tokens;
    for (int64_t row = 0; row < c->num_rows; row++)
        for (int64_t column = 0; column < c->num_columns; column++, tokens += c->num_channels) {
            int16_t *out = c->out + row * c->out_row + column * c->out_column;
            for (int64_t i = 0; i < c->num_channels; i++)
                out[i] = (int16_t)NAME(limited)(ROUND((float)tokens[i] * c->gains[i]), M2T_STREAM_LIMIT);
        }
}

/* 1/64 of a level around the middle, to a level. */
static inline uint8_t NAME(level)(int16_t value)
{
    const int32_t level = (value + 8192 + 65536) / 64 - 1024; /* the quotient of a positive number */
    return (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
}

static ALWAYS_INLINE void NAME(line_of)(const m2t_pixels *c, const int64_t line, const int16_t *x, uint8_t *out)
{
    const int64_t whole = c->width_bytes / line, x_column = c->x_column, rest = c->width_bytes % line;
    for (int64_t j = 0; j < whole; j++)
        for (int64_t i = 0; i < line; i++)
            out[j * line + i] = NAME(level)(x[j * x_column + i]);
    for (int64_t i = 0; i < rest; i++)
        out[whole * line + i] = NAME(level)(x[whole * x_column + i]);
}

static void NAME(pixels)(const m2t_pixels *c)
{
    for (int64_t row = 0; row < c->num_rows; row++)
        for (int64_t k = 0; k < c->num_lines && row * c->num_lines + k < c->height; k++) {
            const int16_t *x = c->x + row * c->x_row + k * c->line;
            uint8_t *out = c->out + (row * c->num_lines + k) * c->out_row;
            if (c->line == 12) /* as a rule: its loop is unrolled */
                NAME(line_of)(c, 12, x, out);
            else
                NAME(line_of)(c, c->line, x, out);
        }
}
