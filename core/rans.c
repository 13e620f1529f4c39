/* rANS over integer Gaussian mixtures. src/m2t/rans/reference.py is its twin and documents it;
 * docs/format.md defines the arithmetic. */

#include "gaussians.h"

#define STATE_LOW ((uint64_t)1 << 32)

static int bit_length(uint32_t value)
{
    int length = 0;
    for (; value; value >>= 1)
        length++;
    return length;
}

/* ---- encoder: last in, first out, so that words are written from the end of a buffer ---- */

typedef struct {
    uint64_t state;
    uint8_t *next;
} Stack;

static inline void push(Stack *stack, uint32_t start, uint32_t freq)
{
    if ((stack->state >> (64 - PROBABILITY_BITS)) >= freq) {
        uint32_t word = (uint32_t)stack->state;
        stack->next -= 4;
        for (int i = 0; i < 4; i++)
            stack->next[i] = (uint8_t)(word >> (8 * i));
        stack->state >>= 32;
    }
    stack->state = ((stack->state / freq) << PROBABILITY_BITS) + stack->state % freq + start;
}

static void push_bits(Stack *stack, uint32_t value, int num_bits)
{
    if (num_bits > 0)
        push(stack, value << (PROBABILITY_BITS - num_bits),
             (uint32_t)1 << (PROBABILITY_BITS - num_bits));
}

static void push_excess(Stack *stack, uint32_t excess)
{
    uint32_t value = excess + 1;
    int num_bits = bit_length(value) - 1; /* those below the leading one */
    int num_high = num_bits > 16 ? num_bits - 16 : 0;
    int num_low = num_bits - num_high;
    value -= (uint32_t)1 << num_bits;
    push_bits(stack, value & (((uint32_t)1 << num_low) - 1), num_low);
    push_bits(stack, value >> num_low, num_high);
    push_bits(stack, (uint32_t)num_bits, 5);
}

static ALWAYS_INLINE m2t_status encode_of(const int num_components, Stack *stack,
                                          const m2t_symbols *model, const int32_t *symbols)
{
    Row row;
    for (int64_t i = model->num_symbols - 1; i >= 0; i--) {
        if (!prepare(&row, model, i, num_components))
            return M2T_BAD_MIXTURE;
        int64_t x = symbols[i], highest = row.lowest + SPAN - 1;
        if (x <= row.lowest) {
            push_excess(stack, (uint32_t)(row.lowest - x));
            x = row.lowest;
        } else if (x >= highest) {
            push_excess(stack, (uint32_t)(x - highest));
            x = highest;
        }
        uint32_t start = cdf(&row, x, num_components);
        push(stack, start, cdf(&row, x + 1, num_components) - start);
    }
    return M2T_OK;
}

m2t_status m2t_encode(const m2t_symbols *model, const int32_t *symbols, uint64_t *state,
                      uint8_t *words, int64_t words_bytes, int64_t *first)
{
    if (!fits_symbols(model) || model->num_symbols > words_bytes / (4 * M2T_MAX_PUSHES))
        return M2T_BAD_CALL;
    Stack stack = {*state, words + words_bytes};
    /* Three components, as models usually have, are worth a copy of their own: its loops are unrolled. */
    const m2t_status status = model->num_components == 3
                                  ? encode_of(3, &stack, model, symbols)
                                  : encode_of((int)model->num_components, &stack, model, symbols);
    *state = stack.state;
    *first = stack.next - words;
    return status;
}

/* ---- decoder ---- */

typedef struct {
    uint64_t state;
    const uint8_t *data;
    int64_t position, num_bytes;
} Reader;

static inline uint32_t slot(const Reader *reader)
{
    return (uint32_t)reader->state & (((uint32_t)1 << PROBABILITY_BITS) - 1);
}

static inline int pop(Reader *reader, uint32_t start, uint32_t freq)
{
    uint64_t rest = reader->state >> PROBABILITY_BITS;
    reader->state = freq * rest + (slot(reader) - start);
    if (reader->state < STATE_LOW) {
        if (reader->num_bytes - reader->position < 4)
            return 0;
        const uint8_t *bytes = reader->data + reader->position;
        uint32_t word = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                        (uint32_t)bytes[3] << 24;
        reader->state = reader->state << 32 | word;
        reader->position += 4;
    }
    return 1;
}

static int pop_bits(Reader *reader, uint32_t *value, int num_bits)
{
    *value = 0;
    if (num_bits == 0)
        return 1;
    *value = slot(reader) >> (PROBABILITY_BITS - num_bits);
    return pop(reader, *value << (PROBABILITY_BITS - num_bits),
               (uint32_t)1 << (PROBABILITY_BITS - num_bits));
}

static int pop_excess(Reader *reader, int64_t *excess)
{
    uint32_t num_bits, high, low;
    if (!pop_bits(reader, &num_bits, 5))
        return 0;
    int num_high = num_bits > 16 ? (int)num_bits - 16 : 0;
    int num_low = (int)num_bits - num_high;
    if (!pop_bits(reader, &high, num_high) || !pop_bits(reader, &low, num_low))
        return 0;
    *excess = ((int64_t)1 << num_bits) + ((int64_t)high << num_low) + low - 1;
    return 1;
}

/* The symbol whose interval holds the slot: found in doubling steps from the mean, then halving. */
static ALWAYS_INLINE int64_t find(const Row *row, uint32_t target, uint32_t *start, uint32_t *end,
                                  const int num_components)
{
    int64_t low = row->lowest + SPAN / 2, high = low + 1;
    *start = cdf(row, low, num_components);
    *end = cdf(row, high, num_components);
    /* Were the density what it is at the mean, the first step would arrive. */
    const uint32_t freq = *end - *start;
    for (int64_t step = 1 + (target - *end) / freq; target >= *end; step *= 2) {
        low = high;
        *start = *end;
        high += step;
        *end = cdf(row, high, num_components);
    }
    for (int64_t step = 1 + (*start - target) / freq; target < *start; step *= 2) {
        high = low;
        *end = *start;
        low -= step;
        *start = cdf(row, low, num_components);
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        uint32_t value = cdf(row, middle, num_components);
        if (target < value) {
            high = middle;
            *end = value;
        } else {
            low = middle;
            *start = value;
        }
    }
    return low;
}

static ALWAYS_INLINE m2t_status decode_of(const int num_components, Reader *reader,
                                          const m2t_symbols *model, int32_t *symbols)
{
    Row row;
    for (int64_t i = 0; i < model->num_symbols; i++) {
        uint32_t start, end;
        if (!prepare(&row, model, i, num_components))
            return M2T_BAD_MIXTURE;
        int64_t x = find(&row, slot(reader), &start, &end, num_components), excess;
        if (!pop(reader, start, end - start))
            return M2T_TRUNCATED;
        if (x == row.lowest || x == row.lowest + SPAN - 1) {
            if (!pop_excess(reader, &excess))
                return M2T_TRUNCATED;
            x += x == row.lowest ? -excess : excess;
            if (x < INT32_MIN || x > INT32_MAX)
                return M2T_CORRUPT;
        }
        symbols[i] = (int32_t)x;
    }
    return M2T_OK;
}

m2t_status m2t_decode(const m2t_symbols *model, const uint8_t *data, int64_t num_bytes,
                      int64_t *position, uint64_t *state, int32_t *symbols)
{
    if (!fits_symbols(model) || num_bytes < 0 || *position < 0 || *position > num_bytes)
        return M2T_BAD_CALL;
    Reader reader = {*state, data, *position, num_bytes};
    const m2t_status status = model->num_components == 3
                                  ? decode_of(3, &reader, model, symbols)
                                  : decode_of((int)model->num_components, &reader, model, symbols);
    *state = reader.state;
    *position = reader.position;
    return status;
}
