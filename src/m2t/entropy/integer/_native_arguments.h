/* What the functions of _native.c are given: buffers, numbers, and the instruction set to use. */

#define MAX_BUFFERS 10

typedef struct {
    Py_buffer views[MAX_BUFFERS];
    int count;
} Buffers;

/* View the arguments args[first..] as buffers; the last `num_writable` are written to, and rows may lie
 * apart in those whose bit is set in `strided`. False, with an exception set, if that cannot be. */
static int view(Buffers *buffers, PyObject *args, int first, int count, int num_writable,
                unsigned strided)
{
    buffers->count = 0;
    if (PyTuple_Size(args) != first + count) {
        PyErr_SetString(PyExc_TypeError, "wrong number of arguments");
        return 0;
    }
    for (int i = 0; i < count; i++) {
        int flags = i < count - num_writable ? PyBUF_SIMPLE : PyBUF_WRITABLE;
        PyObject *item = PyTuple_GetItem(args, first + i);
        if (strided >> i & 1)
            flags = PyBUF_STRIDED_RO;
        if (PyObject_GetBuffer(item, &buffers->views[i], flags) < 0)
            return 0;
        buffers->count = i + 1;
    }
    return 1;
}

static PyObject *done(Buffers *buffers, int ok)
{
    for (int i = 0; i < buffers->count; i++)
        PyBuffer_Release(&buffers->views[i]);
    if (!ok && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "arrays do not fit together");
    if (!ok)
        return NULL;
    return Py_NewRef(Py_None);
}

static const Operations *at_level(PyObject *args)
{
    long level = PyTuple_Size(args) > 0 ? PyLong_AsLong(PyTuple_GetItem(args, 0)) : -1;
    if (level < 0 || level >= num_levels()) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "no such level on this processor");
        return NULL;
    }
    return &LEVELS[level];
}

/* A number among the arguments; -1 with an exception set where it is none. */
static double number(PyObject *args, int i)
{
    PyObject *item = i < PyTuple_Size(args) ? PyTuple_GetItem(args, i) : NULL;
    if (item == NULL) {
        PyErr_SetString(PyExc_TypeError, "wrong number of arguments");
        return -1;
    }
    return PyFloat_AsDouble(item);
}
