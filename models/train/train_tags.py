#!/usr/bin/env python3
"""What a picture shows, in the product's tags: learns to answer as a classifier of ImageNet does, whose labels are summed by tag.

  answers.py tags --teacher mobilenetv2_imagenet_224.onnx --photos DIR --out SHARDS --shards 0-24
  train_tags.py train  --shards SHARDS --out tags.pt --steps 8000 [--trunk detect.pt]
  train_tags.py eval   --model tags.pt --shards OTHERS            agreement with the teacher on views of photographs it never saw
  train_tags.py export --model tags.pt --out assay-tags-2.onnx --card
  train_tags.py short  --out DIR                                  all of it on made pictures, in a minute

--trunk begins with the trunk of the detector, which has learned to see already. Input of the file that export writes: `input`
[1,3,160,160], BGR, 0..255, the middle square. Output `tags` [1,n]: probabilities that add up to one, in the order of tags.json.
"""
import json
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import export
import loop
import losses
import short
from nets import Classifier
from shards import Batches
from train_detect import REPEATS, WIDTHS

SIZE, SMALL, WIDE, LABELS = 160, 112, 320, 1001       # the labels of ImageNet and "background"
HERE = os.path.dirname(os.path.abspath(__file__))


def tags():
    with open(os.path.join(HERE, 'tags.json')) as file:
        return list(json.load(file))


class Pupil(nn.Module):
    """The net, and of training only: the teacher's labels as they are, which tell more of a picture than tags do."""

    def __init__(self):
        super().__init__()
        self.net = Classifier(WIDTHS, REPEATS, WIDE, len(tags()))
        self.labels = nn.Linear(2 * WIDE, LABELS)

    def forward(self, x):
        """-> logits of the tags, of the labels"""
        logits, whole = self.net(x)
        return logits, self.labels(whole)


def pupil():
    return Pupil()


def smaller(pictures, size=SIZE):
    return F.interpolate(pictures, size=(size, size), mode='area')


def loss(net, batch, progress):
    """Cross-entropy against the teacher's probabilities, of tags and of labels; at first of small pictures, twice as many a second."""
    pictures = loop.light(smaller(batch['picture'].float(), SMALL if progress < .6 else SIZE))
    wrong = {name: -(batch[name] * said.log_softmax(1)).sum(1).mean() for name, said in zip(('score', 'label'), net(pictures))}
    return wrong['score'] + .5 * wrong['label'], losses.told(**wrong)


def train(args):
    net = pupil()
    if args.trunk and not os.path.exists(args.out):
        saved = torch.load(args.trunk, map_location='cpu')['mean']
        wanted = {'trunk.': net.net.trunk, 'context.': net.net.context}
        for prefix, part in wanted.items():
            part.load_state_dict({k[len(prefix):]: v for k, v in saved.items() if k.startswith(prefix)})
    batches = lambda run: (Batches(args.shards, 'tags', run.part(args.batch), run.seed()), args.steps)
    loop.Run(args, net).go(batches, loss)


def trained(path):
    net = pupil()
    net.load_state_dict(torch.load(path, map_location='cpu')['mean'])
    return net.net.eval()


@torch.no_grad()
def evaluate(args):
    """On all views of the shards, not mirrored: how often the first tag is the teacher's, how often it is among the first three."""
    net = trained(args.model)
    data = Batches(args.shards, 'tags', 1, 0)
    theirs, ours = [], []
    for path in data.files:
        shard = data.load(path)
        for i in range(len(shard['end'])):
            item = data.item(shard, i, False)
            theirs.append(item['score'])
            picture = torch.from_numpy(item['picture'])[None].float()
            ours.append(net(smaller(picture))[0][0].softmax(0).numpy())
    theirs, ours = np.array(theirs), np.array(ours)
    print(json.dumps(agreement(theirs, ours)))


def agreement(theirs, ours):
    first, order = theirs.argmax(1), np.argsort(-ours, 1)
    sure = theirs.max(1) >= .5
    hit = order[:, 0] == first
    return dict(views=len(first), top1=round(float(hit.mean()), 3),
                top3=round(float((order[:, :3] == first[:, None]).any(1).mean()), 3),
                where_the_teacher_is_sure=dict(views=int(sure.sum()), top1=round(float(hit[sure].mean()), 3)),
                from_half=told_from(.5, theirs, ours, hit))


def told_from(least, theirs, ours, hit):
    """Of how many views a tag would be told, how often it is the teacher's best, how sure both are of it on the mean."""
    row, best = np.arange(len(ours)), ours.argmax(1)
    told = ours[row, best] >= least
    mean = lambda values: round(float(values[told].mean()), 3) if told.any() else None
    return dict(told=round(float(told.mean()), 3), top1=mean(hit), ours=mean(ours[row, best]), theirs=mean(theirs[row, best]))


class Shipped(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x)[0].softmax(1)


def ship(args):
    net = Shipped(trained(args.model))
    sha = export.write(net, torch.zeros(1, 3, SIZE, SIZE), args.out, ['input'], ['tags'], dict(tags=','.join(tags())))
    if args.card:
        export.card(args.out, sha, args.model, dict(labels=tags()))
    print(export.size(args.out), 'sha256', sha, 'weights', sum(p.numel() for p in net.parameters()))


def tiny(args):
    """Everything once, with a made teacher's answers on made pictures."""
    os.makedirs(args.out, exist_ok=True)
    shards = os.path.join(args.out, 'shards')
    short.tags(shards, classes=len(tags()), labels=LABELS)
    path = os.path.join(args.out, 'tags.pt')
    for steps in (4, 8):                                    # the second goes on where the first ended
        train(parsed(['train', '--shards', shards, '--out', path, '--steps', str(steps), '--batch', '4']))
    evaluate(parsed(['eval', '--model', path, '--shards', shards]))
    out = os.path.join(args.out, 'tags.onnx')
    ship(parsed(['export', '--model', path, '--out', out]))
    short.check(out, Shipped(trained(path)).eval(), (SIZE, SIZE))


def parsed(words=None):
    parser, verbs = loop.command(__doc__, steps=8000, batch=32, rate=2e-3)
    verbs['train'].add_argument('--trunk', default='')
    verbs['eval'].add_argument('--shards', required=True)
    return parser.parse_args(words)


if __name__ == '__main__':
    given = parsed()
    {'train': lambda args: loop.together(args, train), 'eval': evaluate, 'export': ship, 'short': tiny}[given.verb](given)
