/* The eye's maps of a colour at a scale, and their norms. */

/* Row i of what is smoothed: the error, its square, and the squares of both. */
static void NAME(eye_products)(const eye_work *w, const eye_scale *s, const eye_plane *plane, int64_t i)
{
    const float *x = plane->x + i * s->pitch, *x_hat = plane->x_hat + i * s->pitch;
    const int64_t kept = i % EYE_RING * s->pitch;
    float *error = w->rings[0] + kept, *square = w->rings[1] + kept;
    float *both = w->rings[2] + kept;
    EYE_EACH(j, s->width) {
        const float difference = x[j] - x_hat[j];
        error[j] = difference;
        square[j] = difference * difference;
        both[j] = x[j] * x[j] + x_hat[j] * x_hat[j];
    }
}

/* Row i of the maps, from what was smoothed. */
static void NAME(eye_maps)(const eye_work *w, const eye_scale *s, const eye_plane *plane, int64_t i)
{
    const int64_t start = i * s->pitch;
    const float *x = plane->x + start, *x_hat = plane->x_hat + start;
    const float *mean = plane->mean + start, *drift = plane->drift + start;
    const float *squares = w->blurred[0], *products = w->blurred[1];
    float *ratios = plane->ratio + start, *inverses = plane->inverse + start;
    float *structure = w->structure, *edges = w->edges;
    EYE_EACH(j, s->width) {
        const float mean_x = mean[j] + drift[j], squared = drift[j] * drift[j];
        const float both = products[j] - mean_x * mean_x;
        const float inverse = 1.0f / ((both - mean[j] * mean[j]) + EYE_C2);
        const float ratio = (squares[j] - squared) * inverse;
        const float edge = fabsf(x_hat[j] - mean[j]), edge_x = fabsf(x[j] - mean_x);
        inverses[j] = inverse;
        ratios[j] = ratio;
        structure[j] = ratio + squared * (1.0f - ratio);
        edges[j] = (edge - edge_x) / (1.0f + edge_x);
    }
}

/* Adds a row of a map, or its fourth powers, to the sums of its columns. */
static void NAME(eye_add)(const float *map, float sign, int norm, int64_t width, double *sums)
{
    if (norm == 1)
        EYE_EACH(j, width) {
            const float value = sign * map[j];
            sums[j] += (double)(0.5f * (value + fabsf(value))); /* exact: it, or zero */
        }
    else
        EYE_EACH(j, width) {
            const float value = sign * map[j], doubled = value + fabsf(value);
            const float square = (0.5f * doubled) * (0.5f * doubled);
            sums[j] += (double)(square * square);
        }
}

/* The planes and norms of a colour. */
static void NAME(eye_compare)(eye_work *w, int number, int colour)
{
    const eye_scale *s = &w->scales[number];
    const eye_plane *plane = &s->planes[colour];
    const eye_weight *weights = EYE_TABLE[number];
    for (int k = 0; weights[k].norm; k++)
        memset(w->sums[k], 0, (size_t)s->width * sizeof(double));
    for (int64_t i = 0; i < s->height + EYE_REACH; i++) {
        const int64_t ready = i - EYE_REACH;
        if (i < s->height)
            NAME(eye_products)(w, s, plane, i);
        if (ready < 0)
            continue;
        NAME(eye_blur)(w, s, plane->x_hat, s->height, ready, plane->mean + ready * s->pitch);
        NAME(eye_blur)(w, s, w->rings[0], EYE_RING, ready, plane->drift + ready * s->pitch);
        NAME(eye_blur)(w, s, w->rings[1], EYE_RING, ready, w->blurred[0]);
        NAME(eye_blur)(w, s, w->rings[2], EYE_RING, ready, w->blurred[1]);
        NAME(eye_maps)(w, s, plane, ready);
        for (int k = 0; weights[k].norm; k++)
            if (weights[k].colour == colour)
                NAME(eye_add)(weights[k].map == EYE_STRUCTURE ? w->structure : w->edges,
                              weights[k].map == EYE_LOST ? -1.0f : 1.0f, weights[k].norm, s->width,
                              w->sums[k]);
    }
    for (int k = 0; weights[k].norm; k++) {
        if (weights[k].colour != colour)
            continue;
        double sum = 0;
        for (int64_t j = 0; j < s->width; j++) /* not EYE_EACH: in this order */
            sum += w->sums[k][j];
        sum /= (double)(s->height * s->width);
        w->norms[number][k] = weights[k].norm == 1 ? sum : sqrt(sqrt(sum + 1e-20));
    }
}

/* What the distance grows by, per weighted norm. */
static double NAME(eye_distance_slope)(const eye_work *w)
{
    double total = 0;
    for (int i = 0; i < w->num_scales; i++)
        for (int k = 0; EYE_TABLE[i][k].norm; k++) {
            const double norm = w->norms[i][k];
            total += EYE_TABLE[i][k].weight * (EYE_TABLE[i][k].norm == 1 ? norm : norm - 1e-5);
        }
    total *= EYE_TOTAL;
    return EYE_TOTAL * (EYE_FIRST + total * (2 * EYE_SECOND + total * (3 * EYE_THIRD)));
}
