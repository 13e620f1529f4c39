/* The core (core/m2t.h) for Python: buffers in, nothing kept. The core checks that arrays fit together; here
 * is only what Python needs to be told. engine/native.py gives the functions their Python names. */

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include "m2t.h"

#include <string.h>

/* ---- arguments ---- */

#define MAX_BUFFERS 10

typedef struct {
    Py_buffer views[MAX_BUFFERS];
    int count;
} Buffers;

/* Views of the arguments args[first..]; those whose bit is set in `writable` are written to, and places may
 * lie apart in those whose bit is set in `strided`. 0, with an exception set, if that cannot be. */
static int view(Buffers *buffers, PyObject *args, int first, int count, unsigned writable,
                unsigned strided)
{
    buffers->count = 0;
    if (PyTuple_Size(args) != first + count) {
        PyErr_SetString(PyExc_TypeError, "wrong number of arguments");
        return 0;
    }
    for (int i = 0; i < count; i++) {
        int flags = strided >> i & 1 ? PyBUF_STRIDED_RO : PyBUF_SIMPLE;
        flags |= writable >> i & 1 ? PyBUF_WRITABLE : 0;
        if (PyObject_GetBuffer(PyTuple_GetItem(args, first + i), &buffers->views[i], flags) < 0)
            return 0;
        buffers->count = i + 1;
    }
    return 1;
}

/* Elements of `size` bytes from a view's first to its last; -1 for what does not count in them. */
static int64_t length(const Py_buffer *view, int64_t size)
{
    if (view->strides == NULL)
        return view->len % size ? -1 : view->len / size;
    int64_t last = 0;
    for (int i = 0; i < view->ndim; i++) {
        if (view->shape[i] == 0)
            return 0;
        if (view->strides[i] < 0 || view->itemsize != size)
            return -1;
        last += (view->shape[i] - 1) * view->strides[i];
    }
    return last % size ? -1 : last / size + 1;
}

static PyObject *done(Buffers *buffers, int viewed, m2t_status status)
{
    for (int i = 0; i < buffers->count; i++)
        PyBuffer_Release(&buffers->views[i]);
    if (!viewed || PyErr_Occurred())
        return NULL;
    if (status != M2T_OK) {
        PyErr_SetString(PyExc_ValueError, "arrays do not fit together");
        return NULL;
    }
    return Py_NewRef(Py_None);
}

/* The levels that this processor has, found when the module is loaded: to ask takes long on virtual machines. */
#define MAX_LEVELS 8
static const m2t_level *LEVELS[MAX_LEVELS];
static int num_levels;

static const m2t_level *level_of(PyObject *args)
{
    PyObject *item = PyTuple_Size(args) > 0 ? PyTuple_GetItem(args, 0) : NULL;
    const long level = item == NULL ? -1 : PyLong_AsLong(item);
    if (level >= 0 && level < num_levels)
        return LEVELS[level];
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "no such level on this processor");
    return NULL;
}

/* A number among the arguments; 0 with an exception set where it is none. */
static double number(PyObject *args, int i)
{
    PyObject *item = i < PyTuple_Size(args) ? PyTuple_GetItem(args, i) : NULL;
    if (item == NULL) {
        PyErr_SetString(PyExc_TypeError, "wrong number of arguments");
        return 0;
    }
    const double value = PyFloat_AsDouble(item);
    return PyErr_Occurred() ? 0 : value;
}

/* The numbers with which a struct of the core starts, from an array of int64. */
static int sizes(const Py_buffer *view, void *into, int count)
{
    if (view->len != count * (Py_ssize_t)sizeof(int64_t)) {
        PyErr_SetString(PyExc_ValueError, "wrong number of sizes");
        return 0;
    }
    memcpy(into, view->buf, (size_t)view->len);
    return 1;
}

#define RUN(call)                                                                                  \
    do {                                                                                           \
        Py_BEGIN_ALLOW_THREADS                                                                     \
        status = call;                                                                             \
        Py_END_ALLOW_THREADS                                                                       \
    } while (0)

/* ---- products ---- */

/* pack(weight, packed, (bits, outputs, inputs)) */
static PyObject *pack(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    int64_t s[3];
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const int ok = view(&b, args, 0, 3, 2, 0) && sizes(&b.views[2], s, 3);
    if (ok)
        status = m2t_pack(s[0], s[1], s[2], b.views[0].buf, length(&b.views[0], s[0] == 8 ? 1 : 2),
                          b.views[1].buf, b.views[1].len);
    return done(&b, ok, status);
}

/* packed_bytes(bits, outputs, inputs): what packed weights take; -1 where there are no such weights */
static PyObject *packed_bytes(PyObject *module, PyObject *args)
{
    long long bits, outputs, inputs;
    (void)module;
    if (!PyArg_ParseTuple(args, "LLL", &bits, &outputs, &inputs))
        return NULL;
    return PyLong_FromLongLong(m2t_packed_bytes(bits, outputs, inputs));
}

/* conv(level, sizes, x, weights, multiplier, bias, prepared, curve, out); empty: not used */
static PyObject *conv(PyObject *module, PyObject *args)
{
    static const int64_t OUT_SIZES[] = {4, 4, 4, 1, 1, 1, 1, 2, 2, 4}; /* by m2t_finish */
    Buffers b = {.count = 0};
    m2t_conv c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const int ok = view(&b, args, 1, 8, 1 << 7, 1 << 1 | 1 << 5 | 1 << 7) && sizes(&b.views[0], &c, 13);
    if (ok && c.finish >= 0 && c.finish < M2T_NUM_FINISHES) {
        const Py_buffer *v = b.views;
        c.x = v[1].buf, c.x_length = length(&v[1], c.bits == 8 ? 1 : 2);
        c.weights = v[2].buf, c.weights_bytes = v[2].len;
        c.multiplier = v[3].buf, c.multiplier_length = length(&v[3], 4);
        c.bias = v[4].buf, c.bias_length = length(&v[4], 4);
        c.prepared = v[5].buf, c.prepared_length = length(&v[5], 4);
        c.curve = v[6].buf, c.curve_length = v[6].len;
        c.out = v[7].buf, c.out_length = length(&v[7], OUT_SIZES[c.finish]);
        RUN(m2t_run_conv(level, &c));
    }
    return done(&b, ok, status);
}

/* ---- norms ---- */

/* norm(level, eps, (rows, width), x, gain, bias, out); no bias: RMSNorm */
static PyObject *norm(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_norm c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    c.eps = number(args, 1);
    const int ok = !PyErr_Occurred() && view(&b, args, 2, 5, 1 << 4, 0) && sizes(&b.views[0], &c, 2);
    if (ok) {
        const Py_buffer *v = b.views;
        c.x = v[1].buf, c.x_length = length(&v[1], 4);
        c.gain = v[2].buf, c.gain_length = length(&v[2], 4);
        c.bias = v[3].buf, c.bias_length = length(&v[3], 4);
        c.out = v[4].buf, c.out_length = v[4].len;
        RUN(m2t_run_norm(level, &c));
    }
    return done(&b, ok, status);
}

/* stream_norm(level, eps, sizes, x, gain, out) */
static PyObject *stream_norm(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_stream_norm c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const double eps = number(args, 1);
    const int ok = !PyErr_Occurred() && view(&b, args, 2, 4, 1 << 3, 1 << 1 | 1 << 3) &&
                   sizes(&b.views[0], &c, 7);
    if (ok) {
        const Py_buffer *v = b.views;
        c.eps = eps;
        c.x = v[1].buf, c.x_length = length(&v[1], 2);
        c.gain = v[2].buf, c.gain_length = length(&v[2], 4);
        c.out = v[3].buf, c.out_length = length(&v[3], 1);
        RUN(m2t_run_stream_norm(level, &c));
    }
    return done(&b, ok, status);
}

/* ---- attention ---- */

/* attention(level, steps, attended, (heads, rows, spans), qkv, spans, limits, exponentials, keys, values,
 *           out) */
static PyObject *attention(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_attention c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const float steps = (float)number(args, 1), attended = (float)number(args, 2);
    const int ok = !PyErr_Occurred() && view(&b, args, 3, 8, 1 << 5 | 1 << 6 | 1 << 7, 0) &&
                   sizes(&b.views[0], &c, 3);
    if (ok) {
        const Py_buffer *v = b.views;
        c.steps = steps, c.attended = attended;
        c.qkv = v[1].buf, c.qkv_length = v[1].len;
        c.spans = v[2].buf, c.spans_length = length(&v[2], sizeof(m2t_span));
        c.limits = v[3].buf, c.limits_length = length(&v[3], 4);
        c.exponentials = v[4].buf, c.exponentials_length = length(&v[4], 4);
        c.keys = v[5].buf, c.keys_length = length(&v[5], 2);
        c.values = v[6].buf, c.values_length = length(&v[6], 2);
        c.out = v[7].buf, c.out_length = v[7].len;
        c.scratch_bytes = m2t_attention_scratch(&c);
        c.scratch = c.scratch_bytes < 0 ? NULL : PyMem_Malloc((size_t)c.scratch_bytes + 1);
        if (c.scratch != NULL)
            RUN(m2t_run_attention(level, &c));
        else if (c.scratch_bytes >= 0)
            PyErr_NoMemory();
        PyMem_Free(c.scratch);
    }
    return done(&b, ok, status);
}

/* ---- mixtures ---- */

/* mixture(level, (rows, components, channels), raw, means_unit, rungs_offset, exponentials, means, scales,
 *         weights) */
static PyObject *mixture(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_mixture c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const int ok = view(&b, args, 1, 8, 1 << 5 | 1 << 6 | 1 << 7, 0) && sizes(&b.views[0], &c, 3);
    if (ok) {
        const Py_buffer *v = b.views;
        c.raw = v[1].buf, c.raw_length = length(&v[1], 4);
        c.means_unit = v[2].buf, c.means_unit_length = length(&v[2], 4);
        c.rungs_offset = v[3].buf, c.rungs_offset_length = length(&v[3], 4);
        c.exponentials = v[4].buf, c.exponentials_length = length(&v[4], 4);
        c.means = v[5].buf, c.means_length = length(&v[5], 4);
        c.scales = v[6].buf, c.scales_length = v[6].len;
        c.weights = v[7].buf, c.weights_length = length(&v[7], 2);
        RUN(m2t_run_mixture(level, &c));
    }
    return done(&b, ok, status);
}

/* ---- pictures ---- */

/* scale(level, sizes, tokens, gains, out) */
static PyObject *scale(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_scale c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const int ok = view(&b, args, 1, 4, 1 << 3, 1 << 3) && sizes(&b.views[0], &c, 5);
    if (ok) {
        const Py_buffer *v = b.views;
        c.tokens = v[1].buf, c.tokens_length = length(&v[1], 4);
        c.gains = v[2].buf, c.gains_length = length(&v[2], 4);
        c.out = v[3].buf, c.out_length = length(&v[3], 2);
        RUN(m2t_run_scale(level, &c));
    }
    return done(&b, ok, status);
}

/* pixels(level, sizes, x, out) */
static PyObject *pixels(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_pixels c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const int ok = view(&b, args, 1, 3, 1 << 2, 1 << 1 | 1 << 2) && sizes(&b.views[0], &c, 9);
    if (ok) {
        const Py_buffer *v = b.views;
        c.x = v[1].buf, c.x_length = length(&v[1], 2);
        c.out = v[2].buf, c.out_length = length(&v[2], 1);
        RUN(m2t_run_pixels(level, &c));
    }
    return done(&b, ok, status);
}

/* ---- what the eye sees ---- */

/* eye(level, (height, width, strides of x, x_hat, slopes), x, x_hat, light, light_slopes, slopes) */
static PyObject *eye(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_eye c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const m2t_level *level = level_of(args);
    if (level == NULL)
        return NULL;
    const int ok = view(&b, args, 1, 6, 1 << 5, 1 << 1 | 1 << 2 | 1 << 5) && sizes(&b.views[0], &c, 5);
    if (ok) {
        const Py_buffer *v = b.views;
        c.x = v[1].buf, c.x_length = length(&v[1], 1);
        c.x_hat = v[2].buf, c.x_hat_length = length(&v[2], 2);
        c.light = v[3].buf, c.light_length = length(&v[3], 4);
        c.light_slopes = v[4].buf, c.light_slopes_length = length(&v[4], 4);
        c.slopes = v[5].buf, c.slopes_length = length(&v[5], 4);
        c.scratch_bytes = m2t_eye_scratch(c.height, c.width);
        c.scratch = c.scratch_bytes < 0 ? NULL : PyMem_Malloc((size_t)c.scratch_bytes);
        if (c.scratch != NULL)
            RUN(m2t_run_eye(level, &c));
        else if (c.scratch_bytes >= 0)
            PyErr_NoMemory();
        PyMem_Free(c.scratch);
    }
    return done(&b, ok, status);
}

/* squared((height, width, strides of x, x_hat, slopes), x, x_hat, slopes) */
static PyObject *squared(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_squared c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const int ok = view(&b, args, 0, 4, 1 << 3, 1 << 1 | 1 << 2 | 1 << 3) && sizes(&b.views[0], &c, 5);
    if (ok) {
        const Py_buffer *v = b.views;
        c.x = v[1].buf, c.x_length = length(&v[1], 1);
        c.x_hat = v[2].buf, c.x_hat_length = length(&v[2], 2);
        c.slopes = v[3].buf, c.slopes_length = length(&v[3], 4);
        RUN(m2t_squared_slopes(&c));
    }
    return done(&b, ok, status);
}

/* energies((height, width, stride of slopes), slopes, out) */
static PyObject *energies(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_energies c;
    m2t_status status = M2T_BAD_CALL;
    (void)module;
    const int ok = view(&b, args, 0, 3, 1 << 2, 1 << 1) && sizes(&b.views[0], &c, 3);
    if (ok) {
        const Py_buffer *v = b.views;
        c.slopes = v[1].buf, c.slopes_length = length(&v[1], 4);
        c.out = v[2].buf, c.out_length = length(&v[2], 4);
        RUN(m2t_token_energies(&c));
    }
    return done(&b, ok, status);
}

/* ---- symbols to bytes ---- */

/* A mixture and the coder's tables, as five buffers. */
static void symbols_of(m2t_symbols *model, const Py_buffer *v, int64_t num_symbols)
{
    model->num_symbols = num_symbols;
    model->num_components = num_symbols ? v[1].len / num_symbols : 1;
    model->means = v[0].buf, model->means_length = length(&v[0], 4);
    model->scales = v[1].buf, model->scales_length = v[1].len;
    model->weights = v[2].buf, model->weights_length = length(&v[2], 2);
    model->phi = v[3].buf, model->phi_length = length(&v[3], 4);
    model->inverse_sigmas = v[4].buf, model->inverse_sigmas_length = length(&v[4], 4);
}

static PyObject *bad_symbols(m2t_status status)
{
    PyErr_SetString(PyExc_ValueError,
                    status == M2T_BAD_MIXTURE
                        ? "a mixture's weights must sum to 2^15, its means to fit"
                        : "symbols, mixture and tables do not fit together");
    return NULL;
}

/* encode(state, symbols, means, scales, weights, phi, inverse_sigmas) -> (words, state) */
static PyObject *encode(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_symbols model;
    m2t_status status = M2T_BAD_CALL;
    uint64_t state = PyTuple_Size(args) ? PyLong_AsUnsignedLongLong(PyTuple_GetItem(args, 0)) : 0;
    PyObject *result = NULL;
    (void)module;
    if (!PyErr_Occurred() && view(&b, args, 1, 6, 0, 0)) {
        const int64_t capacity = b.views[0].len * M2T_MAX_PUSHES; /* 4 bytes per symbol, and so a word */
        int64_t first = 0;
        uint8_t *words = PyMem_Malloc((size_t)capacity + 1);
        symbols_of(&model, b.views + 1, length(&b.views[0], 4));
        if (words != NULL) {
            RUN(m2t_encode(&model, b.views[0].buf, &state, words, capacity, &first));
            result = status == M2T_OK
                         ? Py_BuildValue("y#K", (const char *)words + first,
                                         (Py_ssize_t)(capacity - first), (unsigned long long)state)
                         : bad_symbols(status);
        } else {
            PyErr_NoMemory();
        }
        PyMem_Free(words);
        Py_XDECREF(done(&b, 1, M2T_OK));
    } else {
        done(&b, 0, M2T_OK);
    }
    return result;
}

/* decode(position, state, data, symbols, means, scales, weights, phi, inverse_sigmas)
 *     -> (status, position, state) */
static PyObject *decode(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_symbols model;
    m2t_status status = M2T_BAD_CALL;
    PyObject *result = NULL;
    const int has_numbers = PyTuple_Size(args) > 1;
    int64_t position = has_numbers ? PyLong_AsLongLong(PyTuple_GetItem(args, 0)) : 0;
    uint64_t state = has_numbers ? PyLong_AsUnsignedLongLong(PyTuple_GetItem(args, 1)) : 0;
    (void)module;
    if (!PyErr_Occurred() && view(&b, args, 2, 7, 1 << 1, 0)) {
        symbols_of(&model, b.views + 2, length(&b.views[1], 4));
        RUN(m2t_decode(&model, b.views[0].buf, b.views[0].len, &position, &state, b.views[1].buf));
        result = status == M2T_BAD_MIXTURE || status == M2T_BAD_CALL
                     ? bad_symbols(status)
                     : Py_BuildValue("iLK", (int)status, (long long)position, (unsigned long long)state);
        Py_XDECREF(done(&b, 1, M2T_OK));
    } else {
        done(&b, 0, M2T_OK);
    }
    return result;
}

/* move(symbols, slopes, curvatures, bits, out, means, scales, weights, phi, inverse_sigmas) */
static PyObject *move(PyObject *module, PyObject *args)
{
    Buffers b = {.count = 0};
    m2t_symbols model;
    m2t_moves c;
    m2t_status status = M2T_OK;
    (void)module;
    const int ok = view(&b, args, 0, 10, 1 << 4, 0);
    if (ok) {
        const Py_buffer *v = b.views;
        c.symbols = v[0].buf, c.symbols_length = length(&v[0], 4);
        c.slopes = v[1].buf, c.slopes_length = length(&v[1], 4);
        c.curvatures = v[2].buf, c.curvatures_length = length(&v[2], 4);
        c.bits = v[3].buf, c.bits_length = length(&v[3], 8);
        c.out = v[4].buf, c.out_length = length(&v[4], 4);
        symbols_of(&model, v + 5, c.symbols_length);
        RUN(m2t_move(&model, &c));
    }
    if (status != M2T_OK)
        bad_symbols(status);
    return done(&b, ok, M2T_OK);
}

/* ---- the module ---- */

/* check(level, number) -> the hash of a check's results */
static PyObject *check(PyObject *module, PyObject *args)
{
    (void)module;
    const m2t_level *level = level_of(args);
    const int which = level == NULL ? 0 : (int)number(args, 1);
    return PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(m2t_check(level, which));
}

/* levels() -> their names, slowest first */
static PyObject *levels(PyObject *module, PyObject *args)
{
    (void)module;
    (void)args;
    PyObject *names = PyTuple_New(num_levels);
    for (int i = 0; names != NULL && i < num_levels; i++)
        PyTuple_SetItem(names, i, PyUnicode_FromString(m2t_level_name(LEVELS[i])));
    return names;
}

static int executed(PyObject *module)
{
    num_levels = 0;
    while (num_levels < MAX_LEVELS && (LEVELS[num_levels] = m2t_open_level(num_levels)) != NULL)
        num_levels++;
    return PyModule_AddIntConstant(module, "TILE_COLUMNS", M2T_TILE_COLUMNS);
}

static PyMethodDef methods[] = {
    {"levels", levels, METH_NOARGS, NULL},     {"check", check, METH_VARARGS, NULL},
    {"packed_bytes", packed_bytes, METH_VARARGS, NULL},
    {"pack", pack, METH_VARARGS, NULL},        {"conv", conv, METH_VARARGS, NULL},
    {"norm", norm, METH_VARARGS, NULL},        {"stream_norm", stream_norm, METH_VARARGS, NULL},
    {"attention", attention, METH_VARARGS, NULL}, {"mixture", mixture, METH_VARARGS, NULL},
    {"scale", scale, METH_VARARGS, NULL},      {"pixels", pixels, METH_VARARGS, NULL},
    {"eye", eye, METH_VARARGS, NULL},
    {"squared", squared, METH_VARARGS, NULL},  {"energies", energies, METH_VARARGS, NULL},
    {"encode", encode, METH_VARARGS, NULL},    {"decode", decode, METH_VARARGS, NULL},
    {"move", move, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{Py_mod_exec, executed}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_core", "m2t's core: see engine/native.py.", 0, methods, slots,
    NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
