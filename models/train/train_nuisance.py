#!/usr/bin/env python3
"""Fit the nuisance scores: one logistic function of the motion statistics per concept. Plain Python, no packages.

  train_nuisance.py render --rows rows.csv                         renders the clips (minutes; build the project first)
  train_nuisance.py fit    --rows rows.csv [--real rows-real.csv]  fits, tests, writes src/analysis/nuisance_weights.h
  train_nuisance.py real   --rows rows-real.csv --clips DIR        statistics of real clips: tested on, never fitted to

A concept gets a score only if clips rendered from seeds never fitted to show that it deserves one, and if it does not fire on
real clips that do not show it. Everything follows from the seeds below.
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

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=['render'])
    p.add_argument('--rows', required=True)
    p.add_argument('--motion', default=os.path.join(ROOT, 'build/tools/motion/motion'))
    p.add_argument('--jobs', type=int, default=os.cpu_count())
    args = p.parse_args()
    globals()[args.what](args)

if __name__ == '__main__':
    main()
