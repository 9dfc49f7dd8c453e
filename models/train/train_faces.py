#!/usr/bin/env python3
"""The detector of faces with five points each: learns to answer as YuNet does, from photographs without labels.

  answers.py faces --teacher yunet_n_dynamic.onnx --photos DIR --out SHARDS --shards 0-14
  train_faces.py train  --shards SHARDS --out faces.pt --steps 6000
  train_faces.py eval   --model faces.pt --teacher yunet_n_dynamic.onnx --photos DIR    what of the teacher's faces it finds
  train_faces.py export --model faces.pt --out assay-faces-3.onnx --card
  train_faces.py short  --out DIR                                       all of it on made pictures, in a minute

The file that export writes has YuNet's form: `input` [1,3,384,640], BGR, 0..255, letterbox at the top left, padding 0; twelve outputs
cls_S, obj_S (both the same: the score), bbox_S and kps_S for the strides S = 8, 16, 32.
"""
import json
import os

import cv2
import numpy as np
import torch
import torch.nn as nn

import export
import loop
import losses
import short
from nets import STRIDES, Pyramid
from shards import Batches
from views import photographs

WIDTH, HEIGHT = 640, 384
LEAST_SIDE, OVERLAP = 24, .4


def pupil():
    return Pyramid((16, 16, 32, 48, 64), (1, 1, 2, 1), 32, 1, 14)


def loss(net, batch, progress):
    score = batch['score'].float() / 255
    logits, numbers = net(loop.light(batch['picture']))
    named = losses.named(logits, score)
    boxed = losses.boxed(numbers[..., :4], batch['box'][..., :4], score) + .4 * losses.boxed(numbers[..., 4:], batch['box'][..., 4:], score)
    shown = losses.shown(logits, score, [[0]])
    return named + .3 * boxed + .5 * shown, losses.told(named=named, boxed=boxed, shown=shown)


def train(args):
    batches = lambda run: (Batches(args.shards, 'faces', run.part(args.batch), run.seed()), args.steps)
    loop.Run(args, pupil()).go(batches, loss)


def trained(path):
    net = pupil()
    net.load_state_dict(torch.load(path, map_location='cpu')['mean'])
    return net.eval()


class Shipped(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        """The twelve outputs, by kind and then by stride."""
        levels = self.net.features(x)
        cells = lambda layers: [f(t).flatten(2).transpose(1, 2) for f, t in zip(layers, levels)]
        scores = [s.sigmoid() for s in cells(self.net.classes)]
        numbers = cells(self.net.numbers)
        return (*scores, *[s * 1. for s in scores], *[n[..., :4] for n in numbers], *[n[..., 4:] for n in numbers])


NAMES = ['%s_%d' % (kind, s) for kind in ('cls', 'obj', 'bbox', 'kps') for s in STRIDES]


def ship(args):
    net = Shipped(trained(args.model))
    sha = export.write(net, torch.zeros(1, 3, HEIGHT, WIDTH), args.out, ['input'], NAMES)
    if args.card:
        export.card(args.out, sha, args.model)
    print(export.size(args.out), 'sha256', sha, 'weights', sum(p.numel() for p in net.parameters()))


# ------------------------------------------------------------------------------------------------- against the teacher

def letterbox(picture):
    ratio = min(WIDTH / picture.shape[1], HEIGHT / picture.shape[0])
    view = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    h, w = (int(n * ratio) for n in picture.shape[:2])
    view[:h, :w] = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
    return np.ascontiguousarray(view.transpose(2, 0, 1), np.float32)[None]


def faces(outputs, least):
    """Outputs by name -> boxes [k,5]: left, top, right, bottom, score; overlapping ones left out."""
    found = []
    for s in STRIDES:
        score = np.sqrt(np.clip(outputs['cls_%d' % s] * outputs['obj_%d' % s], 0, 1)).ravel()
        at = np.nonzero(score >= least)[0]
        box = outputs['bbox_%d' % s].reshape(-1, 4)[at]
        column, row = at % (WIDTH // s), at // (WIDTH // s)
        centre = (box[:, :2] + np.stack([column, row], 1)) * s
        extent = np.exp(np.clip(box[:, 2:], -6, 6)) * s
        found.append(np.concatenate([centre - extent / 2, centre + extent / 2, score[at][:, None]], 1))
    boxes = np.concatenate(found)
    boxes, kept = boxes[np.argsort(-boxes[:, 4])], []
    for box in boxes:
        if all(overlap(box, other) < .3 for other in kept):
            kept.append(box)
    return np.array(kept).reshape(-1, 5)


def overlap(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    return w * h / (area(a) + area(b) - w * h)


@torch.no_grad()
def answers(net, view):
    if isinstance(net, nn.Module):
        return {name: t.numpy() for name, t in zip(NAMES, net(torch.from_numpy(view)))}
    return dict(zip(net.outputs, net(input=view)))


def evaluate(args):
    """Of the teacher's faces from .7 with a shorter side of 24 pixels in the input: how many are found; how many others are said."""
    import runtime
    teacher, net = runtime.Net(args.teacher), Shipped(trained(args.model)).eval()
    files = photographs(args.photos)
    said = []
    for name in files:
        picture = cv2.imread(os.path.join(args.photos, name))
        if picture is not None:
            view = letterbox(picture)
            said.append((faces(answers(teacher, view), .3), faces(answers(net, view), .1)))
    for threshold in (.3, .4, .5, .6, .7):
        print(json.dumps(dict(threshold=threshold, photographs=len(said), **compared(said, threshold))))


def compared(said, threshold):
    large = lambda b: min(b[2] - b[0], b[3] - b[1]) >= LEAST_SIDE
    wanted = found = false = 0
    for theirs, ours in said:
        ours = ours[ours[:, 4] >= threshold]
        sure = [b for b in theirs if b[4] >= .7 and large(b)]
        wanted += len(sure)
        found += sum(any(overlap(b, o) >= OVERLAP for o in ours) for b in sure)
        false += sum(large(o) and not any(overlap(b, o) >= OVERLAP for b in theirs) for o in ours)
    return dict(faces=wanted, recall=round(found / max(1, wanted), 3), false_in_20=round(20 * false / max(1, len(said)), 2))


def tiny(args):
    """Everything once, with a made teacher's answers on made pictures."""
    os.makedirs(args.out, exist_ok=True)
    shards = os.path.join(args.out, 'shards')
    short.shard(shards, classes=1, numbers=14)
    path = os.path.join(args.out, 'faces.pt')
    for steps in (4, 8):                                    # the second goes on where the first ended
        train(parsed(['train', '--shards', shards, '--out', path, '--steps', str(steps), '--batch', '4']))
    out = os.path.join(args.out, 'faces.onnx')
    ship(parsed(['export', '--model', path, '--out', out]))
    short.check(out, Shipped(trained(path)).eval(), (HEIGHT, WIDTH))


def parsed(words=None):
    parser, verbs = loop.command(__doc__, steps=6000, batch=16, rate=2e-3)
    for word in ('--teacher', '--photos'):
        verbs['eval'].add_argument(word, required=True)
    return parser.parse_args(words)


if __name__ == '__main__':
    given = parsed()
    {'train': lambda args: loop.together(args, train), 'eval': evaluate, 'export': ship, 'short': tiny}[given.verb](given)
