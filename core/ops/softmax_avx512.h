/* Softmax by AVX-512, which looks 16 exponentials up at once: compilers do not. */

static ALWAYS_INLINE __m512i NAME(terms_16)(const m2t_attention *c, __m512i products, __m512i largest,
                                            __mmask16 some)
{
    const __m512 last = _mm512_set1_ps((float)(c->exponentials_length - 1));
    const __m512 away = _mm512_cvtepi32_ps(_mm512_sub_epi32(largest, products));
    const __m512 drop = NAME(round_16)(_mm512_mul_ps(away, _mm512_set1_ps(c->steps)));
    const __mmask16 found = _mm512_cmp_ps_mask(drop, last, _CMP_LT_OQ) &
                            _mm512_cmp_ps_mask(drop, _mm512_setzero_ps(), _CMP_GE_OQ);
    const __m512i place = _mm512_cvtps_epi32(_mm512_mask_blend_ps(found, last, drop));
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), some, place, c->exponentials, 4);
}

/* See softmax in attention.h. */
static void NAME(softmax)(const m2t_attention *c, const int32_t *products, int64_t limit,
                          int64_t padded, int32_t *terms, int16_t *weights)
{
    const int64_t end = PADDED(limit, 16);
    const __mmask16 rest = (__mmask16)(0xffff >> (end - limit));
    __m512i most = _mm512_set1_epi32(products[0]), sums = _mm512_setzero_si512();
    for (int64_t i = 0; i < end; i += 16) {
        const __mmask16 some = i + 16 < end ? 0xffff : rest;
        most = _mm512_mask_max_epi32(most, some, most, _mm512_loadu_si512(products + i));
    }
    const __m512i largest = _mm512_set1_epi32(_mm512_reduce_max_epi32(most));
    for (int64_t i = 0; i < end; i += 16) {
        const __mmask16 some = i + 16 < end ? 0xffff : rest;
        const __m512i term = NAME(terms_16)(c, _mm512_loadu_si512(products + i), largest, some);
        _mm512_storeu_si512(terms + i, term);
        sums = _mm512_add_epi32(sums, term);
    }
    const int32_t total = _mm512_reduce_add_epi32(sums);
    const __m512 unit = _mm512_set1_ps(M2T_WEIGHT_SUM / (float)(total > 0 ? total : 1));
    for (int64_t i = 0; i < end; i += 16) {
        const __m512 term = _mm512_cvtepi32_ps(_mm512_loadu_si512(terms + i));
        const __m512i weight = _mm512_cvtps_epi32(_mm512_mul_ps(term, unit));
        _mm256_storeu_si256((__m256i *)(weights + i), _mm512_cvtepi32_epi16(weight));
    }
    memset(weights + end, 0, (size_t)(padded - end) * sizeof *weights);
}
