#!/usr/bin/env python3
"""Train the detectors "human or artificial" on pictures: assay-pixels (a small CNN), assay-residual (fixed high-pass filters,
their statistics, two trained layers), assay-spectrum (a logistic regression over src/infer/spectrum.c's features). Needs
python3-torch, python3-onnx, python3-pil, python3-numpy.

  train_origin.py DATA OUT               from a folder (gather_origin.py) to OUT/*.onnx, OUT/*.json (calibration, weights,
                                         numbers): half an hour of processor time; what was ended goes
                                         on where it was, every 500 steps
  train_origin.py short OUT              the same from made pictures in a minute, for a test of the way
  train_origin.py cards OUT MODELS       writes a run's models and numbers into MODELS and its cards
  train_origin.py calibrate SCORES MODELS --numbers OUT
                                         calibration and threshold from bench/origin's scores of val; then `cards` again
  train_origin.py table SCORES MODELS    the tables of docs/origin.md
  train_origin.py variants DATA OUT      pictures of val and held, re-compressed, scaled and cut, for bench/origin

DATA/labels.csv: path,label,source,split. Only `train` is learned from; `val`, whose sources are not in it, chooses (when to
stop, calibration), `seen` has a say in the threshold; `held` and `fresh` are touched by `variants` alone. Everything follows from SEED: one thread computes, one process augments, in a fixed order.
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
CUTS = 3                            # cached cuts of a picture: two at its own resolution, one of a shrunk copy
MOST_OF_SOURCE = 450                # pictures that are learned from, the first by hash
FALSE_ACCUSATIONS = 0.05
RATE, WARM, DECAY = 3e-3, 60, 300   # of learning; steps until it is reached, steps in which it falls to nothing
STEPS = 1500                        # of pixels
AGAIN = 0.4                         # of the rate, for what begins with the weights of an earlier version
MEMORY, LOOK = 0.998, 500           # of the running mean of weights; steps from one look at validation to the next
VERSION = {'pixels': 1, 'residual': 1, 'spectrum': 1}
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

def once_compressed(im, rng):
    """What most pictures went through before anybody judges them; without it, "never compressed" would mean "artificial"."""
    out = io.BytesIO()
    if rng.random() < 0.2:
        im.save(out, 'WEBP', quality=int(rng.integers(75, 99)), method=0)
    else:
        im.save(out, 'JPEG', quality=int(rng.integers(72, 99)), subsampling=int(rng.integers(0, 3)))
    return Image.open(out).convert('RGB')

def middle(im, side):
    x, y = max(0, im.width - side) // 2, max(0, im.height - side) // 2
    return im.crop((x, y, min(im.width, x + side), min(im.height, y + side)))

def cuts(im, rng, n, lossless):
    """Squares of CACHED pixels; smaller pictures are mirrored at their edges by the caller's crop, so they are enlarged
    here only when below it."""
    out = []
    if lossless and rng.random() < 0.8:
        im = once_compressed(middle(im, 1600), rng)
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
            out[i * n:(i + 1) * n] = cuts(load(os.path.join(data, r['path'])), rng, n, r['path'].endswith('.png'))
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
    u = rng.random()
    if u < 0.15:
        im = im.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1)))
    elif u < 0.3:
        im = im.filter(ImageFilter.UnsharpMask(rng.uniform(0.5, 2), int(rng.integers(30, 150)), 0))
    if rng.random() < 0.4:
        im = ImageEnhance.Brightness(im).enhance(rng.uniform(0.7, 1.3))
        im = ImageEnhance.Color(im).enhance(rng.uniform(0.5, 1.4))
        im = ImageEnhance.Contrast(im).enhance(rng.uniform(0.7, 1.3))
    if rng.random() < 0.15:
        a = np.asarray(im).astype(np.float32)
        a += rng.normal(0, rng.uniform(0.5, 5), a.shape if rng.random() < 0.5 else a.shape[:2] + (1,))
        im = Image.fromarray(np.clip(np.rint(a), 0, 255).astype(np.uint8))
    if rng.random() < 0.8:
        im = codec(im, rng, 35)
    a = np.asarray(im)
    return a[:, ::-1] if rng.random() < 0.5 else a

class Draw:
    """Which cached square comes next: classes alike, generators alike, human sources by the root of their size."""
    def __init__(self, rows, n):
        self.by_class = []
        for label in ('human', 'artificial'):
            of = {}
            for i, r in enumerate(rows):
                if r['label'] == label:
                    of.setdefault(r['source'], []).append(i)
            names = sorted(of)
            weight = np.array([len(of[s]) for s in names]) ** (0.5 if label == 'human' else 0.0)
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

def cosine(step, steps):
    return RATE * min(1, (step + 1) / WARM) * (1 + math.cos(math.pi * step / steps)) / 2

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

def balanced_auc(score, y, source):
    """The mean over generators of the AUC of one against all human pictures, whose sources weigh alike."""
    def area(one, humans):
        return np.mean([(one[:, None] > h[None]).mean() + (one[:, None] == h[None]).mean() / 2 for h in humans])
    of = {s: score[source == s] for s in sorted(set(source))}
    humans = [of[s] for s in of if not y[source == s][0]]
    return float(np.mean([area(of[s], humans) for s in of if y[source == s][0]]))

def picture_auc(data, rows):
    """Of a net, over pictures of sources that it does not learn from, as they are and compressed once more or shrunk; two
    patches of each."""
    import torch
    squares, of, truth, source = [], [], [], []
    for i, r in enumerate(rows):
        im = load(os.path.join(data, r['path']))
        for v in ('plain', ('jpeg70', 'half', 'jpeg50', 'threequarter')[i % 4]):
            other = vary(middle(im, 1024), v)
            if min(other.size) >= PATCH:
                own = [np.asarray(other)[y:y + PATCH, x:x + PATCH] for x, y in grid(other.width, other.height, most=2)]
                squares += own
                of += [len(truth)] * len(own)
                truth.append(r['label'] == 'artificial')
                source.append(r['source'])
    squares, of = np.stack(squares), np.array(of)

    def area(net):
        with torch.no_grad():
            z = np.concatenate([net(torch.from_numpy(as_input(squares[i:i + 64]))).numpy()[:, 0]
                                for i in range(0, len(squares), 64)])
        return balanced_auc(np.bincount(of, z) / np.bincount(of), np.array(truth), np.array(source))
    return area

def begin_with(net, path):
    """The weights of an earlier version (a file of ONNX, whose convolutions hold their normalisation already)."""
    import onnx, torch
    from onnx import numpy_helper
    values = [torch.from_numpy(numpy_helper.to_array(i).copy()) for i in onnx.load(path).graph.initializer]
    weights, biases = [v for v in values if v.ndim == 4], [v for v in values if v.ndim == 1 and len(v) > 1]
    convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for conv, norm, w, b in zip(convolutions, norms, weights, biases, strict=True):
            conv.weight.copy_(w)
            norm.bias.copy_(b)
            norm.running_var.fill_(1 - norm.eps)
        net.out.weight.copy_(next(v for v in values if v.ndim == 2))
        net.out.bias.copy_(next(v for v in values if v.ndim == 1 and len(v) == 1))

def train_pixels(x, y, steps, batch, kept, val_auc, first=None):
    import torch
    net = made('pixels')
    if first:
        begin_with(net, first)
    net = net.to(memory_format=torch.channels_last)  # quicker

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

    def rate(step, steps):
        return cosine(step, steps) * (AGAIN if first else 1)
    return teach('pixels', net, net, draw_batch, steps, rate, Best(net, kept, val_auc)).to(memory_format=torch.contiguous_format)

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

def in_eight_bits(weights):
    """Whole numbers -127 to 127 and what one of them is worth, of each output channel its own."""
    most = np.abs(weights).reshape(len(weights), -1).max(1).reshape((-1,) + (1,) * (weights.ndim - 1))
    worth = np.maximum(most, 1e-8).astype(np.float32) / 127
    return np.rint(weights / worth).astype(np.int8), worth

def shrink(net):
    """The weights as they will be read back: what is measured is what ships."""
    import torch
    with torch.no_grad():
        for w in net.parameters():
            if w.ndim == 4:
                whole, worth = in_eight_bits(w.numpy())
                w.copy_(torch.from_numpy(whole * worth))

def export(net, path):
    """Weights of convolutions in eight bits, which the graph itself turns into floats; it computes with floats."""
    import onnx, torch
    from onnx import TensorProto, helper, numpy_helper
    net.eval()
    torch.onnx.export(net, torch.zeros(1, 3, PATCH, PATCH), path, opset_version=13, input_names=['image'],
                      output_names=['logit'])
    model = onnx.load(path)
    graph, nodes = model.graph, []
    for one in list(graph.initializer):
        weights = numpy_helper.to_array(one)
        if weights.ndim == 4 and weights.size >= 1000:
            whole, worth = in_eight_bits(weights)
            graph.initializer.remove(one)
            graph.initializer.extend([numpy_helper.from_array(whole, one.name + '_q'), numpy_helper.from_array(worth, one.name + '_s')])
            nodes += [helper.make_node('Cast', [one.name + '_q'], [one.name + '_c'], to=TensorProto.FLOAT),
                      helper.make_node('Mul', [one.name + '_c', one.name + '_s'], [one.name])]
    for node in reversed(nodes):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)

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
                artificial_from=threshold(p[t == 0]), floor=max(0.6, threshold(1 - p[t == 1])),
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
    rows = few_of_each(labels(args.data, ('train',)), MOST_OF_SOURCE)
    val = few_of_each(labels(args.data, ('val',)), 40)
    steps, few_steps, batch, n, cuts_each = (150, 60, 16, 300, 2) if args.short else (STEPS, FEW_STEPS, 64, args.patches, CUTS)
    if args.short:
        rows = rows[::max(1, len(rows) // 60)]
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
        net = train_pixels(x, y, steps, batch, os.path.join(work, 'pixels.state'), picture_auc(args.data, val), args.begin_with)
        shrink(net)
        return net

    for name, teacher in (('residual', residual), ('pixels', pixels)):
        if args.only in (None, name):
            net = teacher()
            export(net, os.path.join(args.out, f'assay-{name}-{VERSION[name]}.onnx'))
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

def made_pictures(folder, each=12, side=160):
    """Something to learn in a minute: noise over waves, fine against coarse."""
    rng, rows = np.random.default_rng([SEED, 9]), []
    for split in ('train', 'val'):
        for label in ('human', 'artificial'):
            for i in range(each):
                y, x = np.mgrid[0:side, 0:side] / rng.uniform(8, 30)
                waves = 128 + 60 * np.sin(x * rng.uniform(0.3, 1) + y * rng.uniform(0.3, 1))[..., None] * rng.uniform(0.5, 1, 3)
                a = waves + rng.normal(0, 30, (side, side, 3))
                if label == 'artificial':
                    a = waves + rng.normal(0, 30, (side // 8, side // 8, 3)).repeat(8, 0).repeat(8, 1)
                path = f'{split}-{label}-{i}.png'
                Image.fromarray(np.clip(a, 0, 255).astype(np.uint8)).save(os.path.join(folder, path))
                rows.append((path, label, f'{label}-{i % 2}', split))
    with open(os.path.join(folder, 'labels.csv'), 'w', newline='') as f:
        w = csv.writer(f)
        w.writerow(['path', 'label', 'source', 'split'])
        w.writerows(rows)

def main_short(args):
    """Made pictures, few steps; every part once. OUT is `data` here."""
    args.out, args.data, args.short = args.data, os.path.join(args.data, 'pictures'), True
    os.makedirs(args.data, exist_ok=True)
    made_pictures(args.data)
    main_train(args)
    for name in ('pixels', 'residual'):
        size = os.path.getsize(os.path.join(args.out, f'assay-{name}-{VERSION[name]}.onnx'))
        with open(os.path.join(args.out, f'{name}.json')) as f:
            area = json.load(f)['val_auc']
        print(name, size, 'bytes, validation AUC', area)
        if size > 1 << 20 or area < 0.8:
            sys.exit(f'{name}: larger than 1 MB, or it did not learn what is easy')

def main_calibrate(args):
    """SCORES of bench/origin (the code that ships) over val, seen and their variants: the calibration is fitted on val, whose
    sources were not learned from; the limit on false accusations holds for the human pictures of val as they are, with those
    of seen, with all variants of val, and for all of these together."""
    with open(args.data, newline='') as f:
        rows = [r for r in csv.DictReader(f) if r['split'].split('-')[0] in ('val', 'seen') and r['code'] != 'too_small']
    for name in sorted({r['model'] for r in rows}):
        short = name.replace('assay-', '')
        with open(os.path.join(args.out, f'assay-{short}-{VERSION[short]}.card.json')) as f:
            card = json.load(f)
        mine = [r for r in rows if r['model'] == name]
        p = np.clip([float(r['artificial']) for r in mine], 1e-15, 1 - 1e-15)
        z = (np.log(p / (1 - p)) - card['calibration']['offset']) / card['calibration']['scale']
        y = np.array([r['label'] == 'artificial' for r in mine], float)
        split = np.array([r['split'] for r in mine])
        unseen = np.array([s.split('-')[0] == 'val' for s in split])
        n = calibrate(z[unseen], y[unseen])
        p = 1 / (1 + np.exp(-(n['scale'] * z + n['offset'])))
        human = y == 0
        worst = max(threshold(p[human & some]) for some in (split == 'val', (split == 'val') | (split == 'seen'), unseen, split != ''))
        n['artificial_from'] = worst
        path = os.path.join(args.numbers, f'{short}.json')
        if os.path.exists(path):
            with open(path) as f:
                n = {**json.load(f), **n}
        with open(path, 'w') as f:
            json.dump(n, f)
        print(name, {k: v for k, v in n.items() if k not in ('mean', 'deviation', 'coefficients')})

class Scores:
    """What one detector says of the pictures in SCORES, whatever calibration they were made with, under the card of MODELS."""
    def __init__(self, rows, old, card):
        p = np.clip([float(r['artificial']) for r in rows], 1e-15, 1 - 1e-15)
        z = (np.log(p / (1 - p)) - old['calibration']['offset']) / old['calibration']['scale']
        self.p = 1 / (1 + np.exp(-(card['calibration']['scale'] * z + card['calibration']['offset'])))
        self.y = np.array([r['label'] == 'artificial' for r in rows])
        self.split, self.source = np.array([r['split'] for r in rows]), np.array([r['source'] for r in rows])
        self.accused, self.cleared = self.p >= card['artificial_from'], 1 - self.p >= card['floor']

    def auc_of(self, own):
        return auc(self.p[own], self.y[own].astype(float))

    def whole(self, name, where):
        """A line of the first table."""
        own = self.split == where
        a, h = own & self.y, own & ~self.y
        right = ((self.p > 0.5)[a].mean() + (self.p <= 0.5)[h].mean()) / 2
        return (f'| `{name}` | {where} | {a.sum()} + {h.sum()} | {self.auc_of(own):.2f} | {right:.3f} | {self.accused[a].mean():.2f} | '
                f'{self.accused[h].mean():.2f} | {self.cleared[a].mean():.2f} |')

    def by_source(self, splits):
        for where in splits:
            for what in sorted(set(self.source[self.split == where])):
                own = (self.split == where) & (self.source == what)
                others = (self.split == where) & (self.y != self.y[own][0])
                a, h = self.accused[own].mean(), self.cleared[own].mean()
                print(f'| {where} | {what} | {"artificial" if self.y[own][0] else "human"} | {own.sum()} | '
                      f'{self.auc_of(own | others):.2f} | {a:.2f} | {h:.2f} | {max(0, 1 - a - h):.2f} |')

    def by_variant(self, name, where):
        cells = []
        for v in VARIANTS:
            own = self.split == f'{where}-{v}'
            cells.append(f'{self.auc_of(own):.2f}, {self.accused[own & self.y].mean():.2f} / {self.accused[own & ~self.y].mean():.2f}')
        return f'| `{name}` | ' + ' | '.join(cells) + ' |'

def main_table(args):
    """SCORES may be several files, with commas between. --made-with: the folder of cards they were made with."""
    rows = []
    for path in args.data.split(','):
        with open(path, newline='') as f:
            rows += [r for r in csv.DictReader(f) if r['code'] != 'too_small']

    def card_of(folder, name):
        with open(os.path.join(folder, f'{name}-{VERSION[name.replace("assay-", "")]}.card.json')) as f:
            return json.load(f)

    cards = {name: card_of(args.out, name) for name in sorted({r['model'] for r in rows})}
    of = {name: Scores([r for r in rows if r['model'] == name], card_of(args.made_with or args.out, name), cards[name]) for name in cards}
    splits = [s for s in ('seen', 'val', 'held', 'fresh') if any(r['split'] == s for r in rows)]
    print('| detector | split | pictures: artificial + human | AUC | balanced accuracy at .5 | found: artificial called artificial | '
          'false accusations | artificial called human |\n|---|---|---|---|---|---|---|---|')
    for name, scores in of.items():
        for where in splits:
            if (scores.split == where).any():
                print(scores.whole(name, where))
    for where in splits:
        if any(r['split'] == where + '-plain' for r in rows):
            print(f'\n| {where} | ' + ' | '.join(VARIANTS) + ' |\n|' + '---|' * (len(VARIANTS) + 1))
            for name, scores in of.items():
                if (scores.split == where + '-plain').any() and len(set(scores.y[scores.split == where + '-plain'])) == 2:
                    print(scores.by_variant(name, where))
    for name, scores in of.items():
        print(f'\n`{name}`: artificial from {cards[name]["artificial_from"]}, human from {cards[name]["floor"]}\n')
        print('| split | source | label | pictures | AUC | called artificial | called human | unknown |\n|---|---|---|---|---|---|---|---|')
        scores.by_source(splits)

def main_variants(args):
    """PNG (or JPEG where that is the point), so that nothing else is added; at most --most pictures of a source, of each the
    middle 640 x 640."""
    rows, out = labels(args.data, args.splits.split(',')), []
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

def terms_of(data):
    """Lines of about.pictures: what was learned from and what was chosen with."""
    with open(os.path.join(data, 'manifest.json')) as f:
        manifest = json.load(f)
    out = []
    for source, m in sorted(manifest.items()):
        n = m['pictures']
        learned = min(n.get('train', 0), MOST_OF_SOURCE)
        if learned or 'val' in n:
            use = f"{learned} pictures to learn from, {n.get('seen', 0)} to check with" if learned else f"{n['val']} pictures to choose with"
            out.append(f"{source}: {use}, {m['label']}: {'; '.join(m['from'])}; sha256 of the names {m['sha256_of_names']}")
    return out

def main_cards(args):
    """Writes calibration, thresholds, weights and sums of a run into the cards beside the models; --manifest: and the
    pictures of that folder. Of a run of `calibrate` alone there is no model: the card keeps the one it has."""
    import hashlib, shutil
    for name, version in VERSION.items():
        numbers = os.path.join(args.data, f'{name}.json')
        path = os.path.join(args.out, f'assay-{name}-{version}.card.json')
        if not os.path.exists(numbers):
            continue
        with open(numbers) as f:
            n = json.load(f)
        with open(path) as f:
            card = json.load(f)
        card['calibration'] = {'scale': n['scale'], 'offset': n['offset']}
        card['floor'] = round(n.get('floor', card['floor']), 2)
        card['artificial_from'] = max(n['artificial_from'], card['floor'])
        if args.manifest:
            card['about']['pictures']['sources'] = terms_of(args.manifest)
        if 'coefficients' in n:
            card['weights'] = {k: n[k] for k in ('mean', 'deviation', 'coefficients')}
        if 'file' in card and os.path.exists(os.path.join(args.data, card['file'])):
            model = os.path.join(args.out, card['file'])
            shutil.copyfile(os.path.join(args.data, card['file']), model)
            with open(model, 'rb') as f:
                card['sha256'] = hashlib.sha256(f.read()).hexdigest()
        with open(path, 'w') as f:
            f.write(compact(json.dumps(card, indent=2)) + '\n')

if __name__ == '__main__':
    p = argparse.ArgumentParser()
    if sys.argv[1:2] in (['variants'], ['cards'], ['calibrate'], ['table'], ['short']):
        p.add_argument('what')
    p.add_argument('data')
    p.add_argument('out', nargs='?' if sys.argv[1:2] == ['short'] else None)
    p.add_argument('--numbers', help='calibrate: the OUT of the training')
    p.add_argument('--manifest', help='cards: DATA, whose manifest.json says which pictures they were')
    p.add_argument('--made-with', help='table: the cards that SCORES were made with')
    p.add_argument('--short', action='store_true')
    p.add_argument('--only', choices=['spectrum', 'pixels', 'residual'])
    p.add_argument('--begin-with', help='assay-pixels-1.onnx, whose weights pixels begins with')
    p.add_argument('--patches', type=int, default=24000)
    p.add_argument('--most', type=int, default=10)
    p.add_argument('--splits', default='val,seen,held,fresh', help='variants: of which pictures')
    args = p.parse_args()
    {'variants': main_variants, 'cards': main_cards, 'calibrate': main_calibrate,
     'table': main_table, 'short': main_short}.get(getattr(args, 'what', ''), main_train)(args)
