#!/usr/bin/env python3
"""What a picture shows, in the product's tags: learns to answer as a classifier of ImageNet does, whose labels are summed by tag.

  answers.py tags --teacher mobilenetv2_imagenet_224.onnx --photos DIR --out SHARDS --shards 0-24
  train_tags.py train  --shards SHARDS --out tags.pt --steps 8000 [--trunk detect.pt]
  train_tags.py eval   --model tags.pt --shards OTHERS            agreement with the teacher on views of photographs it never saw
  train_tags.py export --model tags.pt --out assay-tags-1.onnx --card
  train_tags.py short  --out DIR                                  all of it on made pictures, in a minute

--trunk begins with the trunk of the detector, which has learned to see already. Input of the file that export writes: `input`
[1,3,160,160], BGR, 0..255, the middle square. Output `tags` [1,n]: probabilities that add up to one, in the order of tags.json.
"""
import argparse
import json
import os

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import export
import loop
import short
from nets import Classifier
from shards import WHOLE_HINTS, Batches
from train_detect import REPEATS, WIDTHS

SIZE, WIDE = 160, 320
HERE = os.path.dirname(os.path.abspath(__file__))


def tags():
    with open(os.path.join(HERE, 'tags.json')) as file:
        return list(json.load(file))


class Pupil(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Classifier(WIDTHS, REPEATS, WIDE, len(tags()))
        self.hints = nn.ModuleList([nn.Conv2d(WIDTHS[3], 96, 1), nn.Conv2d(WIDE, 320, 1), nn.Linear(2 * WIDE, 1280)])

    def forward(self, x):
        """-> logits; what it sees on its way, as the teacher would say it. The hints are of training only."""
        logits, seen = self.net(x)
        told = [layer(t) for layer, t in zip(self.hints, seen)]
        return logits, [t.flatten(2).transpose(1, 2) if t.dim() == 4 else t.unsqueeze(1) for t in told]


def smaller(pictures):
    return F.interpolate(pictures, size=(SIZE, SIZE), mode='area')


def loss(net, batch, progress):
    """Cross-entropy against the teacher's probabilities, hints less and less."""
    pictures = smaller(loop.light(batch['picture'])).contiguous(memory_format=torch.channels_last)
    logits, told = net(pictures)
    named = -(batch['score'] * logits.log_softmax(1)).sum(1).mean()
    hinted = sum(hint_loss(t, batch, name) for t, (name, _) in zip(told, WHOLE_HINTS)) / 3
    return named + (4 * (1 - progress) + .5) * hinted, dict(named=round(named.item(), 3), hinted=round(hinted.item(), 3))


def hint_loss(told, batch, name):
    """Squared difference, in units of the teacher's own deviation."""
    hint = batch[name].float() * batch[name + '_scale'].view(-1, 1, 1)
    return (told - hint).pow(2).mean() / (hint.var() + 1e-3)


def train(args):
    pupil = Pupil()
    if args.trunk and not os.path.exists(args.out):
        saved = torch.load(args.trunk, map_location='cpu')['mean']
        wanted = {'net.trunk.': pupil.net.trunk, 'net.context.': pupil.net.context}
        for prefix, part in wanted.items():
            part.load_state_dict({k[len(prefix):]: v for k, v in saved.items() if k.startswith(prefix)})
    batches = lambda step: (Batches(args.shards, 'tags', args.batch, (args.seed, step)), args.steps)
    loop.Run(args, pupil).go(batches, loss)


def trained(path):
    pupil = Pupil()
    pupil.load_state_dict(torch.load(path, map_location='cpu')['mean'])
    return pupil.net.eval()


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
            ours.append(net(smaller(picture))[0][0].numpy())
    theirs, ours = np.array(theirs), np.array(ours)
    print(json.dumps(agreement(theirs, ours)))


def agreement(theirs, ours):
    first, order = theirs.argmax(1), np.argsort(-ours, 1)
    sure = theirs.max(1) >= .5
    hit = order[:, 0] == first
    return dict(views=len(first), top1=round(float(hit.mean()), 3),
                top3=round(float((order[:, :3] == first[:, None]).any(1).mean()), 3),
                where_the_teacher_is_sure=dict(views=int(sure.sum()), top1=round(float(hit[sure].mean()), 3)))


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
    short.tags(shards, classes=len(tags()))
    path = os.path.join(args.out, 'tags.pt')
    for steps in (4, 8):                                    # the second goes on where the first ended
        train(parsed(['train', '--shards', shards, '--out', path, '--steps', str(steps), '--batch', '4']))
    evaluate(parsed(['eval', '--model', path, '--shards', shards]))
    out = os.path.join(args.out, 'tags.onnx')
    ship(parsed(['export', '--model', path, '--out', out]))
    short.check(out, Shipped(trained(path)).eval(), (SIZE, SIZE))


def parsed(words=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', required=True)
    verb = verbs.add_parser('train')
    verb.add_argument('--shards', required=True)
    verb.add_argument('--trunk', default='')
    loop.arguments(verb, steps=8000, batch=32, rate=2e-3)
    for name, more in (('eval', '--shards'), ('export', '--out')):
        verb = verbs.add_parser(name)
        verb.add_argument('--model', required=True)
        verb.add_argument(more, required=True)
    verb.add_argument('--card', action='store_true', help='write the card beside it')
    verbs.add_parser('short').add_argument('--out', required=True)
    return parser.parse_args(words)


if __name__ == '__main__':
    given = parsed()
    {'train': train, 'eval': evaluate, 'export': ship, 'short': tiny}[given.verb](given)
