#!/usr/bin/env python3
"""What the teachers say of views of photographs, stored once, because on a processor a teacher costs as much as its pupil.

  answers.py detect --teacher yolox_nano_416.onnx         --photos DIR --out DIR [--shards 0-29]
  answers.py faces  --teacher yunet_n_dynamic.onnx        --photos DIR --out DIR [--shards 0-9]
  answers.py tags   --teacher mobilenetv2_imagenet_224.onnx --photos DIR --out DIR [--shards 0-19]

With --validation of the photographs that training does not use, one in 25, chosen by a hash of the name.

Writes shards NNNN.npz of --views views each; a shard that is there is not made again, so several processes can share the work, and a run
that was broken off goes on. Shard n depends on n, on the list of photographs (photos.txt beside the shards, written by the first run and
kept), on the teacher and on --mosaic, on nothing else.

A shard has `jpeg` (all views one after the other), `end` (where each ends), and what the teacher said:

  detect, faces: `cell` [k], the cell (strides 8, 16, 32 one after the other), `view` [k], `score` [k,classes] of 255, `box` [k,n]: raw
                 outputs, for the cells where a score reaches .02; the others count as 0.
  tags:          `score` [views,tags]: the teacher's probabilities, summed by tag (tags.json); `label` [views,labels]: as they are.
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


class Detect:
    """YOLOX: scores are objectness times class, boxes raw."""
    size = 320
    mix = dict()

    def __init__(self, path):
        self.net = runtime.Net(sized(path, self.size))
        self.cells = Cells()

    def look(self, number, view):
        answer = self.net(images=planes(view))[0][0]
        self.cells.add(number, answer[:, 4:5] * answer[:, 5:][:, COCO], answer[:, :4])
        return True

    def arrays(self):
        return self.cells.arrays()


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
        self.net = runtime.Net(path)
        with open(os.path.join(HERE, '../cards/mobilenetv2-imagenet.json')) as file:
            labels = json.load(file)['labels']
        with open(os.path.join(HERE, 'tags.json')) as file:
            tags = json.load(file)
        self.sum = np.array([[float(label in meant) for meant in tags.values()] for label in labels], np.float32)
        self.labels = []

    def look(self, number, view):
        self.labels.append(self.net(input=planes(view[:, :, ::-1]) / 127.5 - 1)[0][0])
        return True

    def arrays(self):
        labels = np.array(self.labels)
        return dict(score=(labels @ self.sum).astype(np.float16), label=labels.astype(np.float16))


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
    """The path of the file with another input size."""
    model = onnx.load(path)
    for axis in (2, 3):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size
    model.graph.output[0].type.tensor_type.ClearField('shape')
    handle, out = tempfile.mkstemp('.onnx')
    os.close(handle)
    onnx.save(model, out)
    return out


def shard(args, number, files):
    task = TASKS[args.task](args.teacher)
    kind = Squares if args.task == 'tags' else Views
    mix = dict(task.mix, **({} if args.mosaic is None else dict(mosaic=args.mosaic)))
    views = kind(args.photos, files, task.size, (args.seed, number))
    jpegs = []
    while len(jpegs) < args.views:
        view, jpeg = views.next(**mix)
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
    parser.add_argument('--mosaic', type=float, help='share of the views that show four photographs, so that things in them are small')
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
