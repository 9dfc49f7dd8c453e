"""Boosted trees for two classes, small and with nothing but numpy.

A tree asks the same question of all rows at each level ("is feature f above t?"), so it is `depth` questions and 2^depth
values: quick to compute, short to write down, and hard to overfit with.
"""
import numpy as np

BINS = 32


class Settings:
    def __init__(self, trees=960, depth=3, rate=0.08, rows=0.7, features=0.15, penalty=20.0, least=6.0, jitter=0.1):
        self.trees, self.depth, self.rate = trees, depth, rate
        self.rows, self.features = rows, features    # shares that a tree sees
        self.penalty, self.least = penalty, least    # on the values of leaves; weight of rows in a leaf
        self.jitter = jitter                         # noise on the features, in parts of their spread


def edges_of(x):
    """Thresholds between the bins of each feature: quantiles, which need not all differ."""
    at = np.linspace(0, 1, BINS + 1)[1:-1]
    return np.quantile(x, at, axis=0).T.astype(np.float32)


def binned(x, edges):
    """The number of the bin: how many edges the value is above."""
    return np.stack([np.searchsorted(e, x[:, f].astype(np.float32), side='left') for f, e in enumerate(edges)], axis=1)


def best_question(bins, leaf, nleaves, g, h, penalty, least):
    """(column of bins, edge) of the question that splits all leaves best; None when nothing gains."""
    n, m = bins.shape
    cell = ((np.arange(m) * nleaves + leaf[:, None]) * BINS + bins).ravel()
    sg = np.bincount(cell, np.repeat(g, m), m * nleaves * BINS).reshape(m, nleaves, BINS).cumsum(2)
    sh = np.bincount(cell, np.repeat(h, m), m * nleaves * BINS).reshape(m, nleaves, BINS).cumsum(2)
    gl, hl = sg[..., :-1], sh[..., :-1]
    gr, hr = sg[..., -1:] - gl, sh[..., -1:] - hl
    gain = gl ** 2 / (hl + penalty) + gr ** 2 / (hr + penalty) - sg[..., -1:] ** 2 / (sh[..., -1:] + penalty)
    gain = np.where((hl < least / 4) | (hr < least / 4), 0, gain).sum(1)
    f, k = np.unravel_index(int(gain.argmax()), gain.shape)
    return (int(f), int(k)) if gain[f, k] > 0 else None


def grow(bins, edges, g, h, rng, s):
    """One tree: [(feature, threshold)], values of the leaves."""
    n, m = bins.shape
    seen = rng.random(n) < s.rows
    features = rng.choice(m, max(1, int(m * s.features)), replace=False)
    leaf = np.zeros(n, dtype=np.int64)
    asked = []
    few = np.ascontiguousarray(bins[seen][:, features])
    for level in range(s.depth):
        f, k = best_question(few, leaf[seen], 1 << level, g[seen], h[seen], s.penalty, s.least) or (0, BINS - 2)
        f = int(features[f])
        asked.append((f, float(edges[f][k])))
        leaf |= (bins[:, f] > k).astype(np.int64) << level
    nl = 1 << s.depth
    values = s.rate * np.bincount(leaf[seen], g[seen], nl) / (np.bincount(leaf[seen], h[seen], nl) + s.penalty)
    return asked, values


def fit(x, y, weight, seed, s):
    """The trees of a log-odds score; noise is drawn anew for every five of them."""
    rng = np.random.default_rng(seed)
    edges = edges_of(x)
    spread = np.subtract(*np.quantile(x, [0.84, 0.16], axis=0)) / 2
    z = np.zeros(len(y))
    trees = []
    for i in range(s.trees):
        if i % 5 == 0:
            bins = binned(x + rng.normal(size=x.shape) * spread * s.jitter, edges)
        p = 1 / (1 + np.exp(-z))
        tree = grow(bins, edges, weight * (y - p), weight * p * (1 - p), rng, s)
        trees.append(tree)
        z += value_of(tree, x)
    return trees


def value_of(tree, x):
    asked, values = tree
    leaf = np.zeros(len(x), dtype=np.int64)
    for level, (f, t) in enumerate(asked):
        leaf |= (x[:, f].astype(np.float32) > np.float32(t)).astype(np.int64) << level
    return values[leaf]


def score(trees, x):
    return sum(value_of(t, x) for t in trees)
