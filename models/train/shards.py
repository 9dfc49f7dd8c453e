"""Reads what answers.py stored, as batches: the pictures, and the teacher's answers as arrays over all cells. Half of them mirrored."""
import glob
import os

import cv2
import numpy as np
import torch

STRIDES = (8, 16, 32)



def mirror_cells(size):
    """Where each cell of a view of that size goes when the view is mirrored."""
    levels, start = [], 0
    for side in (size // s for s in STRIDES):
        level = start + np.arange(side * side).reshape(side, side)
        levels.append(level[:, ::-1].ravel())
        start += side * side
    return np.concatenate(levels)


class Batches(torch.utils.data.IterableDataset):
    """folder: of shards. task: 'detect', 'faces' or 'tags'. half: only strides 16 and 32, and pictures of half the size.

    Two shards at a time are mixed; each pass over all of them has another order. The same (seed, start) gives the same batches.
    """

    def __init__(self, folder, task, batch, seed, half=False):
        self.files = sorted(glob.glob(os.path.join(folder, '[0-9]*.npz')))
        if not self.files:
            raise SystemExit('no shards in %s: run answers.py first' % folder)
        self.task, self.batch, self.seed, self.half = task, batch, seed, half
        self.mirror = mirror_cells(320)

    def __iter__(self):
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            order = rng.permutation(len(self.files))
            for first in range(0, len(order), 2):
                pair = [self.load(self.files[i]) for i in order[first:first + 2]]
                yield from self.mixed(pair, rng)

    def load(self, path):
        with np.load(path) as file:
            shard = {name: file[name] for name in file}
        shard['begin'] = np.concatenate([[0], shard['end'][:-1]])
        if 'view' in shard:
            shard['from'] = np.searchsorted(shard['view'], np.arange(len(shard['end']) + 1))
        return shard

    def mixed(self, shards, rng):
        all_views = [(k, i) for k, s in enumerate(shards) for i in range(len(s['end']))]
        order = rng.permutation(len(all_views))
        for first in range(0, len(order) - self.batch + 1, self.batch):
            picks = [all_views[i] for i in order[first:first + self.batch]]
            items = [self.item(shards[k], i, rng.random() < .5) for k, i in picks]
            yield {name: torch.from_numpy(np.stack([item[name] for item in items])) for name in items[0]}

    def item(self, shard, i, mirrored):
        jpeg = shard['jpeg'][shard['begin'][i]:shard['end'][i]]
        picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
        if self.half:
            picture = cv2.resize(picture, None, fx=.5, fy=.5, interpolation=cv2.INTER_AREA)
        if mirrored:
            picture = picture[:, ::-1]
        out = dict(picture=np.ascontiguousarray(picture.transpose(2, 0, 1)))
        if self.task == 'tags':
            out.update({name: shard[name][i].astype(np.float32) for name in ('score', 'label')})
        else:
            out.update(self.cells(shard, i, mirrored))
        return out

    def cells(self, shard, i, mirrored):
        rows = slice(shard['from'][i], shard['from'][i + 1])
        at, score, box = shard['cell'][rows].astype(np.int64), shard['score'][rows], shard['box'][rows].astype(np.float32)
        if mirrored:
            at, box = self.mirror[at], mirrored_box(box)
        full_score = np.zeros((2100, score.shape[1]), np.uint8)
        full_box = np.zeros((2100, box.shape[1]), np.float32)
        full_score[at], full_box[at] = score, box
        skip = 1600 if self.half else 0
        return dict(score=full_score[skip:], box=full_box[skip:])


def mirrored_box(box):
    """Centres (and points) are offsets from the left of a cell; left and right eye and mouth corner change places."""
    out = box.copy()
    out[:, 0] = 1 - box[:, 0]
    if box.shape[1] == 14:
        points = out[:, 4:].reshape(-1, 5, 2)[:, [1, 0, 2, 4, 3]]
        points[:, :, 0] = 1 - points[:, :, 0]
        out[:, 4:] = points.reshape(-1, 10)
    return out
