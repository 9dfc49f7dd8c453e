"""The loop of training that all pupils share: AdamW, warm-up and cosine by steps, a running mean of the weights, checkpoints.

A run that was broken off goes on from its checkpoint when it is started again with the same arguments. The order of the batches then
starts anew from (seed, step): the result is as good, but not the same to the bit as that of an unbroken run.
"""
import argparse
import collections
import json
import math
import os
import random
import signal
import tempfile
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


def command(text, steps, batch, rate):
    """The command line that all trainers share. -> the parser, and those of its verbs by name, for what one of them needs beside it."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest='verb', required=True)
    verb = verbs.add_parser('train')
    verb.add_argument('--shards', required=True)
    verb.add_argument('--out', required=True, help='checkpoint; training goes on from it when it is there')
    verb.add_argument('--begin', default='', help='a checkpoint whose weights a new training begins with')
    verb.add_argument('--steps', type=int, default=steps)
    verb.add_argument('--batch', type=int, default=batch)
    verb.add_argument('--rate', type=float, default=rate)
    verb.add_argument('--seed', type=int, default=1)
    verb.add_argument('--processes', type=int, default=1, help='that share each batch; best as many as there are cores')
    verb.add_argument('--threads', type=int, default=1, help='of each process')
    verb.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    verb.add_argument('--save', type=float, default=120, help='seconds between checkpoints')
    for name in ('eval', 'export'):
        verbs.add_parser(name).add_argument('--model', required=True)
    verb = verbs.choices['export']
    verb.add_argument('--out', required=True)
    verb.add_argument('--card', action='store_true', help='write the card beside it')
    verbs.add_parser('short').add_argument('--out', required=True)
    return parser, verbs.choices


def together(args, train):
    """train(args) in args.processes processes, each with its part of every batch and the mean of all gradients. Torch's threads wait for
    each other after every layer: on two cores two processes see twice as many views a second as two threads."""
    if args.processes == 1:
        return train(args)
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(member, (args, train, 'file://' + os.path.join(folder, 'meeting')), args.processes)


def member(rank, args, train, meeting):
    signal.signal(signal.SIGINT, signal.SIG_DFL)        # by which torch ends it with its parent; background jobs have it ignored
    torch.distributed.init_process_group('gloo', init_method=meeting, rank=rank, world_size=args.processes)
    train(args)


class Run:
    """One training. net: the pupil. loss(net, batch, progress) -> loss and figures to print. batches(run) -> an iterable from run.step on,
    with `until`, the step at which another iterable has to be asked for: of batches of run.part(size), drawn by run.seed().
    Where there are several processes, the first one has the running mean, and saves."""

    def __init__(self, args, net):
        torch.set_num_threads(args.threads)
        torch.manual_seed(args.seed)
        random.seed(args.seed)
        np.random.seed(args.seed)
        self.args, self.step, self.before, self.seconds, self.views = args, 0, 0, 0., 0
        self.rank = torch.distributed.get_rank() if args.processes > 1 else 0
        self.net = net.to(args.device).to(memory_format=torch.channels_last)
        if args.begin and not os.path.exists(args.out):
            self.begin(torch.load(args.begin, map_location=args.device))
        self.best = optimiser(self.net, args.rate, .02)
        self.mean = Mean(self.net, .998)
        if os.path.exists(args.out):
            self.resume(torch.load(args.out, map_location=args.device))

    def begin(self, saved):
        """With what another run has learned: its steps, views and time count as well."""
        self.net.load_state_dict(saved['mean'])
        self.before = saved.get('before', 0) + saved['step']
        self.seconds, self.views = saved['seconds'], saved['views']

    def resume(self, saved):
        self.net.load_state_dict(saved['net'])
        self.best.load_state_dict(saved['optimiser'])
        self.mean.state = saved['mean']
        self.before = saved.get('before', 0)
        self.step, self.seconds, self.views = saved['step'], saved['seconds'], saved['views']

    def seed(self):
        return self.args.seed, self.step, self.rank

    def part(self, batch):
        return max(1, batch // self.args.processes)

    def save(self):
        if self.rank:
            return
        state = dict(net=self.net.state_dict(), optimiser=self.best.state_dict(), mean=self.mean.state, step=self.step, before=self.before,
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
        self.share()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.)
        self.best.step()
        self.step += 1
        self.views += len(batch['picture']) * self.args.processes
        self.mean.add(self.net, self.step)
        return figures

    def share(self):
        if self.args.processes == 1:
            return
        parts = [p.grad for p in self.net.parameters() if p.grad is not None]
        whole = torch.cat([g.reshape(-1) for g in parts])
        torch.distributed.all_reduce(whole)
        whole /= self.args.processes
        for g, mean in zip(parts, whole.split([g.numel() for g in parts])):
            g.copy_(mean.view_as(g))

    def go(self, batches, loss):
        """Trains up to the last step."""
        begun, said = time.time() - self.seconds, self.seconds
        while self.step < self.args.steps:
            data, until = batches(self)
            for batch in torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4):
                figures = self.one(batch, loss)
                self.seconds = time.time() - begun
                if self.seconds - said > self.args.save:
                    said = self.seconds
                    self.save()
                    self.say(step=self.step, **figures)
                if self.step >= min(until, self.args.steps):
                    break
        self.save()
        self.say(done=self.step)

    def say(self, **figures):
        if not self.rank:
            print(json.dumps(dict(minutes=round(self.seconds / 60, 1), **figures)), flush=True)


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
