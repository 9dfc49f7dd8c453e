#!/usr/bin/env python3
"""The nuisance scores: boosted trees on what moves in a clip and what it looks like, one set of trees per concept.

  train_nuisance.py render --clips DIR                       renders the clips: half an hour of one core; resumable
  train_nuisance.py rows   --clips DIR --rows rows.csv       their statistics; resumable
  train_nuisance.py real   --clips DIR --rows real.csv       statistics of real clips: tested on, never fitted to
  train_nuisance.py parts  --clips DIR --rows parts.csv      of two real clips, in pieces: fitted to
  train_nuisance.py fit    --rows rows.csv --parts parts.csv --real real.csv
                                                             fits, tests, writes src/analysis/nuisance_weights.h
  train_nuisance.py short  --out DIR                         all of it on few small clips, in about a minute: the test

Needs numpy, and tools/scene and tools/motion as built. Everything follows from the seeds here and in nuisance_scenes.py.

A concept is kept only if clips of another style and other seeds than those fitted to show that it deserves a score (area
under the curve of LEAST_AUC or more), and if it fires (0.5 or more) on no real clip that plainly does not show it.
"""
import argparse, concurrent.futures, csv, os, subprocess, sys

import numpy as np

import boost
import nuisance_scenes as scenes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEED = 20261122
LEAST_PICTURES = 5   # with fewer there is no score
LEAST_AUC = 0.9
FALSE_SHARE = 0.005  # of the clips without it reach 0.5
FOLDS = 4
SHARED_WEIGHT = 0.5  # of a clip with something else in it too, against one alone

# What a concept's clips show, and clips that say nothing about it: whether a plant sways in trees that the wind moves, or
# an insect on the lens is a spider, is a matter of words.
CONCEPTS = {
    'flag': (['flag'], []),
    'other': (scenes.OTHERS, ['pan', 'cut']),
    'plant': (['plant'], ['wind']),
    'rain': (['rain'], []),
    'spider': (['spider'], ['insect']),
    'text': (['text'], []),
    'web': (['web'], []),
    'wind': (['wind'], ['plant', 'flag']),
}
# Real clips in which it is not plain that the concept is absent. Two show plants; what "other" is, nobody can say of
# animations, of things that move by themselves, and of zooms into a photograph; one was captioned.
PLANTS = ['realshort.mp4', 'bigbuckbunny.mp4']
ODD = ['bigbuckbunny.mp4', 'echo-hereweare.webm', 'newtonscradle.gif', 'conveyor_fruit.mp4', 'realshort.mp4', 'moonwalk.01.avi',
       'still_dog.mp4', 'still_fox_ir.mp4']
UNCLEAR = {'plant': PLANTS, 'wind': PLANTS, 'other': ODD, 'text': ['onscreen_text.mov', 'echo-hereweare.webm']}
# Real clips to learn from, CC-BY-4.0 (intel-iot-devkit/sample-videos@5797889): seconds, what they show. Pieces of this length.
PARTS = {'bottle-detection.mp4': (40, 'belt'), 'one-by-one-person-detection.mp4': (60, 'person')}
PART = 5


# ---------------------------------------------------------------- statistics

def measure(program, lines):
    """The program's answer to each line, as lists of words (None: unreadable); without lines, the names of the columns."""
    done = subprocess.run([program], input=''.join(line + '\n' for line in lines), capture_output=True, text=True, check=True)
    names, *rows = done.stdout.splitlines()
    return [None if row.startswith('error') else row.split() for row in rows] if lines else names.split()


def read_rows(path):
    """{file name: row} of a table, the names of the columns."""
    with open(path, newline='') as f:
        names, *lines = list(csv.reader(f))
    return {line[3]: line for line in lines}, names


def save(path, program, todo, jobs):
    """Measures what is not in the table yet, a hundred clips at a time, so that it goes on where it was stopped. A row of
    `todo`: set, style, kinds, name of the file, line for the program."""
    names = ['set', 'style', 'clip', 'file'] + measure(program, [])
    done = {}
    if os.path.exists(path):
        done, old = read_rows(path)
        done = done if old == names else {}
    missing = [t for t in todo if t[3] not in done]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        parts = [missing[i:i + 50] for i in range(0, len(missing), 50)]
        for part, measured in zip(parts, pool.map(lambda q: measure(program, [t[4] for t in q]), parts)):
            done.update({t[3]: list(t[:4]) + row for t, row in zip(part, measured) if row})
            with open(path + '.part', 'w', newline='') as f:
                csv.writer(f).writerows([names] + [done[t[3]] for t in todo if t[3] in done])
            os.rename(path + '.part', path)


def rows_of(program, clips, sets, path, jobs):
    todo = [(c, scenes.path_of(clips, c)) for c in scenes.clips(sets)]
    save(path, program, [(*c[:3], os.path.basename(p), 'file ' + p) for c, p in todo if os.path.exists(p)], jobs)


def rows(args):
    rows_of(args.motion, args.clips, scenes.SETS, args.rows, args.jobs)


def real(args):
    names = sorted(n for n in os.listdir(args.clips) if not n.endswith('.txt'))
    save(args.rows, args.motion, [('real', 'real', n, n, 'file ' + os.path.join(args.clips, n)) for n in names], args.jobs)


def parts(args):
    todo = []
    for name, (seconds, kind) in PARTS.items():
        for start in range(0, seconds, PART):
            todo.append(('fit', 'real', kind, f'{start} {name}', f'part {start} {PART} {os.path.join(args.clips, name)}'))
    save(args.rows, args.motion, todo, args.jobs)


class Table:
    """Rows with enough pictures: set, style, clip and a matrix of features."""

    def __init__(self, *paths):
        self.keys, x = [], []
        for path in paths:
            with open(path, newline='') as f:
                names, *lines = list(csv.reader(f))
            self.names = [n for n in names[5:] if not n.startswith('score:')]
            for line in lines:
                if int(line[4]) >= LEAST_PICTURES:
                    self.keys.append(tuple(line[:3]))
                    x.append([float(v) for v in line[5:5 + len(self.names)]])
        self.x = np.array(x)

    def where(self, which):
        return np.array([k[0] == which for k in self.keys])


def truths(concept, keys):
    """1 shows it, 0 does not, -1 says nothing."""
    shown, silent = CONCEPTS[concept]
    found = []
    for _, _, clip in keys:
        kinds = clip.split('+')
        found.append(1 if any(k in shown for k in kinds) else -1 if any(k in silent for k in kinds) else 0)
    return np.array(found)


# ---------------------------------------------------------------- fit

def weights_of(keys, y):
    """Both classes weigh alike; a thing that shares its clip with others weighs less than one alone."""
    w = np.array([SHARED_WEIGHT if '+' in k[2] and t else 1.0 for k, t in zip(keys, y)])
    for t in (0, 1):
        w[y == t] *= len(y) / 2 / w[y == t].sum()
    return w


def auc(z, y):
    """Area under the ROC curve; equal scores share their ranks."""
    values, which, counts = np.unique(z, return_inverse=True, return_counts=True)
    rank = (counts.cumsum() - (counts - 1) / 2)[which]
    good = int((y == 1).sum())
    return (rank[y == 1].sum() - good * (good + 1) / 2) / (good * (len(y) - good))


def logistic(z):
    return 1 / (1 + np.exp(-np.clip(z, -40, 40)))


def platt(z, y, weight, rounds=30):
    """Scale and offset that make a probability of z, by Newton's method."""
    a, b = 1.0, 0.0
    for _ in range(rounds):
        p = logistic(a * z + b)
        g, q = weight * (y - p), weight * p * (1 - p)
        h = np.array([[(q * z * z).sum() + 1e-3, (q * z).sum()], [(q * z).sum(), q.sum() + 1e-3]])
        step = np.linalg.solve(h, [(g * z).sum(), g.sum()])
        a, b = a + step[0], b + step[1]
    return a, b


def calibrate(x, y, keys, settings):
    """From trees that did not see the clip: the scale by Platt's method; the offset such that FALSE_SHARE of the clips
    without it reach 0.5."""
    fold = np.random.default_rng(SEED).integers(0, FOLDS, len(y))
    z = np.zeros(len(y))
    for k in range(FOLDS):
        inside = fold != k
        trees = boost.fit(x[inside], y[inside], weights_of([keys[i] for i in np.flatnonzero(inside)], y[inside]), SEED + k, settings)
        z[~inside] = boost.score(trees, x[~inside])
    scale, _ = platt(z, y, weights_of(keys, y))
    return scale, -scale * float(np.quantile(z[y == 0], 1 - FALSE_SHARE)), auc(z, y)


class Head:
    def __init__(self, concept, table, settings):
        use = table.where('fit')
        truth = truths(concept, table.keys)
        use &= truth >= 0
        keys = [table.keys[i] for i in np.flatnonzero(use)]
        x, y = table.x[use], truth[use]
        self.concept = concept
        self.scale, self.offset, self.known = calibrate(x, y, keys, settings)
        self.trees = boost.fit(x, y, weights_of(keys, y), SEED, settings)

    def score(self, x):
        return logistic(self.scale * boost.score(self.trees, x) + self.offset)


def held_out(head, table):
    """(scores, truths, clips) of the clips of the other style."""
    truth = truths(head.concept, table.keys)
    use = table.where('test') & (truth >= 0)
    return head.score(table.x[use]), truth[use], [table.keys[i][2] for i in np.flatnonzero(use)]


def on_real(head, table):
    """(name, score) of the real clips that plainly do not show it."""
    return [(k[2], v) for k, v in zip(table.keys, head.score(table.x)) if k[2] not in UNCLEAR.get(head.concept, [])]


def share(which):
    return f'{int(which.sum())} of {len(which)}'


def judge(head, table, real_table):
    """Prints a line of the table; whether the concept is kept."""
    p, y, clips = held_out(head, table)
    alone = np.array(['+' not in c for c in clips])
    plain = on_real(head, real_table) if real_table else []
    fires = [f'`{n}` {v:.2f}' for n, v in plain if v >= 0.5]
    value = auc(p, y)
    kept = value >= LEAST_AUC and not fires
    print(f'| {head.concept} | {head.known:.3f} | {value:.3f} | {auc(p[alone], y[alone]):.3f} | {share(p[alone & (y == 1)] >= .5)} | '
          f'{share(p[~alone & (y == 1)] >= .5)} | {share(p[y == 0] >= .5)} | {len(fires)} of {len(plain)}'
          f'{": " + ", ".join(fires) if fires else ""} | {"yes" if kept else "no"} |')
    return kept


def numbers(values):
    return ', '.join(f'{float(f"{v:.5g}")!r}f' for v in values)


HEADER = """/* Generated by models/train/train_nuisance.py (seed {seed}, clips of nuisance_scenes.py). Do not edit. */
/* clang-format off */
#ifndef ASSAY_ANALYSIS_NUISANCE_WEIGHTS_H
#define ASSAY_ANALYSIS_NUISANCE_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

enum {{ NUISANCE_FEATURES = {n}, NUISANCE_DEPTH = {depth}, NUISANCE_LEAST_PICTURES = {least} }};

/* The inputs, in order: the table in nuisance.c must be the same. */
static const char *const nuisance_inputs[NUISANCE_FEATURES] = {{
{inputs}
}};

/* Bit i of the number of a leaf: whether feature[i] is above from[i]. */
struct nuisance_tree {{
    uint8_t feature[NUISANCE_DEPTH];
    float from[NUISANCE_DEPTH];
    float leaf[1 << NUISANCE_DEPTH];
}};

{trees}
/* score = 1 / (1 + e^-(scale * sum of leaves + offset)) */
static const struct nuisance_head {{
    const char *label;
    const struct nuisance_tree *trees;
    size_t ntrees;
    float scale, offset;
}} nuisance_heads[] = {{
{heads}
}};

#endif
"""


def tree_text(tree):
    asked, values = tree
    features = ', '.join(str(f) for f, _ in asked)
    return f'    {{{{{features}}}, {{{numbers([t for _, t in asked])}}},\n     {{{numbers(values)}}}}},'


def write_weights(path, names, heads, settings):
    inputs = '\n'.join(f'    "{n}",' for n in names)
    trees = '\n'.join(f'static const struct nuisance_tree nuisance_{h.concept}[] = {{\n' + '\n'.join(map(tree_text, h.trees)) + '\n};\n'
                      for h in heads)
    lines = '\n'.join(f'    {{"{h.concept}", nuisance_{h.concept}, {len(h.trees)}, {numbers([h.scale, h.offset])}}},' for h in heads)
    with open(path, 'w') as f:
        f.write(HEADER.format(seed=SEED, n=len(names), depth=settings.depth, least=LEAST_PICTURES, inputs=inputs, trees=trees, heads=lines))


TITLE = """| concept | AUC, known styles | AUC, other style | alone | found, alone | found, with something else | false, other style | false, real | kept |
|---|---|---|---|---|---|---|---|---|"""


def fit_all(table, real_table, settings, out):
    print(TITLE)
    heads = [Head(c, table, settings) for c in CONCEPTS]
    kept = [h for h in heads if judge(h, table, real_table)]
    write_weights(out, table.names, kept, settings)
    return heads


def fit(args):
    fit_all(Table(*[p for p in (args.rows, args.parts) if p]), Table(args.real) if args.real else None, boost.Settings(), args.out)


def render(args):
    scenes.render(args.scene, args.clips, scenes.SETS, args.jobs)


def short(args):
    """Renders, measures, fits and writes on small clips; fails when rain is not told from the rest, or when the same seeds
    give other tables."""
    folder, rows_path = os.path.join(args.out, 'clips'), os.path.join(args.out, 'rows.csv')
    settings = boost.Settings(trees=40, depth=2, rate=0.2, rows=1.0, features=0.5, penalty=1.0, least=1.0)
    scenes.render(args.scene, folder, scenes.SHORT, args.jobs)
    rows_of(args.motion, folder, scenes.SHORT, rows_path, args.jobs)
    written = []
    for name in ('once.h', 'again.h'):
        heads = fit_all(Table(rows_path), None, settings, os.path.join(args.out, name))
        with open(os.path.join(args.out, name)) as f:
            written.append(f.read())
    p, y, _ = held_out(next(h for h in heads if h.concept == 'rain'), Table(rows_path))
    print(f'short: AUC of rain {auc(p, y):.2f}, {len(written[0])} bytes of tables')
    return 0 if auc(p, y) > 0.8 and written[0] == written[1] else 1


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=['render', 'rows', 'real', 'parts', 'fit', 'short'])
    p.add_argument('--rows')
    p.add_argument('--parts')
    p.add_argument('--real')
    p.add_argument('--clips')
    p.add_argument('--out', default=os.path.join(ROOT, 'src/analysis/nuisance_weights.h'))
    p.add_argument('--motion', default=os.path.join(ROOT, 'build/tools/motion/motion'))
    p.add_argument('--scene', default=os.path.join(ROOT, 'build/tools/scene/scene'))
    p.add_argument('--jobs', type=int, default=os.cpu_count())
    args = p.parse_args()
    sys.exit(globals()[args.what](args) or 0)


if __name__ == '__main__':
    main()
