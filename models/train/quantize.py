#!/usr/bin/env python3
"""Makes the 8-bit variant of a float model: unsigned 8-bit activations, signed weights, one scale per output channel (U8S8).

  quantize.py make CARD.json --pictures DIR --out FILE.onnx [--number 256] [--weight-bits 7] [--float NAME ...]
  quantize.py compare CARD.json FILE.onnx --pictures DIR [--number 32]

CARD.json says which file (beside it) is quantised and how a picture becomes its input. `make` measures the ranges of all values
on pictures and writes the file with QuantizeLinear and DequantizeLinear around what is to be computed with 8 bits. `compare` says
how far the outputs of the file are from those of the float model.

What the runtime needs to be fast, and how it is kept here:
  - only U8S8 is faster than float; the range of a value behind Relu begins at 0, so that quantising it is the Relu, and no
    activation stands between DequantizeLinear and QuantizeLinear (Relu and Clip are left out of the written graph);
  - weights of 7 bits (-64..64): processors without VNNI add two products in 16 bits, and 2 * 255 * 64 is the most that fits;
    so the sums are exact on all of them;
  - shifting and scaling of pixels becomes the scale of the first value: a pixel is quantised as it is;
  - the last convolutions, whose outputs are the answer, and all behind them stay float.

Same pictures, same bytes: everything is computed in a fixed order by one thread. Needs torch, onnx, numpy, cv2.
"""
import argparse
import glob
import hashlib
import json
import os
import random
import sys

import cv2
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import runtime
from onnx_torch import Graph

BINS = 8192          # of the histogram of a value
BATCH = 8
CORRECTED_ON = 48    # pictures
KEEPS_SCALE = {'MaxPool', 'Resize', 'Reshape', 'Transpose', 'Flatten', 'Slice', 'Squeeze', 'Unsqueeze', 'Identity'}
EIGHT_BIT = KEEPS_SCALE | {'Conv', 'Add', 'Concat', 'AveragePool', 'GlobalAveragePool', 'Mul', 'Sigmoid', 'LeakyRelu'}
HEAVY = {'Conv', 'Gemm', 'MatMul', 'ConvTranspose'}
ONLY_BEFORE_CONV = {'Concat', 'AveragePool', 'GlobalAveragePool'}  # in front of the last layer they cost nothing as float


# ---- pictures, as the card says ----

def picture_files(folder, number, seed=1):
    files = sorted(glob.glob(folder + '/**/*.jpg', recursive=True) + glob.glob(folder + '/**/*.png', recursive=True))
    if not files:
        sys.exit(f'there are no pictures in {folder}')
    random.Random(seed).shuffle(files)
    return files[:number]


def scaled(picture, width, height):
    smaller = width < picture.shape[1] or height < picture.shape[0]
    return cv2.resize(picture, (max(1, width), max(1, height)), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def fitted(picture, card):
    """Cuts, scales and pads a picture to the size of the input."""
    spec = card['input']
    rows, columns = picture.shape[:2]
    if 'patch' in card:  # squares of the picture at its own size; one from the middle will do
        side = card['patch']
        picture = picture if min(rows, columns) >= side else scaled(picture, max(side, columns), max(side, rows))
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        return picture[top:top + side, left:left + side]
    width, height = spec['width'], spec['height']
    fit = spec.get('fit', 'stretch')
    if fit == 'centre-crop':
        side = int(min(rows, columns) * spec.get('crop', 1))
        top, left = (rows - side) // 2, (columns - side) // 2
        picture = picture[top:top + side, left:left + side]
    if fit == 'letterbox-topleft':
        by = min(width / columns, height / rows)
        small = scaled(picture, int(columns * by), int(rows * by))
        canvas = np.full((height, width, 3), spec.get('pad', 114), np.uint8)
        canvas[:small.shape[0], :small.shape[1]] = small
        return canvas
    return scaled(picture, width, height)


def per_channel(value):
    return np.asarray(value if isinstance(value, list) else [value] * 3, np.float32)


def tensor_of(picture, card):
    spec = card['input']
    if spec.get('order', 'bgr') == 'rgb':
        picture = picture[:, :, ::-1]
    x = picture.astype(np.float32) * spec.get('scale', 1)
    x = (x - per_channel(spec.get('mean', 0))) / per_channel(spec.get('std', 1))
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1), np.float32))


def load_batches(folder, number, card):
    """[n,3,height,width], at most BATCH at once; a picture that cannot be read is left out."""
    tensors = []
    for file in picture_files(folder, number):
        picture = cv2.imread(file)
        if picture is not None:
            tensors.append(tensor_of(fitted(picture, card), card))
    print(f'{len(tensors)} pictures of {folder}', flush=True)
    return [torch.stack(tensors[i:i + BATCH]) for i in range(0, len(tensors), BATCH)]


# ---- the float graph, with everything computed that depends on no picture ----

class Plain:
    """Nodes in order, constants as numpy arrays; no Constant, no Cast and Mul of weights, no arithmetic with shapes."""

    def __init__(self, path):
        self.model = onnx.load(path)
        graph = Graph(self.model)
        self.inputs = [i for i in self.model.graph.input if i.name in graph.inputs]
        self.outputs = list(self.model.graph.output)
        self.constants = {name: graph.weight(name).numpy() for name in graph.buffers_of}
        shapes = self._shape_values(graph)
        self.constants.update(shapes)
        nodes = [node for node, _ in graph.nodes]
        nodes = [node for node in nodes if not all(name in shapes for name in node.output)]
        self.nodes = [node for node in nodes if node.op_type != 'Identity' or node.output[0] in graph.outputs]
        self._skip_identities([node for node in nodes if node not in self.nodes])
        self.makers = {name: node for node in self.nodes for name in node.output}
        self.users = {}
        for node in self.nodes:
            for name in node.input:
                self.users.setdefault(name, []).append(node)

    def _shape_values(self, graph):
        """What comes out of Shape and what is computed from it, for one picture of the size of the input."""
        found = {}

        def watch(name, value):
            if value.dtype == torch.int64:
                found[name] = value.numpy()
        graph.watch = watch
        with torch.no_grad():
            graph(*[torch.zeros([d.dim_value or 1 for d in i.type.tensor_type.shape.dim]) for i in self.inputs])
        return found

    def _skip_identities(self, gone):
        same = {node.output[0]: node.input[0] for node in gone}
        for node in self.nodes:
            for i, name in enumerate(node.input):
                while name in same:
                    name = same[name]
                node.input[i] = name

    def reaches(self, kinds):
        """{value: whether an operator of these kinds comes behind it}"""
        known = {}
        for node in reversed(self.nodes):
            behind = any(user.op_type in kinds or known[user.output[0]] for user in self.users.get(node.output[0], []))
            known[node.output[0]] = behind
        return known


# ---- which operators are computed with 8 bits ----

def attribute(node, name, default=None):
    for a in node.attribute:
        if a.name == name:
            return helper.get_attribute_value(a)
    return default


def clip_range(plain, node):
    """(low, high) of a Relu or Clip; None of anything else."""
    if node.op_type == 'Relu':
        return 0., np.inf
    if node.op_type != 'Clip':
        return None
    ends = [attribute(node, 'min', -np.inf), attribute(node, 'max', np.inf)]
    for i, name in enumerate(node.input[1:3]):
        if name:
            ends[i] = float(plain.constants[name])
    return tuple(ends)


def merged_activation(plain, node):
    """The Relu or Clip that is the only user of a node's value, and whose lower end is 0."""
    users = plain.users.get(node.output[0], [])
    if len(users) != 1 or node.output[0] in [o.name for o in plain.outputs]:
        return None
    ends = clip_range(plain, users[0])
    return users[0] if ends and ends[0] == 0 else None


def data_inputs(plain, node):
    return [name for name in node.input if name and name not in plain.constants]


def is_eight_bit(plain, node, behind, kept):
    """behind: two tables of Plain.reaches, of heavy operators and of convolutions."""
    heavy, conv = behind
    reached = conv if node.op_type in ONLY_BEFORE_CONV else heavy
    if node.op_type not in EIGHT_BIT or not reached[node.output[0]] or any(word in node.output[0] for word in kept):
        return False
    if node.op_type == 'Conv':
        return all(name in plain.constants for name in node.input[1:])
    if node.op_type in ('Add', 'Mul'):
        return len(data_inputs(plain, node)) == 2
    if node.op_type == 'Resize':
        return attribute(node, 'mode', b'nearest') == b'nearest'
    return node.op_type not in ('Slice',) or plain.constants.get(node.input[0]) is None


def pixel_scale(plain):
    """(last value, scale, shift) when the input goes through Sub, Add, Mul or Div by single numbers: value = pixel * scale + shift."""
    name, scale, shift = plain.inputs[0].name, 1., 0.
    while True:
        users = plain.users.get(name, [])
        if len(users) != 1 or users[0].op_type not in ('Sub', 'Add', 'Mul', 'Div') or users[0].input[0] != name:
            return name, scale, shift
        number = plain.constants.get(users[0].input[1])
        if number is None or number.size != 1:
            return name, scale, shift
        number = float(number.reshape(-1)[0])
        by = {'Sub': (1, -number), 'Add': (1, number), 'Mul': (number, 0), 'Div': (1 / number, 0)}[users[0].op_type]
        scale, shift, name = scale * by[0], shift * by[0] + by[1], users[0].output[0]


# ---- ranges ----

class Ranges:
    """Lowest and highest value of each wanted name, then histograms between them, then the ends that all but a few are within."""

    def __init__(self, graph, batches, wanted):
        self.low, self.high, self.bins = {}, {}, {}
        self._pass(graph, batches, wanted, self._extend)
        self._pass(graph, batches, wanted, self._count)

    def _pass(self, graph, batches, wanted, see):
        def watch(name, value):
            if name in wanted:
                see(name, value)
        graph.watch = watch
        with torch.no_grad():
            for batch in batches:
                for name in graph.inputs:
                    watch(name, batch)
                graph(batch)
        graph.watch = None

    def _extend(self, name, value):
        self.low[name] = min(self.low.get(name, np.inf), float(value.min()))
        self.high[name] = max(self.high.get(name, -np.inf), float(value.max()))

    def _count(self, name, value):
        low, high = self.low[name], self.high[name]
        if high <= low:
            return
        bins = torch.histc(value.float(), BINS, low, high).double()
        self.bins[name] = self.bins.get(name, 0) + bins

    def ends(self, name, percentile):
        low, high = self.low[name], self.high[name]
        if name not in self.bins:
            return low, high
        if low >= 0:  # of what Relu left over: zeros say nothing
            bins = self.bins[name].clone()
            bins[0] = 0
        else:
            bins = self.bins[name]
        share = bins.cumsum(0) / max(1., float(bins.sum()))
        out = 1 - percentile / 100
        step = (high - low) / BINS
        last = int((share < 1 - out).sum())
        first = int((share < out).sum()) if low < 0 else 0
        return low + step * first, low + step * min(BINS, last + 1)


def scale_of(low, high):
    """-> scale, zero point: 0 is met exactly, and what is never negative uses all 256 steps above it."""
    low, high = min(low, 0.), max(high, 1e-6)
    scale = np.float32((high - low) / 255)
    return scale, int(np.clip(round(-low / scale), 0, 255))


# ---- writing ----

class Writer:
    """Builds the new graph; `eight` maps a value to (name of its 8-bit tensor, scale, zero point)."""

    def __init__(self, plain, ranges, options):
        self.plain, self.ranges, self.options = plain, ranges, options
        self.nodes, self.constants = [], {}
        self.eight, self.floats = {}, {}
        self.weights = {}  # of a convolution, by its output: names and scales, for the correction of its bias

    def constant(self, name, array):
        self.constants[name] = np.asarray(array)
        return name

    def put(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def pair(self, name, scale, zero):
        return [self.constant(name + '_scale', np.float32(scale)), self.constant(name + '_zero', np.uint8(zero))]

    def quantised(self, name):
        """The 8-bit tensor of a value, made of the float one where there is none yet."""
        if name not in self.eight:
            scale, zero = scale_of(*self.ranges.ends(name, self.options.percentile))
            self.quantise(name, self.float(name), scale, zero)
        return self.eight[name]

    def quantise(self, name, source, scale, zero):
        self.put('QuantizeLinear', [source] + self.pair(name, scale, zero), name + '_u8')
        self.eight[name] = (name + '_u8', scale, zero)

    def float(self, name):
        """A value as float, unfolded where it exists in 8 bits only."""
        if name in self.floats:
            return self.floats[name]
        if name in self.eight:
            self.floats[name] = self.unfolded(name, name + '_float')
            return self.floats[name]
        return name

    def unfolded(self, name, output):
        tensor, scale, zero = self.quantised(name)
        return self.put('DequantizeLinear', [tensor] + self.pair(name, scale, zero), output)

    def input_pixels(self):
        """Pixels are whole numbers from 0 to 255: they are quantised as they are, and read with the scale of the network."""
        name, scale, shift = pixel_scale(self.plain)
        zero = -shift / scale
        if name == self.plain.inputs[0].name or scale <= 0 or abs(zero - round(zero)) > 1e-3 or not 0 <= zero <= 255:
            return None
        image = self.plain.inputs[0].name
        self.put('QuantizeLinear', [image] + self.pair(image, 1., 0), image + '_u8')
        self.eight[name] = (image + '_u8', np.float32(scale), int(round(zero)))
        return name

    def conv_weights(self, node, input_scale):
        weight = self.plain.constants[node.input[1]].astype(np.float32)
        most = 64 if self.options.weight_bits == 7 else 127
        top = np.maximum(np.abs(weight).reshape(len(weight), -1).max(1), 1e-8)
        scale = (top / most).astype(np.float32)
        whole = np.round(weight / scale.reshape([-1] + [1] * (weight.ndim - 1))).astype(np.int8)
        name = node.input[1]
        names = [self.constant(name + '_s8', whole), self.constant(name + '_scale', scale),
                 self.constant(name + '_zero', np.zeros(len(scale), np.int8))]
        self.put('DequantizeLinear', names, node.output[0] + '_weight', axis=0)
        bias = self.plain.constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(weight), np.float32)
        step = (input_scale * scale).astype(np.float32)
        self.weights[node.output[0]] = step
        names = [self.constant(node.output[0] + '_bias_s32', np.round(bias / step).astype(np.int32)),
                 self.constant(node.output[0] + '_bias_scale', step),
                 self.constant(node.output[0] + '_bias_zero', np.zeros(len(step), np.int32))]
        self.put('DequantizeLinear', names, node.output[0] + '_bias', axis=0)
        return [node.output[0] + '_weight', node.output[0] + '_bias']

    def copy(self, node, inputs):
        new = onnx.NodeProto()
        new.CopyFrom(node)
        del new.input[:]
        new.input.extend(inputs)
        for name in inputs:
            if name in self.plain.constants:
                self.constant(name, self.plain.constants[name])
        self.nodes.append(new)

    def put_eight(self, node):
        """One operator between DequantizeLinear and QuantizeLinear; -> the activation that it swallowed."""
        out = node.output[0]
        inputs = []
        for i, name in enumerate(node.input):
            known = not name or name in self.plain.constants
            inputs.append(name if known else self.unfolded(name, f'{out}_in{i}'))
        if node.op_type == 'Conv':
            inputs[1:] = self.conv_weights(node, self.quantised(node.input[0])[1])
        self.copy(node, inputs)
        activation = merged_activation(self.plain, node)
        value = activation.output[0] if activation else out
        if node.op_type in KEEPS_SCALE:
            scale, zero = self.eight[node.input[0]][1:]
        else:
            scale, zero = scale_of(*self.ranges.ends(value, self.options.percentile))
        self.quantise(value, out, scale, zero)
        return activation

    def put_float(self, node):
        self.copy(node, [self.float(name) if name and name not in self.plain.constants else name for name in node.input])


def write(plain, ranges, options):
    writer = Writer(plain, ranges, options)
    behind = plain.reaches(HEAVY), plain.reaches({'Conv'})
    skipped = set()
    first = writer.input_pixels()
    behind_first = first is None
    for node in plain.nodes:
        if not behind_first:  # the arithmetic with pixels is in the scale
            behind_first = node.output[0] == first
            continue
        if node.output[0] in skipped:
            continue
        if is_eight_bit(plain, node, behind, options.float or []):
            activation = writer.put_eight(node)
            if activation is not None:
                skipped.add(activation.output[0])
        else:
            writer.put_float(node)
    return writer


def model_of(writer, plain):
    """Keeps what the outputs depend on; their names stay."""
    needed, nodes = {o.name for o in plain.outputs}, []
    for node in reversed(writer.nodes):
        if needed & set(node.output):
            needed |= set(node.input)
            nodes.append(node)
    constants = [numpy_helper.from_array(array, name) for name, array in writer.constants.items() if name in needed]
    graph = helper.make_graph(list(reversed(nodes)), plain.model.graph.name, plain.inputs, plain.outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', max(13, plain.model.opset_import[0].version))])
    model.ir_version = 7
    model.producer_name = 'assay quantize.py'
    for p in plain.model.metadata_props:
        model.metadata_props.add(key=p.key, value=p.value)
    onnx.checker.check_model(model)
    return model


# ---- correction of biases ----

def channel_means(graph, batch, wanted):
    means = {}

    def watch(name, value):
        if name in wanted:
            means[name] = value.mean([0] + list(range(2, value.ndim)))
    graph.watch = watch
    with torch.no_grad():
        graph(batch)
    graph.watch = None
    return means


def correct_biases(model, plain, writer, batches):
    """Rounding shifts the mean of a channel: takes the shift from the bias, convolution by convolution from the input on, so that
    each sees what the ones before it, corrected, give. Not the default: for assay-detect-1 the scores got further from those of the
    float net, not nearer (docs/models.md)."""
    batch = torch.cat(batches)[:CORRECTED_ON]
    want = channel_means(Graph(plain.model), batch, writer.weights)
    graph = Graph(model)
    shifts = {}

    def watch(name, value):
        if name not in want:
            return None
        shift = want[name] - value.mean([0] + list(range(2, value.ndim)))
        shifts[name] = shift.numpy()
        return value + shift.reshape([1, -1] + [1] * (value.ndim - 2))
    graph.watch = watch
    with torch.no_grad():
        graph(batch)
    for name, step in writer.weights.items():
        bias = writer.constants[name + '_bias_s32']
        writer.constants[name + '_bias_s32'] = (bias + np.round(shifts[name] / step)).astype(np.int32)
    print(f'biases of {len(shifts)} convolutions corrected on {len(batch)} pictures')


# ---- commands ----

def read_card(path):
    with open(path) as f:
        card = json.load(f)
    return card, os.path.join(os.path.dirname(path), card['file'])


def make(options):
    card, file = read_card(options.card)
    batches = load_batches(options.pictures, options.number, card)
    plain = Plain(file)
    wanted = {name for node in plain.nodes for name in list(node.input) + list(node.output)} - set(plain.constants)
    ranges = Ranges(Graph(plain.model), batches, wanted)
    writer = write(plain, ranges, options)
    model = model_of(writer, plain)
    if options.correct_biases:
        correct_biases(model, plain, writer, batches)
        model = model_of(writer, plain)
    onnx.save(model, options.out)
    with open(options.out, 'rb') as f:
        data = f.read()
    print(f'{options.out}: {len(data)} bytes, {len(writer.weights)} convolutions with 8 bits, '
          f'sha256 {hashlib.sha256(data).hexdigest()}')


def compare(options):
    card, file = read_card(options.card)
    batches = load_batches(options.pictures, options.number, card)
    plain = Graph(file)
    eight = Graph(options.file)
    program = runtime.Net(options.file)
    rows = {name: [] for name in plain.outputs}
    with torch.no_grad():
        for picture in torch.cat(batches).split(1):
            want, have = plain(picture), eight(picture)
            ran = dict(zip(program.outputs, program(**{plain.inputs[0]: picture.numpy()})))
            for name in rows:
                a, b, c = want[name].numpy(), have[name].numpy(), ran[name]
                rows[name].append((np.abs(a).max(), np.abs(a).mean(), np.abs(a - c).mean(), np.abs(b - c).mean()))
    for name, found in rows.items():
        found = np.array(found)
        most, (mean, off, torch_off) = found[:, 0].max(), found[:, 1:].mean(0)
        print(f'{name}: to {most:.4g}, in the mean {mean:.4g}; 8 bits against float {off:.3g}; torch against ONNX Runtime '
              f'{torch_off:.3g}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    p = commands.add_parser('make')
    p.add_argument('card')
    p.add_argument('--pictures', required=True)
    p.add_argument('--out', required=True)
    p.add_argument('--number', type=int, default=256, help='pictures for the ranges')
    p.add_argument('--percentile', type=float, default=99.999, help='part of the values that is within the range')
    p.add_argument('--weight-bits', type=int, choices=(7, 8), default=7)
    p.add_argument('--float', action='append', help='operators with this word in the name of their output stay float')
    p.add_argument('--correct-biases', action='store_true', help='take the mean error of each channel from its bias')
    p = commands.add_parser('compare')
    p.add_argument('card')
    p.add_argument('file')
    p.add_argument('--pictures', required=True)
    p.add_argument('--number', type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    {'make': make, 'compare': compare}[options.command](options)


if __name__ == '__main__':
    main()
