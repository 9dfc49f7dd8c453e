"""The rendered clips of train_nuisance.py: which there are, from which seeds, and where they lie.

Clip i of a set is rendered from the set's first seed + i. Clips of the style "second" are never learned from: other places,
cameras and drawings of nearly every nuisance. Not all clips of a set were rendered, to
save time: CHOSEN says which, bit i for clip i, in hexadecimal.
"""
import concurrent.futures, os, random, subprocess, sys

ALARMS = ['person', 'person-far', 'near', 'vehicle', 'animal']
NUISANCES = ['rain', 'wind', 'plant', 'flag', 'spider', 'web', 'text']
OTHERS = ['insect', 'shake', 'light', 'smoke', 'litter', 'belt']
STILL = ['empty', 'pan', 'cut']

CHOSEN = {
    1_000_000: 'fffffffbd5f73edee4f7bb787b3bff6f3bcfc7f35213dbecd7de3fbb2c7b6fbecbc2c9e44bdacfdf34f7f5a656fb2375aebbc9f4fd9ed7'
               '76bdb98f66b699e4f643787d7ffe',
    1_100_000: 'ffffffffffffffff66a24af7b651736f35b3c320ef857d10696c34c270d97ceab9ffe094551445f4074692a841dcaf0d07b3658d4456ac'
               'bfdf06faa0e53d4fcb72e909e453fc9a83154dabe7b4082369d9997d56ecf5d33048d74443b55da0a91e3acb2c7f4f3531ef59d1a62cda'
               '9687a8d2a9f5740f3d4d7eb60d64fe2a87f207011dc32dfbea025bb85b4989aa148f51b8b021181cc0516c1aaa7609f0db54',
    1_200_000: '7ffffffeffff7fdff577f5ec7b6fff3fffffdff9ffcffeeffffcff737eff6f7ffdd9ffdffffff7ffe6df35e7ffff9ff7fff6b7cefff7ff'
               'f7efbdf3f7ffff7cfe9fafdf5b7ffffdffdffeff1dff7d7ffbe9ffffffedfe3a7f3cfffffef7fb',
    3_100_000: '69a744a2c757c4dc8cd4f93a6bc70767c6f43298ecc3f9ec90ce18e4a2e92544188855fbc4411d195cf14047ff2b8ce94ea773',
    2_000_000: '7ffffffffffeffffffffdffffffbffffffffffffffffdffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeff'
               'fffffffdffffffbff7fff',
}


class Set:
    """One set: style, first seed, clips of a kind and of a pair of kinds; small: tiny pictures, for a test."""

    def __init__(self, name, style, seed, alone, mixed, small=False):
        self.name, self.style, self.seed, self.alone, self.mixed, self.small = name, style, seed, alone, mixed, small
        self.chosen = int(CHOSEN[seed], 16) if seed in CHOSEN else -1


SETS = [
    Set('fit', 'first', 1_000_000, 24, 4),
    Set('fit', 'varied', 1_100_000, 54, 10),
    Set('fit', 'third', 1_200_000, 33, 5),
    Set('fit', 'varied', 3_100_000, 18, 3),
    Set('test', 'second', 2_000_000, 22, 4),
]
SHORT = [Set('fit', 'first', 5_000_000, 5, 0, small=True), Set('test', 'first', 5_200_000, 3, 0, small=True)]


def kinds(s):
    """(kind, with or None) of every clip of a set."""
    for kind in ALARMS + NUISANCES + OTHERS + STILL:
        n = s.alone if kind in NUISANCES + ['empty'] else (s.alone * 2 + 2) // 3
        yield from ((kind, None) for _ in range(n))
    for kind in NUISANCES:
        for beside in ('person', 'vehicle', 'animal'):
            yield from ((kind, beside) for _ in range(s.mixed))
    for kind in ('insect', 'shake', 'light', 'smoke', 'litter', 'pan'):
        for beside in ('person', 'vehicle'):
            yield from ((kind, beside) for _ in range((s.mixed + 1) // 2))
    for kind, beside in (('rain', 'wind'), ('web', 'spider'), ('web', 'insect'), ('plant', 'flag'), ('text', 'wind'),
                         ('rain', 'flag'), ('text', 'near'), ('rain', 'near'), ('plant', 'near'), ('shake', 'wind')):
        yield from ((kind, beside) for _ in range((s.mixed + 1) // 2))
    for kind, beside in (('person', 'vehicle'), ('vehicle', 'person-far'), ('vehicle', 'vehicle'), ('person', 'person'),
                         ('near', 'person'), ('animal', 'person')):
        yield from ((kind, beside) for _ in range(s.mixed))


def clips(sets):
    """(set, style, kinds as "rain+person", options of tools/scene), in an order that mixes the kinds."""
    for s in sets:
        pairs = list(enumerate(kinds(s)))
        random.Random(s.seed).shuffle(pairs)
        for i, (kind, beside) in pairs:
            if not s.chosen >> i & 1:
                continue
            r = random.Random(s.seed + i)
            size = r.choice(['426x320', '426x320', '426x320', '320x240', '320x240', '568x320'])
            light = r.choice([[], [], [], ['--night'], ['--night'], ['--dusk']])
            seconds, fps = r.uniform(3.4, 5.6), r.randint(3, 5)
            if s.small:
                size, seconds, fps = '160x120', 2.7, 3
            options = ['--kind', kind, '--style', s.style, '--seed', str(s.seed + i), '--size', size,
                       '--seconds', f'{seconds:.1f}', '--fps', str(fps), '--crf', str(r.randint(22, 36))]
            yield s.name, s.style, kind + ('+' + beside if beside else ''), options + light + (['--with', beside] if beside else [])


def path_of(folder, clip):
    which, style, kind, options = clip
    return os.path.join(folder, f'{which}-{style}-{options[5]}-{kind}.mp4')


def render_one(program, folder, clip):
    path = path_of(folder, clip)
    if not os.path.exists(path):
        subprocess.run([program] + clip[3] + ['--out', path + '.part'], check=True)
        os.rename(path + '.part', path)


def render(program, folder, sets, jobs):
    """Renders what is not there yet; stopped and called again it goes on."""
    os.makedirs(folder, exist_ok=True)
    todo = list(clips(sets))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for i, _ in enumerate(pool.map(lambda c: render_one(program, folder, c), todo)):
            print(f'\r{i + 1} of {len(todo)} clips', end='', file=sys.stderr, flush=True)
    print(file=sys.stderr)
