#!/usr/bin/env python3
"""What the teachers say of views of photographs, stored once, because on a processor a teacher costs as much as its pupil.

  answers.py detect --teacher yolox_nano_416.onnx         --photos DIR --out DIR [--shards 0-29]
  answers.py faces  --teacher yunet_n_dynamic.onnx        --photos DIR --out DIR [--shards 0-9]
  answers.py tags   --teacher mobilenetv2_imagenet_224.onnx --photos DIR --out DIR [--shards 0-19]

With --validation of the photographs that training does not use, one in 25, chosen by a hash of the name.

Writes shards NNNN.npz of --views views each; a shard that is there is not made again, so several processes can share the work, and a run
that was broken off goes on. Shard n depends on n, on the list of photographs (photos.txt beside the shards, written by the first run and
kept) and on the teacher, on nothing else.

A shard has `jpeg` (all views one after the other), `end` (where each ends), and what the teacher said:

  detect, faces: `cell` [k], the cell (strides 8, 16, 32 one after the other), `view` [k], `score` [k,classes] of 255, `box` [k,n]: raw
                 outputs, for the cells where a score reaches .02; the others count as 0.
  detect:        hints, what the teacher sees on its way, int8 with a scale a view (`NAME_scale` [views]): `head` [views,500,64], what
                 goes into its heads at strides 16 and 32; `trunk` [views,400,128] at stride 16 and `deep` [views,100,128] at
                 stride 32, what its backbone hands to the pyramid.
  tags:          `score` [views,tags]: the teacher's probabilities, summed by tag (tags.json); hints as above, of the places of a
                 view of 160 pixels: `near` [views,100,96] at stride 16, `far` [views,25,320] at stride 32, `whole` [views,1,1280].
"""
import argparse
import hashlib
import json
import os
import tempfile

import cv2
import numpy as np
import onnx

import runtime
from views import Views, packed, photographs

LEAST = .02
COCO = [0, 1, 2, 3, 5, 6, 7, 8, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]
HERE = os.path.dirname(os.path.abspath(__file__))


class Cells:
    """Collects the cells that a teacher says something about."""

    def __init__(self):
        self.cell, self.view, self.score, self.box = [], [], [], []

    def add(self, view, scores, boxes):
        at = np.nonzero(scores.max(1) >= LEAST)[0]
        self.cell.append(at.astype(np.uint16))
        self.view.append(np.full(len(at), view, np.uint16))
        self.score.append(np.round(scores[at] * 255).astype(np.uint8))
        self.box.append(boxes[at].astype(np.float16))

    def arrays(self):
        join = lambda parts: np.concatenate(parts)
        return dict(cell=join(self.cell), view=join(self.view), score=join(self.score), box=join(self.box))


class Hints:
    """Collects tensors [1,channels,h,w] as [cells,channels] in 8 bits."""

    def __init__(self):
        self.bytes, self.scale = [], []

    def add(self, *levels):
        values = np.concatenate([v[0].reshape(v.shape[1], -1).T for v in levels])
        scale = np.abs(values).max() / 127
        self.bytes.append(np.round(values / scale).astype(np.int8))
        self.scale.append(scale)

    def arrays(self, name):
        return {name: np.array(self.bytes), name + '_scale': np.array(self.scale, np.float32)}


class Detect:
    """YOLOX: scores are objectness times class, boxes raw; tensors inside the graph are made outputs."""
    size = 320
    mix = dict()

    def __init__(self, path):
        model = sized(path, self.size)
        heads, (trunk, deep) = head_inputs(model.graph), pyramid_inputs(model.graph)
        self.net = runtime.Net(with_outputs(model, heads + [trunk, deep]))
        self.names = heads, trunk, deep
        self.cells, self.head, self.trunk, self.deep = Cells(), Hints(), Hints(), Hints()

    def look(self, number, view):
        out = dict(zip(self.net.outputs, self.net(images=planes(view))))
        heads, trunk, deep = self.names
        answer = out[self.net.outputs[0]][0]
        self.cells.add(number, answer[:, 4:5] * answer[:, 5:][:, COCO], answer[:, :4])
        self.head.add(*sorted((out[h] for h in heads), key=lambda t: -t.shape[2])[1:])
        self.trunk.add(out[trunk])
        self.deep.add(out[deep])
        return True

    def arrays(self):
        return dict(self.cells.arrays(), **self.head.arrays('head'), **self.trunk.arrays('trunk'), **self.deep.arrays('deep'))


class Faces:
    """YuNet: score sqrt(cls * obj), four numbers of the box and ten of the points. Of views without faces one in three is kept."""
    size = 320
    mix = dict(mosaic=.25, night=.1)

    def __init__(self, path):
        self.net = runtime.Net(path)
        self.cells = Cells()

    def look(self, number, view):
        out = dict(zip(self.net.outputs, self.net(input=planes(view))))
        join = lambda name: np.concatenate([out['%s_%d' % (name, s)][0] for s in (8, 16, 32)])
        scores = np.sqrt(np.clip(join('cls') * join('obj'), 0, 1))
        if scores.max() < .5 and number % 3:
            return False
        self.cells.add(number, scores, np.concatenate([join('bbox'), join('kps')], 1))
        return True

    def arrays(self):
        return self.cells.arrays()


class Tags:
    """MobileNetV2 of ImageNet on the middle square; its labels are summed by tag."""
    size = 224
    mix = dict()

    def __init__(self, path):
        model = onnx.load(path)
        self.names = classifier_inside(model.graph)
        self.net = runtime.Net(with_outputs(model, self.names))
        self.hints = {name: Hints() for name in ('near', 'far', 'whole')}
        with open(os.path.join(HERE, '../cards/mobilenetv2-imagenet.json')) as file:
            labels = json.load(file)['labels']
        with open(os.path.join(HERE, 'tags.json')) as file:
            tags = json.load(file)
        self.sum = np.array([[float(label in meant) for meant in tags.values()] for label in labels], np.float32)
        self.scores = []

    def look(self, number, view):
        rgb = planes(view[:, :, ::-1]) / 127.5 - 1
        answer, *inside = self.net(input=rgb)
        self.scores.append((answer[0] @ self.sum).astype(np.float16))
        for hints, values, side in zip(self.hints.values(), inside, (10, 5, 1)):
            hints.add(shrunk(values, side))
        return True

    def arrays(self):
        out = dict(score=np.array(self.scores))
        for name, hints in self.hints.items():
            out.update(hints.arrays(name))
        return out


class Squares(Views):
    """For tags: the middle square of a photograph, or of a part of it that is nearly all."""

    def next(self, **mix):
        picture = self.load()
        if self.rng.random() < .75:
            picture = self.cut(picture, .35)
        side = min(picture.shape[:2])
        y, x = ((n - side) // 2 for n in picture.shape[:2])
        view = cv2.resize(picture[y:y + side, x:x + side], (self.size, self.size), interpolation=cv2.INTER_AREA)
        if self.rng.random() < .05:
            view = self.night(view)
        return packed(view, 90)


TASKS = {'detect': Detect, 'faces': Faces, 'tags': Tags}


def planes(view):
    return np.ascontiguousarray(view.transpose(2, 0, 1), np.float32)[None]


def sized(path, size):
    """The graph with another input size."""
    model = onnx.load(path)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    model.graph.output[0].type.tensor_type.ClearField('shape')
    return model


def with_outputs(model, names):
    """The path of a file with these tensors as outputs, too."""
    for name in names:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    handle, out = tempfile.mkstemp('.onnx')
    os.close(handle)
    onnx.save(model, out)
    return out


def head_inputs(graph):
    """Tensors that exactly two depthwise convolutions read: those of classes and of boxes."""
    users = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    deep = lambda n: n.op_type == 'Conv' and any(a.name == 'group' and a.i > 1 for a in n.attribute)
    return [name for name, nodes in users.items() if len(nodes) == 2 and all(deep(n) for n in nodes)]


def pyramid_inputs(graph):
    """What the backbone hands to the pyramid at strides 16 and 32: the first tensor that is enlarged, and what it is joined with."""
    large = next(node for node in graph.node if node.op_type == 'Resize')
    joined = next(node for node in graph.node if node.op_type == 'Concat' and large.output[0] in node.input)
    other = next(name for name in joined.input if name != large.output[0])
    return other, large.input[0]


def classifier_inside(graph):
    """What a MobileNetV2 has at strides 16 and 32 last: the sum before the last reduction, what the last wide layer reads; and the mean
    over the picture. (The graph keeps 8-bit weights, so weights are told from values by the nodes in front of them.)"""
    made = {node.output[0]: node for node in graph.node}
    pool = next(node for node in graph.node if node.op_type == 'AveragePool')
    wide = made[made[pool.input[0]].input[0]]
    node, strided = made[wide.input[0]], 0
    while not strided:
        node = made[node.input[0]]
        strides = next((list(a.ints) for a in node.attribute if a.name == 'strides'), [1])
        strided = node.op_type == 'Conv' and strides[0] == 2
    expansion = made[made[node.input[0]].input[0]]
    return [expansion.input[0], wide.input[0], pool.output[0]]


def shrunk(values, side):
    """[1,channels,h,w] at that many places a side: the mean of what lies there."""
    if values.shape[2] == side:
        return values
    planes_last = np.ascontiguousarray(values[0].transpose(1, 2, 0))
    parts = [planes_last[:, :, c:c + 4] for c in range(0, planes_last.shape[2], 4)]
    small = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in parts]
    return np.concatenate(small, 2).transpose(2, 0, 1)[None]


def shard(args, number, files):
    task = TASKS[args.task](args.teacher)
    kind = Squares if args.task == 'tags' else Views
    views = kind(args.photos, files, task.size, (args.seed, number))
    jpegs = []
    while len(jpegs) < args.views:
        view, jpeg = views.next(**task.mix)
        if task.look(len(jpegs), view):
            jpegs.append(jpeg)
    end = np.cumsum([len(j) for j in jpegs])
    return dict(task.arrays(), jpeg=np.concatenate(jpegs), end=end)


def of_validation(name):
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 25 == 0


def listed(args):
    """The list of photographs that all shards of this folder are made of."""
    path = os.path.join(args.out, 'photos.txt')
    if not os.path.exists(path):
        with open(path + '.new', 'w') as file:
            file.write('\n'.join(p for p in photographs(args.photos) if of_validation(p) == args.validation) + '\n')
        os.rename(path + '.new', path)
    with open(path) as file:
        return file.read().split('\n')[:-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task', choices=TASKS)
    for name in ('teacher', 'photos', 'out'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('--shards', default='0-0')
    parser.add_argument('--views', type=int, default=2000)
    parser.add_argument('--validation', action='store_true')
    parser.add_argument('--seed', type=int, default=20261122)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    files = listed(args)
    first, last = map(int, args.shards.split('-'))
    for number in range(first, last + 1):
        path = os.path.join(args.out, '%04d.npz' % number)
        if not os.path.exists(path):
            np.savez(path + '.new', **shard(args, number, files))
            os.rename(path + '.new.npz', path)
            print(path, flush=True)


if __name__ == '__main__':
    main()
