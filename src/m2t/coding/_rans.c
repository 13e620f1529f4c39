/* The coder's inner loops: the C twin of _rans_py.py, which documents them. docs/format.md defines
 * the stream. Every call works on its arguments alone; nothing is kept between calls. */

#define PY_SSIZE_T_CLEAN
#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#include <Python.h>

#include "_rans_core.h"

typedef struct {
    Py_buffer means, scales, weights, phi, inverse_sigmas;
} Buffers;

/* Fill in the model; false, with ValueError set, unless all buffers agree. */
static int view(Model *model, const Buffers *buffers, const Py_buffer *symbols)
{
    Py_ssize_t num_symbols = symbols->len / 4;
    Py_ssize_t num_components = num_symbols ? buffers->scales.len / num_symbols : 1;
    Py_ssize_t size = num_symbols * num_components;
    if (num_components < 1 || num_components > MAX_COMPONENTS || symbols->len % 4 != 0 ||
        buffers->scales.len != size || buffers->weights.len != 2 * size ||
        buffers->means.len != 4 * size || buffers->phi.len != PHI_ENTRIES * 4 ||
        buffers->inverse_sigmas.len != NUM_SIGMAS * 4) {
        PyErr_SetString(PyExc_ValueError, "symbols, mixture and tables do not fit together");
        return 0;
    }
    model->means = buffers->means.buf;
    model->scales = buffers->scales.buf;
    model->weights = buffers->weights.buf;
    model->phi = buffers->phi.buf;
    model->inverse_sigmas = buffers->inverse_sigmas.buf;
    model->num_symbols = num_symbols;
    model->num_components = (int)num_components;
    return 1;
}

static void release(Buffers *buffers)
{
    PyBuffer_Release(&buffers->means);
    PyBuffer_Release(&buffers->scales);
    PyBuffer_Release(&buffers->weights);
    PyBuffer_Release(&buffers->phi);
    PyBuffer_Release(&buffers->inverse_sigmas);
}

static PyObject *bad_mixture(void)
{
    PyErr_SetString(PyExc_ValueError, "a mixture's weights must sum to 2^15, its means to fit");
    return NULL;
}

static PyObject *encode(PyObject *module, PyObject *args)
{
    Model model;
    Buffers buffers;
    Py_buffer symbols;
    unsigned long long state;
    PyObject *result = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*(y*y*y*y*y*)K:encode", &symbols, &buffers.means, &buffers.scales,
                          &buffers.weights, &buffers.phi, &buffers.inverse_sigmas, &state))
        return NULL;
    if (view(&model, &buffers, &symbols)) {
        /* symbols->len is 4 bytes per symbol, and so is a word */
        size_t capacity = (size_t)symbols.len * MAX_PUSHES;
        uint8_t *words = symbols.len <= PY_SSIZE_T_MAX / MAX_PUSHES ? PyMem_Malloc(capacity) : NULL;
        if (words == NULL) {
            PyErr_NoMemory();
        } else {
            int status;
            Stack stack = {state, words + capacity};
            Py_BEGIN_ALLOW_THREADS
            status = encode_symbols(&stack, &model, symbols.buf);
            Py_END_ALLOW_THREADS
            result = status != OK
                         ? bad_mixture()
                         : Py_BuildValue("y#K", (const char *)stack.next,
                                         (Py_ssize_t)(words + capacity - stack.next),
                                         (unsigned long long)stack.state);
            PyMem_Free(words);
        }
    }
    PyBuffer_Release(&symbols);
    release(&buffers);
    return result;
}

static PyObject *decode(PyObject *module, PyObject *args)
{
    Model model;
    Buffers buffers;
    Py_buffer data, symbols;
    Py_ssize_t position;
    unsigned long long state;
    PyObject *result = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "y*nKw*(y*y*y*y*y*):decode", &data, &position, &state, &symbols,
                          &buffers.means, &buffers.scales, &buffers.weights, &buffers.phi,
                          &buffers.inverse_sigmas))
        return NULL;
    if (position < 0 || position > data.len) {
        PyErr_SetString(PyExc_ValueError, "position is outside the data");
    } else if (view(&model, &buffers, &symbols)) {
        int status;
        Reader reader = {state, data.buf, position, data.len};
        Py_BEGIN_ALLOW_THREADS
        status = decode_symbols(&reader, &model, symbols.buf);
        Py_END_ALLOW_THREADS
        result = status == BAD_MIXTURE ? bad_mixture()
                                       : Py_BuildValue("inK", status, (Py_ssize_t)reader.position,
                                                       (unsigned long long)reader.state);
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&symbols);
    release(&buffers);
    return result;
}

static PyMethodDef methods[] = {
    {"encode", encode, METH_VARARGS,
     "encode(symbols, model, state) -> (words, state)"},
    {"decode", decode, METH_VARARGS,
     "decode(data, position, state, symbols, model) -> (status, position, state)"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_rans", "The coder's inner loops in C.", 0, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__rans(void)
{
    return PyModuleDef_Init(&definition);
}
