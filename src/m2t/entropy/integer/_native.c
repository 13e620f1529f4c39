/* The integer network's operations in C, for NativeOperations (native.py), which documents them.
 *
 * Every call says which copy of the inner loops is to run (_native_levels.h), and works on its arguments
 * alone; nothing is kept between calls. */

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include "_native_levels.h"

#include "_native_arguments.h"

/* pack(weight (rows, cols) int8, packed) */
static PyObject *pack(PyObject *module, PyObject *args)
{
    Buffers b;
    (void)module;
    int ok = view(&b, args, 0, 2, 1, 1) && b.views[0].ndim == 2;
    if (ok) {
        const int64_t rows = b.views[0].shape[0], cols = b.views[0].shape[1];
        const int64_t padded = PADDED(cols, 4);
        ok = PyBuffer_IsContiguous(&b.views[0], 'C') && b.views[0].len == rows * cols &&
             b.views[1].len == PADDED(rows, TILE_COLS) * padded;
        if (ok) {
            const int8_t *weight = b.views[0].buf;
            uint8_t *packed = b.views[1].buf;
            memset(packed, 64, (size_t)b.views[1].len);
            for (int64_t i = 0; i < rows; i++)
                for (int64_t j = 0; j < cols; j++)
                    packed[(i / TILE_COLS) * TILE_COLS * padded + (j / 4) * 4 * TILE_COLS +
                           (i % TILE_COLS) * 4 + j % 4] = (uint8_t)(weight[i * cols + j] + 64);
        }
    }
    return done(&b, ok);
}

/* layer(level, mode, x, packed, multiplier, bias, prepared, curve, out); empty: not used */
static PyObject *layer(PyObject *module, PyObject *args)
{
    Buffers b;
    (void)module;
    const Operations *operations = at_level(args);
    if (operations == NULL)
        return NULL;
    const int mode = (int)number(args, 1);
    if (PyErr_Occurred())
        return NULL;
    int ok = view(&b, args, 2, 7, 1, 1 | 1 << 4) && b.views[0].ndim == 2 && mode >= RAW && mode <= CURVE;
    if (ok) {
        const Py_buffer *x = &b.views[0], *prepared = &b.views[4];
        LayerCall c = {
            .x = x->buf,
            .num_rows = x->shape[0],
            .num_inputs = x->shape[1],
            .x_stride = x->strides[0],
            .packed = b.views[1].buf,
            .multiplier = b.views[2].buf,
            .bias = b.views[3].buf,
            .num_outputs = b.views[2].len / 4,
            .mode = mode,
            .prepared = prepared->buf,
            .curve = b.views[5].buf,
            .out = b.views[6].buf,
        };
        const int64_t padded = PADDED(c.num_inputs, 4), size = mode <= ADDED ? 4 : 1;
        c.prepared_stride = prepared->ndim == 2 ? prepared->strides[0] / 4 : 0;
        ok = x->itemsize == 1 && (c.num_inputs < 2 || x->strides[1] == 1) && c.x_stride >= 0 &&
             b.views[1].len == PADDED(c.num_outputs, TILE_COLS) * padded &&
             b.views[3].len == 4 * c.num_outputs &&
             (mode != HIDDEN ||
              (prepared->ndim == 2 && prepared->itemsize == 4 && prepared->strides[1] == 4 &&
               prepared->strides[0] % 4 == 0 && c.prepared_stride >= 0 &&
               prepared->shape[0] == c.num_rows && prepared->shape[1] == c.num_outputs)) &&
             (mode != CURVE || b.views[5].len == 255) &&
             b.views[6].len == c.num_rows * c.num_outputs * size;
        c.scratch = ok ? PyMem_Malloc((size_t)(padded + 1) * TILE_ROWS) : NULL;
        if (ok && c.scratch == NULL) {
            ok = 0;
            PyErr_NoMemory();
        }
        if (ok) {
            Py_BEGIN_ALLOW_THREADS
            operations->layer(&c);
            Py_END_ALLOW_THREADS
        }
        PyMem_Free(c.scratch);
    }
    return done(&b, ok);
}

/* norm(level, eps, h, gain, bias, out); no bias: RMSNorm */
static PyObject *norm(PyObject *module, PyObject *args)
{
    Buffers b;
    (void)module;
    const Operations *operations = at_level(args);
    if (operations == NULL)
        return NULL;
    const double eps = number(args, 1);
    if (PyErr_Occurred())
        return NULL;
    int ok = view(&b, args, 2, 4, 1, 0) && b.views[1].len > 0;
    if (ok) {
        const int64_t width = b.views[1].len / 4, num_rows = b.views[3].len / width;
        ok = b.views[0].len == 4 * num_rows * width &&
             (b.views[2].len == 0 || b.views[2].len == 4 * width);
        if (ok) {
            Py_BEGIN_ALLOW_THREADS
            if (b.views[2].len)
                operations->layer_norm(b.views[0].buf, num_rows, width, b.views[1].buf,
                                       b.views[2].buf, eps, b.views[3].buf);
            else
                operations->rms_norm(b.views[0].buf, num_rows, width, b.views[1].buf, eps,
                                     b.views[3].buf);
            Py_END_ALLOW_THREADS
        }
    }
    return done(&b, ok);
}

/* Spans and limits that stay within the arrays. */
static int fits(const AttentionCall *c, int64_t num_rows, int64_t capacity, int64_t *longest)
{
    int64_t row = 0, base = 0;
    *longest = 0;
    for (int64_t s = 0; s < c->num_spans; s++) {
        const Span *span = c->spans + s;
        const int64_t size = span[1].base - span->base;
        if (span->first != row || span->count < 0 || span->count > num_rows - row ||
            span->base != base || size < 0 || size > capacity - base || size % TILE_COLS ||
            span->before < 0 || span->before > size || span->count > size - span->before)
            return 0;
        for (int64_t i = 0; i < span->count; i++)
            if (c->limits[row + i] < 1 || c->limits[row + i] > size ||
                (i && c->limits[row + i] < c->limits[row + i - 1]))
                return 0;
        row += span->count;
        base += size;
        *longest = size > *longest ? size : *longest;
    }
    return row == num_rows && base == capacity;
}

/* attention(level, num_heads, steps, attended, qkv, spans, limits, exponentials, keys, values, out) */
static PyObject *attention(PyObject *module, PyObject *args)
{
    Buffers b;
    (void)module;
    const Operations *operations = at_level(args);
    if (operations == NULL)
        return NULL;
    const int num_heads = (int)number(args, 1);
    const float steps = (float)number(args, 2), attended = (float)number(args, 3);
    if (PyErr_Occurred())
        return NULL;
    int ok = view(&b, args, 4, 7, 3, 0) && num_heads > 0 && b.views[1].len >= (int64_t)sizeof(Span) &&
             b.views[2].len > 0;
    if (ok) {
        const int64_t num_rows = b.views[2].len / 4, width = b.views[6].len / num_rows;
        AttentionCall c = {
            .qkv = b.views[0].buf,
            .spans = b.views[1].buf,
            .num_spans = b.views[1].len / (int64_t)sizeof(Span) - 1,
            .limits = b.views[2].buf,
            .keys = b.views[4].buf,
            .values = b.views[5].buf,
            .exponentials = b.views[3].buf,
            .num_exponentials = b.views[3].len / 4,
            .steps = steps,
            .attended = attended,
            .num_heads = num_heads,
            .head_width = (int)(width / num_heads),
            .out = b.views[6].buf,
        };
        const int64_t d = c.head_width, padded = PADDED(d, TILE_COLS);
        int64_t longest, capacity = width ? b.views[4].len / 2 / width : 0;
        ok = d > 0 && d % 2 == 0 && d * num_heads == width && c.num_exponentials > 0 &&
             b.views[0].len == 3 * width * num_rows && b.views[6].len == width * num_rows &&
             b.views[5].len == 2 * padded * num_heads * capacity &&
             fits(&c, num_rows, capacity, &longest);
        if (ok) {
            c.scratch = PyMem_Malloc((size_t)(TILE_ROWS * (2 * padded + 6 * longest) + 4 * longest));
            if (c.scratch == NULL)
                PyErr_NoMemory();
            ok = c.scratch != NULL;
        }
        if (ok) {
            Py_BEGIN_ALLOW_THREADS
            operations->attention(&c);
            Py_END_ALLOW_THREADS
        }
        PyMem_Free(c.scratch);
    }
    return done(&b, ok);
}

/* mixture(level, num_components, raw, means_unit, rungs_offset, exponentials, means, scales, weights) */
static PyObject *mixture(PyObject *module, PyObject *args)
{
    Buffers b;
    (void)module;
    const Operations *operations = at_level(args);
    if (operations == NULL)
        return NULL;
    const int num_components = (int)number(args, 1);
    if (PyErr_Occurred())
        return NULL;
    int ok = view(&b, args, 2, 7, 3, 0) && num_components > 0 && num_components <= MAX_COMPONENTS &&
             b.views[1].len > 0;
    if (ok) {
        MixtureCall c = {
            .raw = b.views[0].buf,
            .num_components = num_components,
            .num_channels = (int)(b.views[1].len / 4),
            .means_unit = b.views[1].buf,
            .rungs_offset = b.views[2].buf,
            .exponentials = b.views[3].buf,
            .num_exponentials = b.views[3].len / 4,
            .means = b.views[4].buf,
            .scales = b.views[5].buf,
            .weights = b.views[6].buf,
        };
        const int64_t per_row = (int64_t)c.num_channels * num_components;
        c.num_rows = b.views[5].len / per_row;
        const int64_t size = c.num_rows * per_row;
        ok = b.views[0].len == 12 * size &&
             b.views[2].len == 4 * (int64_t)c.num_channels && c.num_exponentials > 0 &&
             b.views[4].len == 4 * size && b.views[5].len == size && b.views[6].len == 2 * size;
        if (ok) {
            Py_BEGIN_ALLOW_THREADS
            operations->mixture(&c);
            Py_END_ALLOW_THREADS
        }
    }
    return done(&b, ok);
}

static PyObject *levels(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    return PyLong_FromLong(num_levels());
}

static PyMethodDef methods[] = {
    {"levels", levels, METH_NOARGS, "How many instruction sets this processor has a copy for."},
    {"pack", pack, METH_VARARGS, "pack(weight, packed)"},
    {"layer", layer, METH_VARARGS,
     "layer(level, mode, x, packed, multiplier, bias, prepared, curve, out)"},
    {"norm", norm, METH_VARARGS, "norm(level, eps, h, gain, bias, out)"},
    {"attention", attention, METH_VARARGS,
     "attention(level, num_heads, steps, attended, qkv, spans, limits, exponentials, keys, values, "
     "out)"},
    {"mixture", mixture, METH_VARARGS,
     "mixture(level, num_components, raw, means_unit, rungs_offset, exponentials, means, scales, "
     "weights)"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_native", "The integer network's operations in C.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
