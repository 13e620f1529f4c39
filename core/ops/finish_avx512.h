/* What becomes of sums, by AVX-512: compilers make a dozen instructions of each clamp. */

static ALWAYS_INLINE __m512 NAME(limited_16)(__m512 x, float limit)
{
    return _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(limit)), _mm512_set1_ps(-limit));
}

static ALWAYS_INLINE __m512 NAME(round_16)(__m512 x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_CUR_DIRECTION);
}

/* Bytes within 0 or -127 to 127. */
static ALWAYS_INLINE void NAME(bytes_16)(int8_t *out, __mmask16 some, __m512 x,
                                         const int positive)
{
    x = positive ? _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(127)), _mm512_setzero_ps())
                 : NAME(limited_16)(x, 127);
    _mm_mask_storeu_epi8(out, some, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}

/* 16 outputs from `start` on, or some of them, from their values before rounding. */
static ALWAYS_INLINE void NAME(finish_16)(const int finish, void *all, int64_t start, __mmask16 some,
                                          __m512 exact, const float *prepared)
{
    const __m512 value = finish == M2T_RAW ? exact : NAME(round_16)(exact);
    if (finish == M2T_RAW || finish == M2T_ROUNDED) {
        _mm512_mask_storeu_ps((float *)all + start, some, value);
    } else if (finish == M2T_ADDED) {
        float *out = (float *)all + start;
        const __m512 total = _mm512_add_ps(_mm512_maskz_loadu_ps(some, out), value);
        _mm512_mask_storeu_ps(out, some, NAME(limited_16)(total, M2T_RESIDUAL_LIMIT));
    } else if (finish == M2T_STREAM || finish == M2T_STREAM_ADDED) {
        int16_t *out = (int16_t *)all + start;
        __m512 total = value;
        if (finish == M2T_STREAM_ADDED) {
            const __m512i before = _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(some, out));
            total = _mm512_add_ps(_mm512_cvtepi32_ps(before), value);
        }
        total = NAME(limited_16)(total, M2T_STREAM_LIMIT);
        _mm256_mask_storeu_epi16(out, some, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(total)));
    } else if (finish == M2T_TOKENS) {
        const __m512 limited = NAME(limited_16)(value, M2T_TOKEN_LIMIT);
        _mm512_mask_storeu_epi32((int32_t *)all + start, some, _mm512_cvtps_epi32(limited));
    } else if (finish == M2T_HIDDEN) {
        const __m512 total = _mm512_add_ps(_mm512_maskz_loadu_ps(some, prepared), value);
        /* A power of two: as good as a division. */
        const __m512 share = _mm512_mul_ps(total, _mm512_set1_ps(1.0f / M2T_HIDDEN_STEPS));
        NAME(bytes_16)((int8_t *)all + start, some, NAME(round_16)(share), 1);
    } else {
        NAME(bytes_16)((int8_t *)all + start, some, value, finish == M2T_RELU);
    }
}

/* See finish_of in conv.h. */
static ALWAYS_INLINE void NAME(finish_of)(const int finish, const int count, const m2t_conv *c,
                                          int64_t row, int64_t column, int rows, int64_t first,
                                          const int32_t *sums, const int32_t *excess)
{
    const int64_t out_column = c->out_column, prepared_row = c->prepared_row;
    const int64_t start = row * c->out_row + column * out_column + first;
    void *out = c->out;
    for (int part = 0; part < count; part += 16) {
        const int left = count - part;
        const __mmask16 some = (__mmask16)(left < 16 ? 0xffff >> (16 - left) : 0xffff);
        const __m512 multiplier = _mm512_maskz_loadu_ps(some, c->multiplier + first + part);
        const __m512 bias = _mm512_maskz_loadu_ps(some, c->bias + first + part);
        for (int r = 0; r < rows; r++) {
            const float *prepared = NULL;
            if (finish == M2T_HIDDEN)
                prepared = c->prepared + (column + r) * prepared_row + first + part;
            const __m512i all = _mm512_loadu_si512(sums + r * TILE_COLS + part);
            const __m512i right = _mm512_sub_epi32(all, _mm512_set1_epi32(excess[r]));
            const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(right), multiplier);
            NAME(finish_16)(finish, out, start + r * out_column + part, some,
                            _mm512_add_ps(scaled, bias), prepared);
        }
    }
    for (int r = 0; finish == M2T_CURVE && r < rows; r++) {
        int8_t *values = (int8_t *)out + start + r * out_column;
        for (int j = 0; j < count; j++)
            values[j] = c->curve[values[j] + 127];
    }
}
