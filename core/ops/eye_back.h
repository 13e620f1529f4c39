/* The eye's way back: from norms to pixels. */

/* What each map of a colour costs, per pixel of it: that times the first, its cube the second. */
static void NAME(eye_rates)(const eye_work *w, int number, int colour, double cost, float rates[EYE_MAPS][2])
{
    const eye_scale *s = &w->scales[number];
    memset(rates, 0, EYE_MAPS * sizeof *rates);
    for (int k = 0; EYE_TABLE[number][k].norm; k++) {
        const eye_weight *weight = &EYE_TABLE[number][k];
        if (weight->colour == colour) {
            const double norm = w->norms[number][k];
            const double rate = cost * weight->weight / (double)(s->height * s->width);
            rates[weight->map][weight->norm / 4] =
                (float)(weight->norm == 1 ? rate : rate / (norm * norm * norm));
        }
    }
}

/* Row i of the gradient by what was smoothed, to the rings, and by edges. */
static void NAME(eye_costs)(const eye_work *w, const eye_scale *s, const eye_plane *plane,
                            float rates[EYE_MAPS][2], int64_t i)
{
    const int64_t start = i * s->pitch, kept = i % EYE_RING * s->pitch;
    const float *x = plane->x + start, *x_hat = plane->x_hat + start;
    const float *means = plane->mean + start, *drifts = plane->drift + start;
    const float *inverses = plane->inverse + start;
    float *ratios_edges = plane->ratio + start;
    float *by_means = w->rings[0] + kept, *by_errors = w->rings[1] + kept;
    float *by_boths = w->rings[2] + kept;
    const float flat = rates[EYE_STRUCTURE][0], steep = rates[EYE_STRUCTURE][1];
    const int32_t added = NAME(eye_bits)(rates[EYE_ADDED][0]);
    const int32_t steep_added = NAME(eye_bits)(rates[EYE_ADDED][1]);
    const int32_t lost = NAME(eye_bits)(-rates[EYE_LOST][0]);
    const int32_t steep_lost = NAME(eye_bits)(-rates[EYE_LOST][1]);
    EYE_EACH(j, s->width) {
        const float mean = means[j], drift = drifts[j], ratio = ratios_edges[j];
        const float squared = drift * drift, rest = 1.0f - ratio;
        const float structure = ratio + squared * rest;
        const float structure_cost = flat + steep * ((structure * structure) * structure);
        const float cost =
            NAME(eye_float)(NAME(eye_bits)(structure_cost) & NAME(eye_above)(structure));
        const float by_error = (cost * (1.0f - squared)) * inverses[j];
        const float by_both = by_error * ratio;

        const float away = x_hat[j] - mean, edge_x = fabsf(x[j] - (mean + drift)), base = 1.0f + edge_x;
        const float edge = (fabsf(away) - edge_x) / base, size = fabsf(edge);
        const int32_t is_added = NAME(eye_above)(edge), sign = NAME(eye_bits)(away) & INT32_MIN;
        const float first = NAME(eye_float)((added & is_added) | (lost & ~is_added));
        const float third = NAME(eye_float)((steep_added & is_added) | (steep_lost & ~is_added));
        const float edge_cost = (first + third * ((size * size) * size)) / base;
        const int32_t signed_cost = NAME(eye_bits)(edge_cost) ^ sign;
        const float by_edge =
            NAME(eye_float)(signed_cost & NAME(eye_any)(edge) & NAME(eye_any)(away));

        by_means[j] = 2.0f * (mean * by_both - drift * (cost * rest - by_error)) - by_edge;
        by_errors[j] = by_error;
        by_boths[j] = by_both;
        ratios_edges[j] = by_edge;
    }
}

/* The gradient by x_hat of a colour, in the place of its plane `inverse`. */
static void NAME(eye_colour_slopes)(const eye_work *w, int number, int colour, double cost)
{
    const eye_scale *s = &w->scales[number];
    const eye_plane *plane = &s->planes[colour];
    float rates[EYE_MAPS][2];
    NAME(eye_rates)(w, number, colour, cost, rates);
    for (int64_t i = 0; i < s->height + EYE_REACH; i++) {
        const int64_t ready = i - EYE_REACH, start = ready * s->pitch;
        if (i < s->height)
            NAME(eye_costs)(w, s, plane, rates, i);
        if (ready < 0)
            continue;
        for (int k = 0; k < 3; k++)
            NAME(eye_blur)(w, s, w->rings[k], EYE_RING, ready, w->blurred[k]);
        const float *x = plane->x + start, *x_hat = plane->x_hat + start, *by_edge = plane->ratio + start;
        const float *by_mean = w->blurred[0], *by_error = w->blurred[1], *by_both = w->blurred[2];
        float *slopes = plane->inverse + start;
        EYE_EACH(j, s->width) {
            const float through = (x[j] - x_hat[j]) * by_error[j] + x_hat[j] * by_both[j];
            slopes[j] = (by_edge[j] + by_mean[j]) - 2.0f * through;
        }
    }
}

/* Row i of the gradient by cube roots, of that by colours. */
static void NAME(eye_by_roots)(const eye_work *w, const eye_scale *s, int64_t i)
{
    const int64_t start = i * s->pitch;
    const float *y = s->planes[EYE_Y].inverse + start;
    float *first = w->roots[0], *second = w->roots[1], *third = w->roots[2];
    EYE_EACH(j, s->width)
        second[j] = y[j];
    if (s->planes[EYE_B].x) {
        const float *b = s->planes[EYE_B].inverse + start;
        EYE_EACH(j, s->width) {
            second[j] = second[j] - b[j];
            third[j] = b[j];
        }
    }
    EYE_EACH(j, s->width)
        first[j] = second[j] = 0.5f * second[j];
    if (s->planes[EYE_X].x) {
        const float *x = s->planes[EYE_X].inverse + start;
        EYE_EACH(j, s->width) {
            const float step = 7.0f * x[j], grey = second[j];
            first[j] = grey + step;
            second[j] = grey - step;
        }
    }
}

/* Row i of the gradient by light, of that by cube roots. */
static void NAME(eye_by_light)(const eye_work *w, const eye_scale *s, int64_t i, float *const *out)
{
    const int64_t start = i * s->pitch;
    float *first = w->roots[0], *second = w->roots[1], *third = w->roots[2];
    for (int k = 0; k < 3 && s->root_slopes[k]; k++) {
        const float *slopes = s->root_slopes[k] + start;
        float *root = w->roots[k];
        EYE_EACH(j, s->width)
            root[j] = root[j] * slopes[j];
    }
    for (int c = 0; c < 3; c++) {
        const float part1 = EYE_OPSIN[0][c], part2 = EYE_OPSIN[1][c], part3 = EYE_OPSIN[2][c];
        float *light = out[c];
        EYE_EACH(j, s->width)
            light[j] = part1 * first[j] + part2 * second[j];
        if (s->root_slopes[2])
            EYE_EACH(j, s->width)
                light[j] = light[j] + part3 * third[j];
    }
}

/* Adds a row of the next scale's gradient to two pixels each: as eye_pool made it. */
static void NAME(eye_unpool)(const float *next, int is_alone, int64_t width, float *out)
{
    const float part = is_alone ? 0.5f : 0.25f; /* the last row counts twice where there is an odd one */
    EYE_EACH(j, width / 2) {
        const float share = part * next[j];
        out[2 * j] = out[2 * j] + share;
        out[2 * j + 1] = out[2 * j + 1] + share;
    }
    if (width % 2)
        out[width - 1] = out[width - 1] + 2.0f * part * next[width / 2];
}

/* Row i of the block's gradient, of that by its light. */
static void NAME(eye_finish)(const eye_work *w, int64_t i, float *const *by_light)
{
    const m2t_eye *eye = w->eye;
    const uint8_t *x = eye->x + i * eye->x_stride;
    const int16_t *x_hat = eye->x_hat + i * eye->x_hat_stride;
    const float *table = eye->light_slopes;
    const int32_t *levels = w->levels;
    float *slopes = eye->slopes + i * eye->slopes_stride;
    NAME(eye_levels)(w, i);
    for (int c = 0; c < 3; c++)
        EYE_EACH(j, eye->width)
            slopes[3 * j + c] = by_light[c][j] * table[levels[3 * j + c]];
    EYE_EACH(k, 3 * eye->width) {
        const float sum = slopes[k] + EYE_SQUARED * (float)(levels[k] - 64 * x[k]);
        const int32_t is_inside = -(levels[k] - M2T_EYE_WHITE == x_hat[k]);
        slopes[k] = NAME(eye_float)(NAME(eye_bits)(sum) & is_inside);
    }
}

/* Gradients by light from the smallest scale up, and the pixels'. */
static void NAME(eye_back)(const eye_work *w)
{
    for (int number = w->num_scales - 1; number >= 0; number--) {
        const eye_scale *s = &w->scales[number], *next = number + 1 < w->num_scales ? s + 1 : NULL;
        for (int64_t i = 0; i < s->height; i++) {
            float *out[3];
            for (int c = 0; c < 3; c++)
                out[c] = number ? s->light[1][c] + i * s->pitch : w->light[1][c][0];
            NAME(eye_by_roots)(w, s, i);
            NAME(eye_by_light)(w, s, i, out);
            for (int c = 0; c < 3 && next; c++)
                NAME(eye_unpool)(next->light[1][c] + i / 2 * next->pitch,
                                 i % 2 == 0 && i + 1 == s->height, s->width, out[c]);
            if (number == 0)
                NAME(eye_finish)(w, i, out);
        }
    }
}

static void NAME(eye_slopes)(const m2t_eye *eye)
{
    eye_work work;
    eye_layout(eye->scratch, eye->height, eye->width, &work);
    work.eye = eye;
    for (int i = 0; i < 256; i++)
        work.light_of[i] = eye->light[64 * i];
    memset(work.padded, 0, EYE_MARGIN * sizeof(float));
    for (int i = 0; i < work.num_scales; i++) {
        NAME(eye_see)(&work, i);
        for (int c = 0; c < EYE_COLOURS; c++)
            if (work.scales[i].planes[c].x)
                NAME(eye_compare)(&work, i, c);
    }
    const double cost = EYE_SHARE * EYE_RATE * (double)(eye->height * eye->width) *
                        NAME(eye_distance_slope)(&work);
    for (int i = 0; i < work.num_scales; i++)
        for (int c = 0; c < EYE_COLOURS; c++)
            if (work.scales[i].planes[c].x)
                NAME(eye_colour_slopes)(&work, i, c, cost);
    NAME(eye_back)(&work);
}
