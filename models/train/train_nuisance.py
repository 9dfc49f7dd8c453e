#!/usr/bin/env python3
"""Fit the nuisance scores: one logistic function of the motion statistics per concept. Plain Python, no packages.

  train_nuisance.py render --rows rows.csv                    renders the clips: minutes; build the project first
  train_nuisance.py real   --rows real.csv --clips DIR        statistics of real clips: tested on, never fitted to
  train_nuisance.py fit    --rows rows.csv --real real.csv    fits, tests, writes src/analysis/nuisance_weights.h

A concept is kept only if clips rendered from seeds never fitted to show that it deserves a score (area under the curve of
0.85 or more), and if it fires (0.5 or more) on no real clip that plainly does not show it. Everything follows from the seeds
below.
"""
import argparse, concurrent.futures, csv, math, os, random, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEED_FIT, SEED_TEST = 1_000_000, 2_000_000   # clip i of a set is rendered from SEED + i
ALARMS = ['person', 'vehicle', 'animal']
NUISANCES = ['plant', 'flag', 'wind', 'rain', 'insect', 'spider', 'web']
OTHERS = ['person-far', 'shake', 'light', 'empty']
PURE = {'fit': 60, 'test': 30}               # clips per kind
MIXED = {'fit': 12, 'test': 6}               # clips per pair

def clips(which):
    """The clips of a set: (words for the program, kinds in it)."""
    pairs = [(k, None) for k in ALARMS + NUISANCES + OTHERS for _ in range(PURE[which])]
    pairs += [(k, w) for k in NUISANCES for w in ALARMS for _ in range(MIXED[which])]
    pairs += [(k, w) for k in ('shake', 'light') for w in ('person', 'vehicle') for _ in range(MIXED[which])]
    pairs += [('rain', 'wind') for _ in range(MIXED[which])]
    for i, (kind, with_kind) in enumerate(pairs):
        seed = (SEED_FIT if which == 'fit' else SEED_TEST) + i
        r = random.Random(seed)
        width, height = r.choice([(426, 320), (426, 320), (320, 240), (640, 480)])
        light = r.choice(['day', 'day', 'day', 'night', 'night', 'dusk'])
        words = ['scene', kind, with_kind or '-', seed, round(r.uniform(3, 8), 1), r.randint(4, 8), width, height, light,
                 r.randint(22, 36)]
        yield ' '.join(map(str, words)), kind + ('+' + with_kind if with_kind else '')

def measure(program, lines):
    """The program's answer to each line, as a list of dicts (None: unreadable)."""
    done = subprocess.run([program], input='\n'.join(lines) + '\n', capture_output=True, text=True, check=True)
    names, *rows = done.stdout.splitlines()
    return [None if row.startswith('error') else dict(zip(names.split(), row.split())) for row in rows]

def measure_all(program, lines, jobs):
    parts = [lines[i:i + 20] for i in range(0, len(lines), 20)]
    rows = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for part in pool.map(lambda p: measure(program, p), parts):
            rows += part
            print(f'\r{len(rows)} of {len(lines)} clips', end='', file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows

def save(path, kinds, rows):
    names = [n for n in next(r for r in rows if r)]
    with open(path, 'w', newline='') as f:
        out = csv.writer(f)
        out.writerow(['set', 'clip'] + names)
        for (which, clip), row in zip(kinds, rows):
            if row:
                out.writerow([which, clip] + [row[n] for n in names])

def render(args):
    lines, kinds = [], []
    for which in ('fit', 'test'):
        for words, kind in clips(which):
            lines.append(words)
            kinds.append((which, kind))
    save(args.rows, kinds, measure_all(args.motion, lines, args.jobs))

# ---------------------------------------------------------------- real clips

def real(args):
    names = sorted(n for n in os.listdir(args.clips) if not n.endswith('.txt'))
    rows = measure_all(args.motion, ['file ' + os.path.join(args.clips, n) for n in names], args.jobs)
    save(args.rows, [('real', n) for n in names], rows)

# ---------------------------------------------------------------- fit

# What a concept's clips show, and clips that say nothing about it: whether a plant sways in trees that the wind moves is a
# matter of words.
CONCEPTS = {
    'flag': (['flag'], []),
    'plant': (['plant'], ['wind']),
    'rain': (['rain'], []),
    'spider': (['spider', 'insect'], []),
    'web': (['web'], []),
    'wind': (['wind'], ['plant', 'flag']),
}
# Real clips in which it is not plain that the concept is absent.
UNCLEAR = {
    'plant': ['realshort.mp4', 'bigbuckbunny.mp4'],
    'wind': ['realshort.mp4', 'bigbuckbunny.mp4'],
}
LIMIT = 3            # deviations; a feature further out counts as that far
LEAST_PICTURES = 5   # with fewer there is no score
LEAST_AUC = 0.85
L2 = 2.0             # penalty on the squares of the weights

def truth(concept, clip):
    """1 shows it, 0 does not, None says nothing."""
    shown, silent = CONCEPTS[concept]
    kinds = clip.split('+')
    if any(k in shown for k in kinds):
        return 1
    return None if any(k in silent for k in kinds) else 0

def load(path):
    with open(path, newline='') as f:
        rows = list(csv.reader(f))
    names = rows[0][3:]
    names = [n for n in names if not n.startswith('score:')]
    return names, [(r[0], r[1], [float(v) for v in r[3:3 + len(names)]]) for r in rows[1:] if int(r[2]) >= LEAST_PICTURES]

def spread_of(rows):
    n = len(rows)
    mean = [sum(c) / n for c in zip(*rows)]
    return mean, [math.sqrt(sum((v - m) ** 2 for v in c) / n) or 1.0 for c, m in zip(zip(*rows), mean)]

def standard(row, mean, deviation):
    return [max(-LIMIT, min(LIMIT, (v - m) / d)) for v, m, d in zip(row, mean, deviation)]

def logistic(z):
    return 1 / (1 + math.exp(-max(-40, min(40, z))))

def solve(a, b):
    """Gauss with pivots; a is symmetric and small."""
    n = len(b)
    a = [row[:] + [v] for row, v in zip(a, b)]
    for i in range(n):
        p = max(range(i, n), key=lambda r: abs(a[r][i]))
        a[i], a[p] = a[p], a[i]
        for r in range(i + 1, n):
            f = a[r][i] / a[i][i]
            for c in range(i, n + 1):
                a[r][c] -= f * a[i][c]
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (a[i][n] - sum(a[i][c] * x[c] for c in range(i + 1, n))) / a[i][i]
    return x

def fit_one(rows, truths, l2, rounds=12):
    """Weights, the constant last: logistic regression by Newton's method."""
    rows = [r + [1.0] for r in rows]
    n = len(rows[0])
    w = [0.0] * n
    for _ in range(rounds):
        gradient = [-l2 * v for v in w[:-1]] + [0.0]
        hessian = [[(l2 if i < n - 1 else 1e-6) if i == k else 0.0 for k in range(n)] for i in range(n)]
        for x, y in zip(rows, truths):
            p = logistic(sum(a * b for a, b in zip(w, x)))
            q = p * (1 - p)
            for i, v in enumerate(x):
                gradient[i] += (y - p) * v
                qv, h = q * v, hessian[i]
                for k in range(i + 1):
                    h[k] += qv * x[k]
        for i in range(n):
            for k in range(i):
                hessian[k][i] = hessian[i][k]
        w = [a + b for a, b in zip(w, solve(hessian, gradient))]
    return w

def score(w, x):
    return logistic(sum(a * b for a, b in zip(w, x)) + w[-1])

def auc(good, bad):
    order = sorted([(v, 1) for v in good] + [(v, 0) for v in bad])
    rank, i, total = 0.0, 0, 0.0
    while i < len(order):
        k = i
        while k < len(order) and order[k][0] == order[i][0]:
            k += 1
        total += sum(o[1] for o in order[i:k]) * (i + 1 + k) / 2
        i = k
    return (total - len(good) * (len(good) + 1) / 2) / (len(good) * len(bad))

def examples(concept, rows, which, std):
    """(standardised features, shows it or not, clip) of a set; clips that say nothing left out."""
    return [(std(r), truth(concept, r[1]), r[1]) for r in rows if r[0] == which and truth(concept, r[1]) is not None]

def judge(concept, w, held_out, real_rows, std):
    """What the held-out clips and the real ones say about the weights."""
    good = [score(w, x) for x, y, _ in held_out if y]
    bad = [(score(w, x), clip) for x, y, clip in held_out if not y]
    plain = [(score(w, std(r)), r[1]) for r in real_rows if r[1] not in UNCLEAR.get(concept, [])]
    fires = [f'{clip} {v:.2f}' for v, clip in plain if v >= 0.5]
    value = auc(good, [v for v, _ in bad])
    kept = value >= LEAST_AUC and not fires
    print(f'| {concept} | {value:.3f} | {sum(v >= .5 for v in good)} of {len(good)} | {sum(v >= .5 for v, _ in bad)} of '
          f'{len(bad)} | {len(fires)} of {len(plain)} | {", ".join(fires)} | {"yes" if kept else "no"} |')
    return kept

def numbers(values):
    return ', '.join(f'{float(f"{v:.6g}")!r}f' for v in values)

def wrapped(values):
    return ',\n      '.join(numbers(values[i:i + 8]) for i in range(0, len(values), 8))

HEADER = """/* Generated by models/train/train_nuisance.py (seeds {fit}.., held out {test}..). Do not edit. */
/* clang-format off */
#ifndef ASSAY_ANALYSIS_NUISANCE_WEIGHTS_H
#define ASSAY_ANALYSIS_NUISANCE_WEIGHTS_H

enum {{ NUISANCE_FEATURES = {n}, NUISANCE_LEAST_PICTURES = {least} }};

/* In deviations from the mean of the rendered clips, a feature counts no more than this. */
static const float nuisance_limit = {limit}.0f;

static const struct nuisance_input {{
    const char *name;
    float mean, deviation;
}} nuisance_inputs[NUISANCE_FEATURES] = {{
{inputs}
}};

static const struct nuisance_head {{
    const char *label;
    float constant;
    float weights[NUISANCE_FEATURES];
}} nuisance_heads[] = {{
{heads}
}};

#endif
"""

def write_weights(path, names, mean, deviation, heads):
    inputs = '\n'.join(f'    {{"{n}", {numbers([m, d])}}},' for n, m, d in zip(names, mean, deviation))
    heads = '\n'.join(f'    {{"{c}", {numbers([w[-1]])},\n     {{{wrapped(w[:-1])}}}}},' for c, w in heads)
    with open(path, 'w') as f:
        f.write(HEADER.format(fit=SEED_FIT, test=SEED_TEST, n=len(names), least=LEAST_PICTURES, limit=LIMIT, inputs=inputs,
                              heads=heads))

def fit(args):
    names, rows = load(args.rows)
    real_rows = load(args.real)[1]
    mean, deviation = spread_of([r[2] for r in rows if r[0] == 'fit'])
    std = lambda r: standard(r[2], mean, deviation)
    heads = []
    print('| concept | AUC | found | false | false on real clips | which | kept |\n|---|---|---|---|---|---|---|')
    for concept in CONCEPTS:
        fitted = examples(concept, rows, 'fit', std)
        w = fit_one([x for x, _, _ in fitted], [y for _, y, _ in fitted], L2)
        if judge(concept, w, examples(concept, rows, 'test', std), real_rows, std):
            heads.append((concept, w))
    write_weights(args.out, names, mean, deviation, heads)

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=['render', 'real', 'fit'])
    p.add_argument('--rows', required=True)
    p.add_argument('--real')
    p.add_argument('--clips')
    p.add_argument('--out', default=os.path.join(ROOT, 'src/analysis/nuisance_weights.h'))
    p.add_argument('--motion', default=os.path.join(ROOT, 'build/tools/motion/motion'))
    p.add_argument('--jobs', type=int, default=os.cpu_count())
    args = p.parse_args()
    globals()[args.what](args)

if __name__ == '__main__':
    main()
