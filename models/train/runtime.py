"""ONNX Runtime for the training tools, through its C interface: the library that the program itself uses, without a package.

    net = runtime.Net('yolox_nano_416.onnx')
    scores, boxes = net(images=array)                  # numpy in, list of numpy out, in the order of net.outputs

One thread, float32 inputs. The positions are those of struct OrtApi in onnxruntime_c_api.h, which only ever grows at its end.
"""
import ctypes
import glob
import os

import numpy as np

API = 21
ERROR_MESSAGE, CREATE_ENV, CREATE_SESSION, RUN, CREATE_OPTIONS, THREADS = 2, 3, 7, 9, 10, 24
INPUTS, OUTPUTS, INPUT_NAME, OUTPUT_NAME, TENSOR, DATA = 30, 31, 36, 37, 49, 51
ELEMENT, DIMENSIONS, DIMENSION, SHAPE, MEMORY, ALLOCATOR = 60, 61, 62, 65, 69, 78
FREE_STATUS, FREE_VALUE, FREE_SHAPE = 93, 96, 99

TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64}
pointer = ctypes.c_void_p


def library():
    """The path of the library: $ASSAY_ONNXRUNTIME, else that of the checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    found = [os.environ.get('ASSAY_ONNXRUNTIME', '')] + glob.glob(here + '/../../.deps/lib/libonnxruntime.so*')
    for path in found:
        if path and os.path.exists(path):
            return path
    raise SystemExit('no ONNX Runtime: run tools/deps, or name it in ASSAY_ONNXRUNTIME')


class Api:
    """The table of functions, and one environment."""

    def __init__(self):
        base = ctypes.CDLL(library()).OrtGetApiBase
        base.restype = ctypes.POINTER(pointer)
        get = ctypes.CFUNCTYPE(pointer, ctypes.c_uint32)(base()[0])
        self.table = ctypes.cast(get(API), ctypes.POINTER(pointer))
        self.env = self.made(CREATE_ENV, ctypes.c_int(3), ctypes.c_char_p(b'train'))
        self.memory = self.made(MEMORY, ctypes.c_int(0), ctypes.c_int(0))
        self.allocator = self.made(ALLOCATOR)

    def function(self, index, result, *kinds):
        return ctypes.CFUNCTYPE(result, *kinds)(self.table[index])

    def call(self, index, *args):
        kinds = [pointer if a is None else type(a) for a in args]
        status = self.function(index, pointer, *kinds)(*args)
        if status:
            text = self.function(ERROR_MESSAGE, ctypes.c_char_p, pointer)(status).decode()
            self.free(FREE_STATUS, status)
            raise RuntimeError(text)

    def made(self, index, *args):
        """Calls a function whose last argument is where the new object goes."""
        out = pointer()
        self.call(index, *args, ctypes.pointer(out))
        return out

    def number(self, index, *args):
        out = ctypes.c_size_t()
        self.call(index, *args, ctypes.pointer(out))
        return out.value

    def free(self, index, thing):
        self.function(index, None, pointer)(thing)


class Net:
    shared = None

    def __init__(self, path, threads=1):
        if Net.shared is None:
            Net.shared = Api()
        self.api = Net.shared
        options = self.api.made(CREATE_OPTIONS)
        self.api.call(THREADS, options, ctypes.c_int(threads))
        self.session = self.api.made(CREATE_SESSION, self.api.env, ctypes.c_char_p(os.fsencode(path)), options)
        self.inputs = self.names(INPUTS, INPUT_NAME)
        self.outputs = self.names(OUTPUTS, OUTPUT_NAME)

    def names(self, count, name):
        n = self.api.number(count, self.session)
        read = lambda i: self.api.made(name, self.session, ctypes.c_size_t(i), self.api.allocator)
        return [ctypes.cast(read(i), ctypes.c_char_p).value.decode() for i in range(n)]

    def tensor(self, array):
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        return self.api.made(TENSOR, self.api.memory, array.ctypes.data_as(pointer), ctypes.c_size_t(array.nbytes),
                             ctypes.cast(shape, pointer), ctypes.c_size_t(array.ndim), ctypes.c_int(1))

    def array(self, value):
        """A copy of what an output holds."""
        info = self.api.made(SHAPE, value)
        rank = self.api.number(DIMENSIONS, info)
        shape = (ctypes.c_int64 * rank)()
        self.api.call(DIMENSION, info, ctypes.cast(shape, pointer), ctypes.c_size_t(rank))
        kind = ctypes.c_int()
        self.api.call(ELEMENT, info, ctypes.pointer(kind))
        self.api.free(FREE_SHAPE, info)
        size = int(np.prod(list(shape), dtype=np.int64)) * np.dtype(TYPES[kind.value]).itemsize
        data = ctypes.string_at(self.api.made(DATA, value), size)
        return np.frombuffer(data, TYPES[kind.value]).reshape(list(shape))

    def __call__(self, **inputs):
        held = [np.ascontiguousarray(inputs[name], np.float32) for name in self.inputs]
        values = [self.tensor(a) for a in held]
        strings = lambda names: (ctypes.c_char_p * len(names))(*[n.encode() for n in names])
        given = (pointer * len(values))(*values)
        out = (pointer * len(self.outputs))()
        self.api.call(RUN, self.session, None, ctypes.cast(strings(self.inputs), pointer), ctypes.cast(given, pointer),
                      ctypes.c_size_t(len(values)), ctypes.cast(strings(self.outputs), pointer),
                      ctypes.c_size_t(len(out)), ctypes.cast(out, pointer))
        results = [self.array(pointer(v)) for v in out]
        for v in list(values) + [pointer(v) for v in out]:
            self.api.free(FREE_VALUE, v)
        return results
