"""Runs ONNX graphs of plain networks in torch: teachers of a training, the float network of a quantisation.

  net = Graph("teacher.onnx")                 a torch module; .to(device), .eval() and batches of any size as usual
  outputs = net(pictures)                     {name: tensor}, of all outputs or of those in Graph(path, outputs=[...])
  net.watch = function(name, tensor)          called with every value that is computed; what it returns, if not None, takes its place

  onnx_torch.py check FILE.onnx [--input name=1,3,384,640] [--scale 255] [--tolerance 1e-3]

runs the same made input through torch and through ONNX Runtime and prints the largest difference of each output. What depends on constants alone is computed once, when the file is read, so
weights that are kept as int8 and unfolded by Cast and Mul cost nothing. Needs torch, onnx, numpy.
"""
import argparse
import math
import os
import sys

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import helper, numpy_helper

import runtime

DTYPES = {1: torch.float32, 2: torch.uint8, 3: torch.int8, 6: torch.int32, 7: torch.int64, 9: torch.bool, 11: torch.float64}


# ---- operators: inputs (None where one is left out), attributes, opset of the file -> one tensor or a list ----

def ints(t):
    """What ONNX hands over as a tensor of positions or sizes."""
    return [int(v) for v in t.reshape(-1)]


def listed(x, a, name, place, default=None):
    """A list that older opsets keep as an attribute and newer ones as an input."""
    if len(x) > place and x[place] is not None:
        return ints(x[place])
    return list(a[name]) if name in a else default


def pads_of(a, shape, kernel, strides, dilations):
    """Padding before and behind each side."""
    auto = a.get('auto_pad', b'NOTSET').decode()
    n = len(kernel)
    if auto == 'NOTSET':
        p = list(a.get('pads', [0] * 2 * n))
        return list(zip(p[:n], p[n:]))
    if auto == 'VALID':
        return [(0, 0)] * n
    pairs = []
    for i in range(n):
        reach = (kernel[i] - 1) * dilations[i] + 1
        total = max(0, (math.ceil(shape[i] / strides[i]) - 1) * strides[i] + reach - shape[i])
        small, large = total // 2, total - total // 2
        pairs.append((small, large) if auto == 'SAME_UPPER' else (large, small))
    return pairs


def padded(x, pairs, value=0.):
    if not any(sum(p) for p in pairs):
        return x
    return F.pad(x, [v for p in reversed(pairs) for v in p], value=value)


def window(x, a, kernel):
    n = len(kernel)
    strides = list(a.get('strides', [1] * n))
    dilations = list(a.get('dilations', [1] * n))
    return strides, dilations, pads_of(a, x.shape[2:], kernel, strides, dilations)


def conv(x, a, opset):
    data, weight = x[0], x[1]
    bias = x[2] if len(x) > 2 else None
    strides, dilations, pairs = window(data, a, list(weight.shape[2:]))
    pad = 0
    if all(p == q for p, q in pairs):
        pad = [p for p, _ in pairs]
    else:
        data = padded(data, pairs)
    run = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[weight.ndim]
    return run(data, weight, bias, strides, pad, dilations, a.get('group', 1))


def conv_transpose(x, a, opset):
    n = x[1].ndim - 2
    strides, dilations, pairs = window(x[0], a, list(x[1].shape[2:]))
    if any(p != q for p, q in pairs):
        raise ValueError('ConvTranspose with a padding that is not the same on both sides')
    run = {1: F.conv_transpose1d, 2: F.conv_transpose2d}[n]
    return run(x[0], x[1], x[2] if len(x) > 2 else None, strides, [p for p, _ in pairs], list(a.get('output_padding', [0] * n)),
               a.get('group', 1), dilations)


def max_pool(x, a, opset):
    kernel = list(a['kernel_shape'])
    strides, dilations, pairs = window(x[0], a, kernel)
    run = {1: F.max_pool1d, 2: F.max_pool2d}[len(kernel)]
    return run(padded(x[0], pairs, -math.inf), kernel, strides, 0, dilations, bool(a.get('ceil_mode', 0)))


def average_pool(x, a, opset):
    kernel = list(a['kernel_shape'])
    strides, _, pairs = window(x[0], a, kernel)
    run = {1: F.avg_pool1d, 2: F.avg_pool2d}[len(kernel)]
    ceil = bool(a.get('ceil_mode', 0))
    mean = run(padded(x[0], pairs), kernel, strides, 0, ceil)
    if a.get('count_include_pad', 0) or not any(sum(p) for p in pairs):
        return mean
    real = run(padded(torch.ones_like(x[0]), pairs), kernel, strides, 0, ceil)
    return mean / real


def global_average_pool(x, a, opset):
    return x[0].mean(list(range(2, x[0].ndim)), keepdim=True)


def clip(x, a, opset):
    low = x[1] if len(x) > 1 else a.get('min')
    high = x[2] if len(x) > 2 else a.get('max')
    y = x[0]
    if low is not None:
        y = y.clamp(min=float(low))
    if high is not None:
        y = y.clamp(max=float(high))
    return y


def resize_input(x, opset):
    """-> scales, sizes; one of them is None."""
    if opset < 11:
        return x[1].tolist(), None
    if len(x) > 3 and x[3] is not None and x[3].numel():
        return None, ints(x[3])
    return x[2].tolist(), None


def resize(x, a, opset):
    scales, sizes = resize_input(x, opset)
    mode = a.get('mode', b'nearest').decode()
    how = a.get('coordinate_transformation_mode', b'half_pixel').decode()
    before = x[0].shape[2:]
    after = sizes[2:] if sizes else [int(math.floor(n * s)) for n, s in zip(before, scales[2:])]
    if mode == 'linear' and x[0].ndim == 4 and how in ('half_pixel', 'pytorch_half_pixel', 'align_corners'):
        return F.interpolate(x[0], after, mode='bilinear', align_corners=how == 'align_corners')
    if mode != 'nearest':
        raise ValueError(f'Resize, mode {mode}, {how}')
    return nearest(x[0], before, after, how, a.get('nearest_mode', b'round_prefer_floor').decode())


def nearest(y, before, after, how, rounding):
    """Each side for itself: the row of the input that each row of the output repeats."""
    for side, (n, m) in enumerate(zip(before, after)):
        at = torch.arange(m, dtype=torch.float64)
        if how == 'asymmetric':
            at = at * n / m
        elif how == 'align_corners':
            at = at * (n - 1) / max(1, m - 1)
        elif how in ('half_pixel', 'pytorch_half_pixel'):
            at = (at + .5) * n / m - .5
        else:
            raise ValueError('Resize, ' + how)
        row = {'floor': torch.floor, 'ceil': torch.ceil, 'round_prefer_floor': lambda t: torch.ceil(t - .5),
               'round_prefer_ceil': lambda t: torch.floor(t + .5)}[rounding](at)
        y = y.index_select(side + 2, row.long().clamp(0, n - 1).to(y.device))
    return y


def reduce(how):
    def run(x, a, opset):
        axes = listed(x, a, 'axes', 1) or list(range(x[0].ndim))
        return how(x[0], axes, bool(a.get('keepdims', 1)))
    return run


def slice_(x, a, opset):
    starts, ends = listed(x, a, 'starts', 1), listed(x, a, 'ends', 2)
    axes = listed(x, a, 'axes', 3, list(range(len(starts))))
    steps = listed(x, a, 'steps', 4, [1] * len(starts))
    y = x[0]
    for start, end, axis, step in zip(starts, ends, axes, steps):
        rows = range(y.shape[axis])[start:end:step]  # a range takes Python's and so ONNX's positions from the end
        if step > 0:
            y = y[(slice(None),) * (axis % y.ndim) + (slice(rows.start, max(rows.start, rows.stop), step),)]
        else:
            y = y.index_select(axis, torch.tensor(list(rows), dtype=torch.long, device=y.device))
    return y


def reshape(x, a, opset):
    shape = listed(x, a, 'shape', 1)
    if not a.get('allowzero', 0):
        shape = [x[0].shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return x[0].reshape(shape)


def flatten(x, a, opset):
    axis = a.get('axis', 1) % (x[0].ndim + 1)
    return x[0].reshape(math.prod(x[0].shape[:axis]), -1)


def squeeze(x, a, opset):
    axes = listed(x, a, 'axes', 1)
    if axes is None:
        return x[0].squeeze()
    kept = [n for i, n in enumerate(x[0].shape) if i not in [k % x[0].ndim for k in axes]]
    return x[0].reshape(kept)


def unsqueeze(x, a, opset):
    y = x[0]
    axes = listed(x, a, 'axes', 1)
    for axis in sorted(k % (y.ndim + len(axes)) for k in axes):
        y = y.unsqueeze(axis)
    return y


def expand(x, a, opset):
    return x[0].expand(torch.broadcast_shapes(tuple(x[0].shape), tuple(ints(x[1]))))


def gather(x, a, opset):
    axis = a.get('axis', 0)
    at = x[1].to(x[0].device)
    at = torch.where(at < 0, at + x[0].shape[axis], at)
    shape = list(x[0].shape)
    y = x[0].index_select(axis, at.reshape(-1))
    axis %= x[0].ndim
    return y.reshape(shape[:axis] + list(at.shape) + shape[axis + 1:])


def split(x, a, opset):
    axis = a.get('axis', 0)
    sizes = listed(x, a, 'split', 1)
    if sizes is None:
        n = a['outputs']
        sizes = [x[0].shape[axis] // n] * n
    return list(torch.split(x[0], sizes, axis))


def pad(x, a, opset):
    p = listed(x, a, 'pads', 1)
    n = len(p) // 2
    value = float(x[2]) if len(x) > 2 and x[2] is not None else a.get('value', 0.)
    mode = a.get('mode', b'constant').decode()
    if mode != 'constant':
        raise ValueError('Pad, mode ' + mode)
    return padded(x[0], list(zip(p[:n], p[n:])), value)


def softmax(x, a, opset):
    if opset >= 13:
        return x[0].softmax(a.get('axis', -1))
    axis = a.get('axis', 1) % x[0].ndim
    return flatten(x, {'axis': axis}, opset).softmax(1).reshape(x[0].shape)


def gemm(x, a, opset):
    left = x[0].t() if a.get('transA', 0) else x[0]
    right = x[1].t() if a.get('transB', 0) else x[1]
    y = a.get('alpha', 1.) * (left @ right)
    if len(x) > 2 and x[2] is not None:
        y = y + a.get('beta', 1.) * x[2]
    return y


def batch_normalization(x, a, opset):
    return F.batch_norm(x[0], x[3], x[4], x[1], x[2], False, 0., a.get('epsilon', 1e-5))


def constant(x, a, opset):
    for name, kind in (('value_float', torch.float32), ('value_floats', torch.float32), ('value_int', torch.int64),
                       ('value_ints', torch.int64)):
        if name in a:
            return torch.tensor(a[name], dtype=kind)
    return to_torch(a['value'])


def constant_of_shape(x, a, opset):
    value = to_torch(a['value']) if 'value' in a else torch.zeros(1)
    return value.reshape(-1)[0].expand(ints(x[0])).clone()


def along(v, like, axis):
    """A scale or zero point for each row of one axis, so that it can be multiplied."""
    if v is None or v.numel() == 1:
        return v
    shape = [1] * like.ndim
    shape[axis] = -1
    return v.reshape(shape)


def quantize_linear(x, a, opset):
    axis = a.get('axis', 1)
    zero = x[2] if len(x) > 2 and x[2] is not None else torch.zeros((), dtype=torch.uint8)
    ends = torch.iinfo(zero.dtype)
    y = torch.round(x[0] / along(x[1], x[0], axis)) + along(zero, x[0], axis).float()
    return y.clamp(ends.min, ends.max).to(zero.dtype)


def dequantize_linear(x, a, opset):
    axis = a.get('axis', 1)
    y = x[0].float()
    if len(x) > 2 and x[2] is not None:
        y = y - along(x[2], x[0], axis).float()
    return y * along(x[1], x[0], axis)


def divide(x, a, opset):
    if x[0].dtype.is_floating_point:
        return x[0] / x[1]
    return torch.div(x[0], x[1], rounding_mode='trunc')


def power(x, a, opset):
    return torch.pow(x[0], x[1].to(x[0].dtype))


OPERATORS = {
    'Abs': lambda x, a, o: x[0].abs(),
    'Add': lambda x, a, o: x[0] + x[1],
    'AveragePool': average_pool,
    'BatchNormalization': batch_normalization,
    'Cast': lambda x, a, o: x[0].to(DTYPES[a['to']]),
    'Ceil': lambda x, a, o: x[0].ceil(),
    'Clip': clip,
    'Concat': lambda x, a, o: torch.cat(x, a['axis']),
    'Constant': constant,
    'ConstantOfShape': constant_of_shape,
    'Conv': conv,
    'ConvTranspose': conv_transpose,
    'DequantizeLinear': dequantize_linear,
    'Div': divide,
    'Dropout': lambda x, a, o: x[0],
    'Elu': lambda x, a, o: F.elu(x[0], a.get('alpha', 1.)),
    'Equal': lambda x, a, o: x[0] == x[1],
    'Exp': lambda x, a, o: x[0].exp(),
    'Expand': expand,
    'Flatten': flatten,
    'Floor': lambda x, a, o: x[0].floor(),
    'Gather': gather,
    'Gemm': gemm,
    'GlobalAveragePool': global_average_pool,
    'GlobalMaxPool': lambda x, a, o: x[0].amax(list(range(2, x[0].ndim)), keepdim=True),
    'HardSigmoid': lambda x, a, o: (x[0] * a.get('alpha', .2) + a.get('beta', .5)).clamp(0, 1),
    'HardSwish': lambda x, a, o: x[0] * (x[0] / 6 + .5).clamp(0, 1),
    'Identity': lambda x, a, o: x[0],
    'LeakyRelu': lambda x, a, o: F.leaky_relu(x[0], a.get('alpha', .01)),
    'Log': lambda x, a, o: x[0].log(),
    'LogSoftmax': lambda x, a, o: softmax(x, a, o).log(),
    'MatMul': lambda x, a, o: x[0] @ x[1],
    'Max': lambda x, a, o: torch.stack(torch.broadcast_tensors(*x)).amax(0),
    'MaxPool': max_pool,
    'Min': lambda x, a, o: torch.stack(torch.broadcast_tensors(*x)).amin(0),
    'Mul': lambda x, a, o: x[0] * x[1],
    'Neg': lambda x, a, o: -x[0],
    'PRelu': lambda x, a, o: torch.where(x[0] < 0, x[0] * x[1], x[0]),
    'Pad': pad,
    'Pow': power,
    'QuantizeLinear': quantize_linear,
    'ReduceMax': reduce(lambda t, axes, keep: t.amax(axes, keep)),
    'ReduceMean': reduce(lambda t, axes, keep: t.mean(axes, keep)),
    'ReduceMin': reduce(lambda t, axes, keep: t.amin(axes, keep)),
    'ReduceSum': reduce(lambda t, axes, keep: t.sum(axes, keep)),
    'Relu': lambda x, a, o: x[0].clamp(min=0),
    'Reshape': reshape,
    'Resize': resize,
    'Selu': lambda x, a, o: F.selu(x[0]),
    'Shape': lambda x, a, o: torch.tensor(x[0].shape, dtype=torch.int64),
    'Sigmoid': lambda x, a, o: x[0].sigmoid(),
    'Slice': slice_,
    'Softmax': softmax,
    'Softplus': lambda x, a, o: F.softplus(x[0]),
    'Split': split,
    'Sqrt': lambda x, a, o: x[0].sqrt(),
    'Squeeze': squeeze,
    'Sub': lambda x, a, o: x[0] - x[1],
    'Sum': lambda x, a, o: sum(x[1:], x[0]),
    'Tanh': lambda x, a, o: x[0].tanh(),
    'Transpose': lambda x, a, o: x[0].permute(list(a.get('perm', range(x[0].ndim - 1, -1, -1)))),
    'Unsqueeze': unsqueeze,
    'Upsample': resize,
    'Where': lambda x, a, o: torch.where(x[0], x[1], x[2]),
}


# ---- graphs ----

def to_torch(tensor):
    return torch.from_numpy(numpy_helper.to_array(tensor).copy())


def attributes(node):
    a = {q.name: helper.get_attribute_value(q) for q in node.attribute}
    a['outputs'] = len(node.output)
    return a


class Graph(nn.Module):
    """An ONNX file or a loaded onnx.ModelProto. `outputs` names the values that are wanted, also from inside the graph."""

    def __init__(self, model, outputs=None):
        super().__init__()
        model = onnx.load(model) if isinstance(model, (str, os.PathLike)) else model
        graph = model.graph
        self.opset = max(o.version for o in model.opset_import if o.domain in ('', 'ai.onnx'))
        constants = {i.name: to_torch(i) for i in graph.initializer}
        self.inputs = [i.name for i in graph.input if i.name not in constants]
        self.shapes = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in graph.input}
        self.outputs = list(outputs or [o.name for o in graph.output])
        self.watch = None
        self.buffers_of = {}
        self.nodes = self._fold(self._wanted(graph.node), constants)
        used = {name for node, _ in self.nodes for name in node.input} | set(self.outputs)
        for name in constants:
            if name in used:
                self.buffers_of[name] = f'constant{len(self.buffers_of)}'
                self.register_buffer(self.buffers_of[name], constants[name])
        self.last = self._last_uses()

    def _wanted(self, nodes):
        """The nodes that the outputs depend on, in their order."""
        needed, kept = set(self.outputs), []
        for node in reversed(nodes):
            if needed & set(node.output):
                needed |= set(node.input)
                kept.append(node)
        return list(reversed(kept))

    def _fold(self, nodes, constants):
        """Computes what depends on constants alone; -> the other nodes with their attributes."""
        rest = []
        for node in nodes:
            a = attributes(node)
            if all(name in constants for name in node.input if name):
                y = self._run(node, a, constants.get)
                constants.update(zip(node.output, y))
            else:
                rest.append((node, a))
        return rest

    def _last_uses(self):
        """For each node the values that nobody needs behind it."""
        last, seen = [], set(self.outputs) | set(self.buffers_of)
        for node, _ in reversed(self.nodes):
            gone = {name for name in list(node.input) + list(node.output) if name and name not in seen}
            seen |= gone
            last.append(gone)
        return list(reversed(last))

    def _run(self, node, a, get):
        run = OPERATORS.get(node.op_type)
        if not run:
            raise ValueError(f'operator {node.op_type} of {node.name or node.output[0]} is not known to onnx_torch.py')
        y = run([get(name) if name else None for name in node.input], a, self.opset)
        return y if isinstance(y, list) else [y]

    def weight(self, name):
        """A constant, by the name that it has in the file."""
        return getattr(self, self.buffers_of[name])

    def forward(self, *tensors):
        values = dict(zip(self.inputs, tensors))
        batch = tensors[0].shape[0]

        def get(name):
            return values[name] if name in values else self.weight(name)
        for (node, a), gone in zip(self.nodes, self.last):
            if node.op_type == 'Reshape' and node.input[1] in self.buffers_of:
                y = [reshape_fixed(get(node.input[0]), ints(get(node.input[1])), batch)]
            else:
                y = self._run(node, a, get)
            for name, value in zip(node.output, y):
                other = self.watch(name, value) if self.watch else None
                values[name] = value if other is None else other
            for name in gone:
                values.pop(name, None)
        return {name: get(name) for name in self.outputs}


def reshape_fixed(data, shape, batch):
    """A shape that the file has as a constant was written for one picture of one size: several pictures keep their number in front,
    and with another size the places, which come last, become as many as there are."""
    shape = [data.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    if len(shape) > 1 and shape[0] == 1 and data.shape[0] == batch:
        shape[0] = batch
    if len(shape) > 2 and -1 not in shape and math.prod(shape) != data.numel():
        shape[-1] = -1
    return data.reshape(shape)


# ---- against ONNX Runtime ----

def made_input(shape, scale, seed=1):
    """Noise over slow waves: something that moves every activation."""
    rng = np.random.default_rng(seed)
    x = rng.random(shape)
    if len(shape) == 4:
        rows, columns = np.mgrid[0:shape[2], 0:shape[3]]
        x = .5 * x + .25 + .25 * np.sin(rows / 17.) * np.cos(columns / 23.)
    return (x * scale).astype(np.float32)


def check(options):
    net = Graph(options.file).eval()
    shapes = dict(net.shapes)
    for text in options.input or []:
        name, shape = text.rsplit('=', 1)
        shapes[name] = [int(n) for n in shape.split(',')]
    inputs = {name: made_input([n or 1 for n in shapes[name]], options.scale) for name in net.inputs}
    program = runtime.Net(options.file)
    expected = dict(zip(program.outputs, program(**inputs)))
    with torch.no_grad():
        got = net(*[torch.from_numpy(inputs[name]) for name in net.inputs])
    worst = 0.
    for name, want in expected.items():
        have = got[name].numpy()
        if have.shape != want.shape:
            print(f'{name}: shape {have.shape} instead of {want.shape}')
            return 1
        off = float(np.abs(have - want).max() / max(1., np.abs(want).max()))
        worst = max(worst, off)
        print(f'{name}: {"x".join(map(str, want.shape))}, to {np.abs(want).max():.4g}, largest difference {off:.2e}')
    print('the same' if worst <= options.tolerance else 'NOT the same')
    return 0 if worst <= options.tolerance else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    p = commands.add_parser('check')
    p.add_argument('file')
    p.add_argument('--input', action='append')
    p.add_argument('--scale', type=float, default=255.)
    p.add_argument('--tolerance', type=float, default=1e-3)
    torch.set_num_threads(1)
    sys.exit(check(parser.parse_args()))


if __name__ == '__main__':
    main()
