#!/usr/bin/env python3
"""Train the detectors "human or artificial" on pictures: assay-pixels (a small CNN), assay-residual (fixed high-pass filters,
their statistics, two trained layers), assay-spectrum (a logistic regression over src/infer/spectrum.c's features). Needs
python3-torch, python3-onnx, python3-pil, python3-numpy.

  train_origin.py DATA OUT [--short]     from a folder (gather_origin.py) to OUT/*.onnx, OUT/*.json (calibration, weights,
                                         numbers): half an hour of processor time; what was ended goes
                                         on where it was, every 500 steps; --short: a minute, for a test of the way
  train_origin.py cards OUT MODELS       writes a run's models and numbers into MODELS and its cards
  train_origin.py calibrate SCORES MODELS --numbers OUT
                                         calibration and threshold from bench/origin's scores of val; then `cards` again
  train_origin.py table SCORES MODELS    the tables of docs/origin.md
  train_origin.py variants DATA OUT      pictures of val and held, re-compressed, scaled and cut, for bench/origin

DATA/labels.csv: path,label,source,split. Only `train` is learned from, only `val` chooses (calibration, thresholds); `held`
is touched by `variants` alone. Everything follows from SEED: one thread computes, one process augments, in a fixed order.
"""
import argparse, csv, io, json, math, os, sys, time

os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
os.environ.setdefault('OMP_NUM_THREADS', '1')
import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import spectrum

SEED = 20261121
PATCH, CROP, CACHED = 128, 64, 256  # side of a patch when judged, when trained, of a cached cut
MAX_PATCHES = 8
CUTS = 4                            # cached cuts of a picture: three at its own resolution, one of a shrunk copy
FALSE_ACCUSATIONS = 0.05
RATE, WARM, DECAY = 3e-3, 60, 300   # of learning; steps until it is reached, steps in which it falls to nothing
CYCLES, STEPS = (8000, 6000), 12000 # of pixels, see cosine(): what ships was ended within the second
MEMORY, LOOK = 0.998, 500           # of the running mean of weights; steps from one look at validation to the next
FEW, FEW_STEPS = 8000, 2400         # what spectrum and residual learn from: the first patches; steps of residual

# ---------------------------------------------------------------- pictures

def labels(data, splits):
    with open(os.path.join(data, 'labels.csv'), newline='') as f:
        return [r for r in csv.DictReader(f) if r['split'] in splits]

def few_of_each(rows, most):
    of = {}
    for r in rows:
        of.setdefault(r['source'], []).append(r)
    return [r for source in sorted(of) for r in of[source][:most]]

def load(path):
    with Image.open(path) as im:
        if im.mode in ('RGBA', 'LA', 'P'):
            im = im.convert('RGBA')
            white = Image.new('RGBA', im.size, 'white')
            white.alpha_composite(im)
            im = white
        return im.convert('RGB')

def grid(w, h, patch=PATCH, most=MAX_PATCHES):
    """As origin_grid() in src/infer/origin.c."""
    best = (0, 0, 0)
    for ny in range(1, min(h // patch, most) + 1):
        for nx in range(1, min(w // patch, most // ny) + 1):
            key = nx * ny, -abs(w * ny - h * nx)
            if best[0] == 0 or key > best[3]:
                best = (nx * ny, nx, ny, key)
    _, nx, ny = best[:3]
    return [((2 * i + 1) * w // nx // 2 - patch // 2, (2 * j + 1) * h // ny // 2 - patch // 2)
            for j in range(ny) for i in range(nx)]

def patches(im):
    a = np.asarray(im)
    return [a[y:y + PATCH, x:x + PATCH] for x, y in grid(im.width, im.height)]

def cuts(im, rng, n):
    """Squares of CACHED pixels; smaller pictures are mirrored at their edges by the caller's crop, so they are enlarged
    here only when below it."""
    out = []
    for k in range(n):
        part = im
        short = min(im.size)
        if k == n - 1 and short > 1.5 * CACHED:
            scale = math.exp(rng.uniform(math.log(CACHED / short), math.log(0.7)))
            part = im.resize((max(CACHED, round(im.width * scale)), max(CACHED, round(im.height * scale))),
                             rng.choice([Image.BILINEAR, Image.BICUBIC, Image.LANCZOS, Image.BOX]))
        a = np.asarray(part)
        if min(part.size) < CACHED:
            a = np.pad(a, ((0, max(0, CACHED - part.height)), (0, max(0, CACHED - part.width)), (0, 0)), mode='reflect' if
                       min(part.size) > CACHED // 2 else 'symmetric')
        y, x = rng.integers(0, a.shape[0] - CACHED + 1), rng.integers(0, a.shape[1] - CACHED + 1)
        out.append(a[y:y + CACHED, x:x + CACHED])
    return out

def cache(data, rows, folder, n):
    """Cut squares as one memory-mapped array, and which row each is of."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f'cuts{n}-{len(rows)}.npy')
    if not os.path.exists(path):
        out = np.lib.format.open_memmap(path + '.part', 'w+', np.uint8, (len(rows) * n, CACHED, CACHED, 3))
        for i, r in enumerate(rows):
            rng = np.random.default_rng([SEED, 1, i])
            out[i * n:(i + 1) * n] = cuts(load(os.path.join(data, r['path'])), rng, n)
        out.flush()
        os.rename(path + '.part', path)
    return np.load(path, mmap_mode='r')

# ---------------------------------------------------------------- augmentation, alike for both classes

def codec(im, rng, least):
    out = io.BytesIO()
    if rng.random() < 0.2:
        im.save(out, 'WEBP', quality=int(rng.integers(least + 10, 99)), method=0)
    else:
        im.save(out, 'JPEG', quality=int(rng.integers(least, 99)), subsampling=int(rng.integers(0, 3)))
    return Image.open(out).convert('RGB')

def augment(square, rng):
    """A cached square to PATCH x PATCH."""
    scale = math.exp(rng.uniform(math.log(0.5), math.log(2))) if rng.random() < 0.6 else 1.0
    side = min(CACHED, round(PATCH / scale))
    x, y = rng.integers(0, CACHED - side + 1, 2)
    im = Image.fromarray(square[y:y + side, x:x + side])
    if rng.random() < 0.3:
        im = codec(im, rng, 60)
    if side != PATCH:
        im = im.resize((PATCH, PATCH), [Image.BILINEAR, Image.BICUBIC, Image.LANCZOS, Image.BOX][rng.integers(4)])
    if rng.random() < 0.15:
        im = im.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1)))
    if rng.random() < 0.4:
        im = ImageEnhance.Brightness(im).enhance(rng.uniform(0.7, 1.3))
        im = ImageEnhance.Color(im).enhance(rng.uniform(0.5, 1.4))
        im = ImageEnhance.Contrast(im).enhance(rng.uniform(0.7, 1.3))
    if rng.random() < 0.15:
        a = np.asarray(im).astype(np.float32)
        a += rng.normal(0, rng.uniform(0.5, 5), a.shape if rng.random() < 0.5 else a.shape[:2] + (1,))
        im = Image.fromarray(np.clip(np.rint(a), 0, 255).astype(np.uint8))
    if rng.random() < 0.75:
        im = codec(im, rng, 40)
    a = np.asarray(im)
    return a[:, ::-1] if rng.random() < 0.5 else a

class Draw:
    """Which cached square comes next: classes alike, sources by the root of their size."""
    def __init__(self, rows, n):
        self.by_class = []
        for label in ('human', 'artificial'):
            of = {}
            for i, r in enumerate(rows):
                if r['label'] == label:
                    of.setdefault(r['source'], []).append(i)
            names = sorted(of)
            weight = np.sqrt([len(of[s]) for s in names])
            self.by_class.append(([of[s] for s in names], weight / weight.sum()))
        self.n = n

    def __call__(self, rng):
        label = int(rng.integers(2))
        sources, weight = self.by_class[label]
        of = sources[rng.choice(len(sources), p=weight)]
        return of[rng.integers(len(of))] * self.n + int(rng.integers(self.n)), label

def augmented(data, rows, work, n, cuts_each):
    """n augmented patches and their labels, drawn once for all three detectors: the codecs cost more than the nets."""
    path = os.path.join(work, f'patches-{n}.npy')
    y = np.empty(n, np.float32)
    done = os.path.exists(path)
    squares = None if done else cache(data, rows, work, cuts_each)
    draw = Draw(rows, cuts_each)
    x = np.load(path, mmap_mode='r') if done else np.lib.format.open_memmap(path + '.part', 'w+', np.uint8, (n, PATCH, PATCH, 3))
    for i in range(n):
        rng = np.random.default_rng([SEED, 2, i])
        k, y[i] = draw(rng)
        if not done:
            x[i] = augment(squares[k], rng)
    if not done:
        x.flush()
        os.rename(path + '.part', path)
    return x, y

# ---------------------------------------------------------------- networks

def networks():
    import torch
    from torch import nn

    class Block(nn.Module):
        """Plain convolutions: on these small maps they are quicker than depth-wise ones."""
        def __init__(self, cin, cout, stride=1):
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout))
            self.same = stride == 1 and cin == cout

        def forward(self, x):
            y = self.body(x)
            return torch.relu(y + x if self.same else y)

    class Pixels(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2, bias=False), nn.BatchNorm2d(24), nn.ReLU(), Block(24, 32, 2),
                                       Block(32, 32), Block(32, 48, 2), Block(48, 48))
            self.drop, self.out = nn.Dropout(0.2), nn.Linear(48, 1)

        def forward(self, x):  # 0..1
            return self.out(self.drop(self.trunk((x - 0.5) * 4).mean((2, 3))))

    class Residual(nn.Module):
        """Fixed high-pass filters of the steganalysis "rich model" (Fridrich, Kodovsky 2012) on each channel, and what a
        pixel has over the top left one of its 2x2 block (Tan and others 2024), cut off at two and at eight grey levels;
        of these maps the mean size, the power, how they go with their neighbours and with the other channels. Two trained
        layers over that."""
        MAPS, FEATURES = 18, 18 * 5 + 15

        def __init__(self):
            super().__init__()
            f = np.zeros((5, 5, 5), np.float32)
            f[0, 2, 2:4] = -1, 1
            f[1, 2:4, 2] = -1, 1
            f[2, 2, 1:4] = 0.5, -1, 0.5
            f[3, 1:4, 2] = 0.5, -1, 0.5
            f[4] = np.array([[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]],
                            np.float32) / 12
            bank = np.zeros((15, 3, 5, 5), np.float32)
            for c in range(3):
                bank[c * 5:(c + 1) * 5, c] = f
            self.register_buffer('bank', torch.from_numpy(bank))
            self.register_buffer('mean', torch.zeros(self.FEATURES))
            self.register_buffer('deviation', torch.ones(self.FEATURES))
            self.hidden, self.drop, self.out = nn.Linear(self.FEATURES, 48), nn.Dropout(0.3), nn.Linear(48, 1)

        def features(self, x):
            r = nn.functional.conv2d(x, self.bank, padding=2)
            up = nn.functional.interpolate(x[:, :, ::2, ::2], scale_factor=2.0, mode='nearest')
            r = torch.cat([r, x - up], 1)
            z = torch.clamp(r * 32, -1, 1)
            square = (z * z).mean((2, 3)) + 1e-4
            across = (z[:, :, :, 1:] * z[:, :, :, :-1]).mean((2, 3)) / square
            down = (z[:, :, 1:] * z[:, :, :-1]).mean((2, 3)) / square
            red, green, blue = z[:, 0:5], z[:, 5:10], z[:, 10:15]
            together = torch.cat([(red * green).mean((2, 3)), (green * blue).mean((2, 3)), (red * blue).mean((2, 3))], 1)
            return torch.cat([torch.log(z.abs().mean((2, 3)) + 0.003), torch.log(square),
                              torch.log(torch.clamp(r * 128, -1, 1).abs().mean((2, 3)) + 0.01), across, down,
                              together / torch.cat([square[:, 5:10], square[:, 5:10], square[:, 10:15]], 1)], 1)

        def judge(self, f):
            f = torch.clamp((f - self.mean) / self.deviation, -4, 4)
            return self.out(self.drop(torch.relu(self.hidden(f))))

        def forward(self, x):  # 0..1
            return self.judge(self.features(x))

    return {'pixels': Pixels, 'residual': Residual}

def made(name):
    import torch
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    net = networks()[name]()
    print(name, sum(p.numel() for p in net.parameters()), 'parameters', flush=True)
    return net

def straight(step, steps):
    return RATE * min(1, (step + 1) / WARM, (steps - step) / DECAY)

def cosine(step, _):
    """Twice down to nothing, the second time from half as high."""
    first, second = CYCLES
    at, of, top = (step, first, RATE) if step < first else (step - first, second, RATE / 2)
    return top * min(1, (step + 1) / WARM) * (1 + math.cos(math.pi * min(1, at / of))) / 2

class Best:
    """The running mean of a net's weights, judged on validation now and then; the best of these is what is kept. All of it,
    with the net and what the steps remember, lies in a file, from which a training that was ended goes on as if it had not."""
    def __init__(self, net, path, val_auc):
        import copy
        self.net, self.path, self.val_auc = net, path, val_auc
        self.mean, self.best, self.best_auc = copy.deepcopy(net).eval(), None, 0.0

    def resume(self, opt):
        import torch
        if not os.path.exists(self.path):
            return 0
        kept = torch.load(self.path)
        self.net.load_state_dict(kept['net'])
        self.mean.load_state_dict(kept['mean'])
        opt.load_state_dict(kept['opt'])
        self.best, self.best_auc = kept['best'], kept['best_auc']
        return kept['step']

    def stepped(self, opt, done):
        import torch
        with torch.no_grad():
            keep = min(MEMORY, (1 + done) / (10 + done))
            for m, w in zip(self.mean.state_dict().values(), self.net.state_dict().values()):
                m.mul_(keep).add_(w, alpha=1 - keep) if m.is_floating_point() else m.copy_(w)
        if done % LOOK == 0:
            area = self.val_auc(self.mean)
            print('validation AUC after', done, f'{area:.4f}', flush=True)
            if area > self.best_auc:
                self.best, self.best_auc = {k: v.clone() for k, v in self.mean.state_dict().items()}, area
            torch.save(dict(net=self.net.state_dict(), mean=self.mean.state_dict(), opt=opt.state_dict(), best=self.best,
                            best_auc=self.best_auc, step=done), self.path + '.part')
            os.rename(self.path + '.part', self.path)

def teach(name, net, forward, draw_batch, steps, rate, best=None):
    """AdamW on batches of draw_batch(step). What is learned depends on the step, not on where a training was taken up."""
    import torch
    opt = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.02)
    seen, start = [0.0, 0.0], time.time()
    for step in range(best.resume(opt) if best else 0, steps):
        x, y = draw_batch(step)
        net.train()
        torch.manual_seed(SEED + step)
        z = forward(x)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y * 0.96 + 0.02)
        for group in opt.param_groups:
            group['lr'] = rate(step, steps)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if best:
            best.stepped(opt, step + 1)
        seen[0] += loss.item()
        seen[1] += ((z > 0) == (y > 0.5)).float().mean().item()
        if step % 50 == 49:
            print(name, step + 1, f'{time.time() - start:.0f}s loss {seen[0] / 50:.3f} acc {seen[1] / 50:.3f}', flush=True)
            seen = [0.0, 0.0]
    if best and best.best:
        net.load_state_dict(best.best)
    net.eval()
    return net

def as_input(patches):
    return np.ascontiguousarray(patches.transpose(0, 3, 1, 2)).astype(np.float32) / 255

def mixed_colours(x, rng):
    """Other colours, alike for both classes: channels mixed with each other, less saturation up to grey, another white, another
    gamma; so that what a picture is painted with says little. Rows of the mixture add up to one."""
    import torch
    n = len(x)
    m = np.repeat(np.eye(3)[None], n, 0)
    mixed = (rng.random(n) < 0.5)[:, None, None] * rng.uniform(0, 0.8, n)[:, None, None]
    m = (1 - mixed) * m + mixed * rng.dirichlet(np.ones(3), (n, 3))
    grey = np.select([(u := rng.random(n)) < 0.15, u < 0.45], [np.ones(n), rng.uniform(0, 1, n)], 0.0)[:, None, None]
    m = (1 - grey) * m + grey * np.array([0.299, 0.587, 0.114])
    m *= np.where(rng.random(n) < 0.3, 1.0, 0.0)[:, None, None] * rng.uniform(-0.15, 0.15, (n, 3, 1)) + 1
    gamma = np.where(rng.random(n) < 0.3, np.exp(rng.uniform(-0.4, 0.4, n)), 1.0)
    x = torch.einsum('nij,njhw->nihw', torch.from_numpy(m.astype(np.float32)), x).clamp_(0, 1)
    for i in np.flatnonzero(gamma != 1):
        x[i] = x[i].pow(float(gamma[i]))
    return x

def picture_auc(data, rows):
    """Of a net, over these pictures as they are: mean logits, every patch read once."""
    import torch
    squares, of, truth = [], [], []
    for i, r in enumerate(rows):
        own = patches(load(os.path.join(data, r['path'])))
        squares += own
        of += [i] * len(own)
        truth.append(r['label'] == 'artificial')
    squares, of = np.stack(squares), np.array(of)

    def area(net):
        with torch.no_grad():
            z = np.concatenate([net(torch.from_numpy(as_input(squares[i:i + 64]))).numpy()[:, 0]
                                for i in range(0, len(squares), 64)])
        return auc(np.bincount(of, z) / np.bincount(of), np.array(truth, float))
    return area

def train_pixels(x, y, steps, batch, kept, val_auc):
    import torch
    net = made('pixels').to(memory_format=torch.channels_last)  # quicker

    def draw_batch(step):
        rng = np.random.default_rng([SEED, 4, step])
        at = rng.integers(0, len(x), batch)
        out = np.empty((batch, CROP, CROP, 3), np.uint8)
        for i, k in enumerate(at):
            u, v = rng.integers(0, PATCH - CROP + 1, 2)
            cut = x[k, v:v + CROP, u:u + CROP]
            out[i] = cut[:, ::-1] if rng.random() < 0.5 else cut
        colours = np.random.default_rng([SEED, 6, step])
        return (mixed_colours(torch.from_numpy(as_input(out)), colours).contiguous(memory_format=torch.channels_last),
                torch.from_numpy(y[at, None]))
    return teach('pixels', net, net, draw_batch, steps, cosine, Best(net, kept, val_auc)).to(memory_format=torch.contiguous_format)

def train_residual(x, y, steps, batch):
    import torch
    net = made('residual')
    with torch.no_grad():
        f = torch.cat([net.features(torch.from_numpy(as_input(x[i:i + 32]))) for i in range(0, len(x), 32)])
    net.mean.copy_(f.mean(0))
    net.deviation.copy_(f.std(0) + 1e-6)
    labels = torch.from_numpy(y)[:, None]

    def draw_batch(step):
        at = np.random.default_rng([SEED, 5, step]).integers(0, len(x), 4 * batch)
        return f[at], labels[at]
    return teach('residual', net, net.judge, draw_batch, steps, straight)

def export(net, path):
    import onnx, torch
    net.eval()
    torch.onnx.export(net, torch.zeros(1, 3, PATCH, PATCH), path, opset_version=13, input_names=['image'],
                      output_names=['logit'])
    onnx.checker.check_model(onnx.load(path))

# ---------------------------------------------------------------- spectrum: logistic regression

LIMIT = 4  # deviations; a feature further out counts as that far

def expand(f, mean, deviation):
    z = np.clip((f - mean) / deviation, -LIMIT, LIMIT)
    return np.concatenate([z, z * z], axis=1)

def logistic(x, y, l2, rounds=30):
    """Newton's method; the constant is the last weight and is not held back."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    w, hold = np.zeros(x.shape[1]), np.full(x.shape[1], l2)
    hold[-1] = 1e-9
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        h = (x * (p * (1 - p))[:, None]).T @ x + np.diag(hold)
        step = np.linalg.solve(h, x.T @ (y - p) - hold * w)
        w += step
        if np.abs(step).max() < 1e-9:
            break
    return w

def train_spectrum(x, y):
    f = np.array([spectrum.features(p) for p in x])
    mean, deviation = f.mean(axis=0), f.std(axis=0) + 1e-9
    w = logistic(expand(f, mean, deviation), y, 20.0)
    print('spectrum: accuracy on its own training patches',
          (((expand(f, mean, deviation) @ w[:-1] + w[-1]) > 0) == (y > 0.5)).mean(), flush=True)
    return mean, deviation, w

# ---------------------------------------------------------------- validation: calibration and numbers

VARIANTS = ['plain', 'jpeg90', 'jpeg70', 'jpeg50', 'half', 'threequarter', 'larger', 'crop']

def vary(im, name):
    if name.startswith('jpeg'):
        out = io.BytesIO()
        im.save(out, 'JPEG', quality=int(name[4:]), subsampling=2)
        return Image.open(out).convert('RGB')
    if name == 'crop':
        w, h = im.width * 6 // 10, im.height * 6 // 10
        return im.crop((im.width // 5 + 3, im.height // 5 + 5, im.width // 5 + 3 + w, im.height // 5 + 5 + h))
    scale = {'half': 0.5, 'threequarter': 0.75, 'larger': 1.5}.get(name)
    return im.resize((round(im.width * scale), round(im.height * scale)), Image.BICUBIC) if scale else im

def judge(data, rows, judges, variants):
    """Mean logits over a picture's patches: {judge: [len(rows) * len(variants)]}; NaN: too small."""
    out = {name: [] for name in judges}
    for r in rows:
        im = load(os.path.join(data, r['path']))
        for v in variants:
            p = patches(vary(im, v)) if min(vary(im, v).size) >= PATCH else []
            for name, f in judges.items():
                out[name].append(float(np.mean(f(np.stack(p)))) if p else float('nan'))
    return {name: np.array(v) for name, v in out.items()}

def auc(score, y):
    order = np.argsort(score, kind='stable')
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    n1 = int(y.sum())
    return (ranks[y == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(y) - n1))

def threshold(human):
    """From which score on at most FALSE_ACCUSATIONS of these human pictures are accused."""
    human = np.sort(human)
    at = human[max(0, len(human) - 1 - int(len(human) * FALSE_ACCUSATIONS))]
    return round(min(0.999, max(0.5, math.ceil(float(at) * 1000) / 1000 + 0.001)), 3)

def calibrate(logits, y):
    """scale, offset, artificial_from: Platt's fit with classes weighing alike; then the score from which at most
    FALSE_ACCUSATIONS of the human pictures are accused."""
    ok = np.isfinite(logits)
    z, t = logits[ok], y[ok]
    weight = np.where(t == 1, 0.5 / t.sum(), 0.5 / (1 - t).sum()) * len(t)
    a, b = 1.0, 0.0
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(a * z + b, -30, 30)))
        g = np.array([(weight * (t - p) * z).sum(), (weight * (t - p)).sum()])
        d = weight * p * (1 - p)
        h = np.array([[(d * z * z).sum(), (d * z).sum()], [(d * z).sum(), d.sum()]]) + np.eye(2) * 1e-6
        step = np.linalg.solve(h, g)
        a, b = max(a + step[0], 1e-3), b + step[1]  # what a net learned is never turned round
    p = 1 / (1 + np.exp(-(a * z + b)))
    return dict(scale=round(float(a), 5), offset=round(float(b), 5),
                artificial_from=threshold(p[t == 0]),
                val_auc=round(float(auc(z, t)), 4), val_balanced=round(float(((p > 0.5)[t == 1].mean() + (p <= 0.5)[t == 0].mean()) / 2), 4),
                val_pictures=int(ok.sum()))

def torch_judge(net):
    import torch

    def f(batch):
        with torch.no_grad():
            return net(torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).float() / 255).numpy()
    return f

def main_train(args):
    import torch
    rows = labels(args.data, ('train',))
    val = few_of_each(labels(args.data, ('val',)), 40)
    steps, few_steps, batch, n, cuts_each = (20, 40, 8, 300, 2) if args.short else (args.steps, FEW_STEPS, 64, args.patches, CUTS)
    if args.short:
        rows, val = rows[::max(1, len(rows) // 60)], val[::max(1, len(val) // 20)]
    work = os.path.join(args.out, 'work')
    os.makedirs(work, exist_ok=True)
    x, y = augmented(args.data, rows, work, n, cuts_each)
    print(n, 'patches,', int(y.sum()), 'artificial', flush=True)
    numbers, judges = {}, {}
    made_rgb = np.ascontiguousarray(spectrum.made_picture())
    if args.only in (None, 'spectrum'):
        mean, deviation, w = train_spectrum(x[:FEW], y[:FEW])
        judges['spectrum'] = lambda b: [expand(spectrum.features(p)[None], mean, deviation)[0] @ w[:-1] + w[-1] for p in b]
        numbers['spectrum'] = dict(mean=[float(f'{v:.8g}') for v in mean], deviation=[float(f'{v:.8g}') for v in deviation],
                                   coefficients=[float(f'{v:.8g}') for v in w])
    def residual():
        return train_residual(x[:FEW], y[:FEW], few_steps, batch)

    def pixels():
        chosen_by = val if args.short else labels(args.data, ('val',))
        return train_pixels(x, y, steps, batch, os.path.join(work, 'pixels.state'), picture_auc(args.data, chosen_by))

    for name, teacher in (('residual', residual), ('pixels', pixels)):
        if args.only in (None, name):
            net = teacher()
            export(net, os.path.join(args.out, f'assay-{name}-1.onnx'))
            judges[name] = torch_judge(net)
            numbers[name] = {}
    for name, judge_one in judges.items():
        numbers[name]['made'] = float(np.ravel(judge_one(made_rgb[None]))[0])
        print(name, 'of the made picture of tests/unit/infer/origin.c:', numbers[name]['made'], flush=True)
        with open(os.path.join(args.out, f'{name}.json'), 'w') as f:
            json.dump(numbers[name], f)
    truth = np.repeat([r['label'] == 'artificial' for r in val], 2).astype(float)
    variants = ['plain', 'jpeg70']
    for name, logits in judge(args.data, val, judges, variants).items():
        numbers[name].update(calibrate(logits, truth))
        print(name, {k: v for k, v in numbers[name].items() if k not in ('mean', 'deviation', 'coefficients')})
        with open(os.path.join(args.out, f'{name}.json'), 'w') as f:
            json.dump(numbers[name], f)

def main_calibrate(args):
    """SCORES of bench/origin (the code that ships) over val and its variants: calibration and threshold again. The limit on
    false accusations holds for the pictures as they are, and for these and all variants together."""
    with open(args.data, newline='') as f:
        rows = [r for r in csv.DictReader(f) if r['split'].startswith('val') and r['code'] != 'too_small']
    for name in sorted({r['model'] for r in rows}):
        short = name.replace('assay-', '')
        with open(os.path.join(args.out, f'assay-{short}-1.card.json')) as f:
            card = json.load(f)
        mine = [r for r in rows if r['model'] == name]
        p = np.clip([float(r['artificial']) for r in mine], 1e-15, 1 - 1e-15)
        z = (np.log(p / (1 - p)) - card['calibration']['offset']) / card['calibration']['scale']
        y = np.array([r['label'] == 'artificial' for r in mine], float)
        n = calibrate(z, y)
        p = 1 / (1 + np.exp(-(n['scale'] * z + n['offset'])))
        plain = np.array([r['split'] == 'val' for r in mine])
        worst = max(threshold(p[plain & (y == 0)]), threshold(p[y == 0]))
        n['artificial_from'] = worst
        path = os.path.join(args.numbers, f'{short}.json')
        with open(path) as f:
            n = {**json.load(f), **n}
        with open(path, 'w') as f:
            json.dump(n, f)
        print(name, {k: v for k, v in n.items() if k not in ('mean', 'deviation', 'coefficients')})

def main_table(args):
    """From SCORES of bench/origin, whatever calibration they were made with (--made-with: that folder of cards), to the tables
    of docs/origin.md under the cards of MODELS."""
    with open(args.data, newline='') as f:
        rows = [r for r in csv.DictReader(f) if r['code'] != 'too_small']

    def card_of(folder, name):
        with open(os.path.join(folder, f'{name}-1.card.json')) as f:
            return json.load(f)

    for name in sorted({r['model'] for r in rows}):
        old, card = card_of(args.made_with or args.out, name), card_of(args.out, name)
        mine = [r for r in rows if r['model'] == name]
        p = np.clip([float(r['artificial']) for r in mine], 1e-15, 1 - 1e-15)
        z = (np.log(p / (1 - p)) - old['calibration']['offset']) / old['calibration']['scale']
        p = 1 / (1 + np.exp(-(card['calibration']['scale'] * z + card['calibration']['offset'])))
        y = np.array([r['label'] == 'artificial' for r in mine])
        split, source = np.array([r['split'] for r in mine]), np.array([r['source'] for r in mine])
        print(f'\n{name}: artificial from {card["artificial_from"]}, human from {card["floor"]}\n')
        print('| split | source | label | pictures | AUC | called artificial | called human | unknown |\n|---|---|---|---|---|---|---|---|')

        def line(where, own, what, label):
            a, h = (p[own] >= card['artificial_from']).mean(), (1 - p[own] >= card['floor']).mean()
            other = (split == where) & (y != y[own][0])
            both = own | other
            print(f'| {where} | {what} | {label} | {own.sum()} | {auc(p[both], y[both].astype(float)):.2f} | {a:.2f} | {h:.2f} | {1 - a - h:.2f} |')

        for where in sorted(set(split)):
            in_it = split == where
            for what in sorted(set(source[in_it])):
                if '-' not in where:
                    own = in_it & (source == what)
                    line(where, own, what, 'artificial' if y[own][0] else 'human')
            for truth, label in ((True, 'artificial'), (False, 'human')):
                line(where, in_it & (y == truth), 'all', label)
            right = ((p > 0.5)[in_it & y].mean() + (p <= 0.5)[in_it & ~y].mean()) / 2
            print(f'| {where} | balanced accuracy at .5 | | {in_it.sum()} | {right:.3f} | | | |')

def main_variants(args):
    """PNG (or JPEG where that is the point), so that nothing else is added; at most --most pictures of a source, of each the
    middle 640 x 640."""
    rows, out = labels(args.data, ('val', 'held')), []
    of = {}
    for r in rows:
        of.setdefault((r['split'], r['source']), []).append(r)
    for (split, source), some in sorted(of.items()):
        for r in some[:args.most]:
            im = load(os.path.join(args.data, r['path']))
            x, y = max(0, im.width - 640) // 2, max(0, im.height - 640) // 2
            im = im.crop((x, y, min(im.width, x + 640), min(im.height, y + 640)))
            for v in VARIANTS:
                path = f'{v}/{source}/{os.path.basename(r["path"]).split(".")[0]}'
                os.makedirs(os.path.dirname(os.path.join(args.out, path)), exist_ok=True)
                if v.startswith('jpeg'):
                    path += '.jpg'
                    im.save(os.path.join(args.out, path), 'JPEG', quality=int(v[4:]), subsampling=2)
                else:
                    path += '.png'
                    vary(im, v).save(os.path.join(args.out, path), compress_level=1)
                out.append((path, r['label'], f'{source}', f'{split}-{v}'))
    with open(os.path.join(args.out, 'labels.csv'), 'w', newline='') as f:
        w = csv.writer(f)
        w.writerow(['path', 'label', 'source', 'split'])
        w.writerows(out)

def compact(text):
    """Lists of numbers and of single words on one line."""
    import re
    return re.sub(r'\[(?:[^\[\]{}"]|"\w*")*\]', lambda m: re.sub(r'\s+', ' ', m.group(0)).replace('[ ', '[').replace(' ]', ']'), text)

def main_cards(args):
    """Writes calibration, thresholds, weights and sums of a run into the cards beside the models."""
    import hashlib, shutil
    for name in ('pixels', 'residual', 'spectrum'):
        numbers = os.path.join(args.data, f'{name}.json')
        path = os.path.join(args.out, f'assay-{name}-1.card.json')
        if not os.path.exists(numbers):
            continue
        with open(numbers) as f:
            n = json.load(f)
        with open(path) as f:
            card = json.load(f)
        card['calibration'] = {'scale': n['scale'], 'offset': n['offset']}
        card['artificial_from'] = max(n['artificial_from'], card['floor'])
        if name == 'spectrum':
            card['weights'] = {k: n[k] for k in ('mean', 'deviation', 'coefficients')}
        else:
            model = os.path.join(args.out, card['file'])
            shutil.copyfile(os.path.join(args.data, card['file']), model)
            with open(model, 'rb') as f:
                card['sha256'] = hashlib.sha256(f.read()).hexdigest()
        with open(path, 'w') as f:
            f.write(compact(json.dumps(card, indent=2)) + '\n')

if __name__ == '__main__':
    p = argparse.ArgumentParser()
    if sys.argv[1:2] in (['variants'], ['cards'], ['calibrate'], ['table']):
        p.add_argument('what')
    p.add_argument('data')
    p.add_argument('out')
    p.add_argument('--numbers', help='calibrate: the OUT of the training')
    p.add_argument('--made-with', help='table: the cards that SCORES were made with')
    p.add_argument('--short', action='store_true')
    p.add_argument('--only', choices=['spectrum', 'pixels', 'residual'])
    p.add_argument('--steps', type=int, default=STEPS, help='of pixels')
    p.add_argument('--patches', type=int, default=24000)
    p.add_argument('--most', type=int, default=10)
    args = p.parse_args()
    {'variants': main_variants, 'cards': main_cards, 'calibrate': main_calibrate,
     'table': main_table}.get(getattr(args, 'what', ''), main_train)(args)
