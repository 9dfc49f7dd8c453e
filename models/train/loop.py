"""The loop of training that all pupils share: AdamW, warm-up and cosine by steps, a running mean of the weights, checkpoints.

A run that was broken off goes on from its checkpoint when it is started again with the same arguments. The order of the batches then
starts anew from (seed, step): the result is as good, but not the same to the bit as that of an unbroken run.
"""
import collections
import json
import math
import os
import random
import time

import numpy as np
import torch


class Mean:
    """Running mean of all weights; short at first."""

    def __init__(self, net, keep):
        self.keep = keep
        self.state = {name: value.clone() for name, value in net.state_dict().items()}

    @torch.no_grad()
    def add(self, net, step):
        keep = min(self.keep, (1 + step) / (20 + step))
        for name, value in net.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].mul_(keep).add_(value, alpha=1 - keep)
            else:
                self.state[name].copy_(value)


def optimiser(net, rate, decay):
    matrices = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return torch.optim.AdamW([dict(params=matrices, weight_decay=decay), dict(params=others, weight_decay=0)], rate,
                             betas=(.9, .99))


def arguments(parser, steps, batch, rate):
    parser.add_argument('--out', required=True, help='checkpoint; training goes on from it when it is there')
    parser.add_argument('--steps', type=int, default=steps)
    parser.add_argument('--batch', type=int, default=batch)
    parser.add_argument('--rate', type=float, default=rate)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--save', type=float, default=120, help='seconds between checkpoints')


class Run:
    """One training. net: the pupil. loss(net, batch, progress) -> loss and figures to print. batches(step) -> an iterable from there on,
    with `until`, the step at which another iterable has to be asked for."""

    def __init__(self, args, net):
        torch.set_num_threads(args.threads)
        torch.manual_seed(args.seed)
        random.seed(args.seed)
        np.random.seed(args.seed)
        self.args, self.step, self.seconds, self.views = args, 0, 0., 0
        self.net = net.to(args.device).to(memory_format=torch.channels_last)
        self.best = optimiser(self.net, args.rate, .02)
        self.mean = Mean(self.net, .998)
        if os.path.exists(args.out):
            self.resume(torch.load(args.out, map_location=args.device))

    def resume(self, saved):
        self.net.load_state_dict(saved['net'])
        self.best.load_state_dict(saved['optimiser'])
        self.mean.state = saved['mean']
        self.step, self.seconds, self.views = saved['step'], saved['seconds'], saved['views']

    def save(self):
        state = dict(net=self.net.state_dict(), optimiser=self.best.state_dict(), mean=self.mean.state, step=self.step,
                     seconds=self.seconds, steps=self.args.steps, views=self.views, seed=self.args.seed,
                     device=self.args.device, photographs=used(self.args.shards))
        torch.save(state, self.args.out + '.new')
        os.rename(self.args.out + '.new', self.args.out)

    def progress(self):
        return self.step / self.args.steps

    def rate(self):
        return self.args.rate * min(1, (self.step + 1) / 200) * (.49 * (1 + math.cos(math.pi * self.progress())) + .02)

    def one(self, batch, loss):
        for group in self.best.param_groups:
            group['lr'] = self.rate()
        self.net.train()
        value, figures = loss(self.net, {k: v.to(self.args.device) for k, v in batch.items()}, self.progress())
        self.best.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.)
        self.best.step()
        self.step += 1
        self.views += len(batch['picture'])
        self.mean.add(self.net, self.step)
        return figures

    def go(self, batches, loss):
        """Trains up to the last step. -> False when it was done already."""
        begun, said = time.time() - self.seconds, self.seconds
        while self.step < self.args.steps:
            data, until = batches(self.step)
            for batch in torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4):
                figures = self.one(batch, loss)
                self.seconds = time.time() - begun
                if self.seconds - said > self.args.save:
                    said = self.seconds
                    self.save()
                    print(json.dumps(dict(step=self.step, minutes=round(self.seconds / 60, 1), **figures)), flush=True)
                if self.step >= min(until, self.args.steps):
                    break
        self.save()
        print(json.dumps(dict(done=self.step, minutes=round(self.seconds / 60, 1))), flush=True)


def used(shards):
    """How many photographs of each source the shards were made of; empty where answers.py did not make them."""
    path = os.path.join(shards, 'photos.txt')
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return dict(collections.Counter(line.split('/')[0] for line in file))


def light(pictures):
    """Changes of contrast, brightness and colour cast, which need no new answers. [B,3,h,w] of bytes -> float, 0 to 255."""
    x = pictures.float()
    draw = lambda channels, size: (torch.rand(len(x), channels, 1, 1, device=x.device) * 2 - 1) * size
    some = lambda share: (torch.rand(len(x), 1, 1, 1, device=x.device) < share).float()
    a, b = some(.6), some(.3)
    x = ((x - 128) * (1 + a * draw(1, .3)) + 128 + a * draw(1, 25)) * (1 + b * draw(3, .15))
    return x.clamp(0, 255).contiguous(memory_format=torch.channels_last)
