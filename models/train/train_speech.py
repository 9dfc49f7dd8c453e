#!/usr/bin/env python3
"""Trains the small net that tells human from artificial speech (models/assay-speech-2.onnx).

  train_speech.py train     --data DIR --out speech.pt [--steps 2200] [--seed 1]     goes on from speech.pt.part when that is there
  train_speech.py score     --data DIR --model speech.pt --split val                 AUC, all and by system
  train_speech.py export    --model speech.pt --out speech.onnx
  train_speech.py degrade   --data DIR --split test --how telephone --out DIR2       the same clips, worse: to measure how much it matters
  train_speech.py calibrate --scores AS-THEY-ARE.csv,MP3.csv,TELEPHONE.csv           what bench/speech --scores printed: numbers for the card
  train_speech.py short     --out DIR                                                all of it on made tones, in seconds: the test

DIR is what speech_data.py makes. Needs torch, onnx, numpy; ffmpeg for coding and decoding again. On a CPU set OMP_WAIT_POLICY=PASSIVE.

The net sees two seconds at 16 kHz. Inside the ONNX graph: pre-emphasis, short-time spectrum as a convolution with sines and cosines
that the graph makes itself (400 of 512 points, hop 160), bands, logarithm relative to the mean energy of the window, minus each band's
mean over time, so that neither gain nor the microphone's colour nor what lies far below the speech matters; then convolutions, mean and
deviation over time, two logits: artificial, human.
"""
import argparse
import csv
import multiprocessing
import os
import pickle
import subprocess
import time

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import helper, numpy_helper

from speech_data import PROCESSES, RATE, mel_bank, read_wav, write_wav

WINDOW, N_FFT, FRAME, HOP, BANDS = 2 * RATE, 512, 400, 160, 112
LOW, HIGH, FLOOR = 50., 7700., 1e-4  # Hz of the bands; what lies 40 dB below the mean is nothing
FRAMES = (WINDOW - 1 - FRAME) // HOP + 1
LENGTH = 1 << 16  # samples of a clip made worse
CLASSES = ["artificial", "human"]


# ---- the net ----

def bands(kind):
    """[BANDS, bins of the spectrum]: "lin", "mel", or "both": the lower half of the one and the whole of the other, half as many each."""
    if kind == "both":
        return np.concatenate([mel_bank(N_FFT, BANDS // 2, LOW, HIGH), mel_bank(N_FFT, BANDS // 2, 2000., HIGH, linear=True)])
    return mel_bank(N_FFT, BANDS, LOW, HIGH, linear=kind == "lin")


class Front(nn.Module):
    """Waveform [n,WINDOW] to log energies of bands [n,1,BANDS,frames]; nothing of it is learned."""

    def __init__(self, kind="lin", centred=True):
        super().__init__()
        self.kind, self.centred, self.quick = kind, centred, True
        self.register_buffer("bank", torch.tensor(bands(kind)[:, :, None], dtype=torch.float32))
        self.register_buffer("emphasis", torch.tensor([[[-.97, 1.]]]))
        self.register_buffer("bins", torch.arange(N_FFT // 2 + 1, dtype=torch.float32)[:, None, None])
        self.register_buffer("times", torch.arange(FRAME, dtype=torch.float32))

    def spectrum(self, x):
        """Sines from two short rows of numbers: the file stays small, and ONNX Runtime makes them once, when it loads."""
        angle = self.bins * self.times * (2 * np.pi / N_FFT)
        hann = .5 - .5 * torch.cos(self.times * (2 * np.pi / FRAME))
        return F.conv1d(x, torch.cos(angle) * hann, stride=HOP) ** 2 + F.conv1d(x, torch.sin(angle) * hann, stride=HOP) ** 2

    def quick_spectrum(self, x):
        """The same by FFT, which ONNX of opset 13 does not have."""
        w = torch.hann_window(FRAME)
        return torch.fft.rfft(x[:, 0].unfold(1, FRAME, HOP) * w, N_FFT).abs().square().transpose(1, 2)

    def forward(self, x):
        x = F.conv1d(x.unsqueeze(1), self.emphasis)
        s = self.quick_spectrum(x) if self.quick else self.spectrum(x)
        return self.level(F.conv1d(s, self.bank))

    def level(self, power):
        mean = power.mean((1, 2), keepdim=True) + 1e-9
        logs = torch.log(power / mean + FLOOR) * .25
        return (logs - logs.mean(2, keepdim=True) if self.centred else logs + 1.).unsqueeze(1)

    def power(self, x):
        """Of a whole clip, [BANDS,frames]; a window of it is what forward makes of the samples under it."""
        x = F.conv1d(torch.tensor(x)[None, None], self.emphasis)
        return F.conv1d(self.quick_spectrum(x), self.bank)[0]


def conv(i, o, stride=1, k=3):
    return nn.Sequential(nn.Conv2d(i, o, k, stride, k // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class Net(nn.Module):
    def __init__(self, kind="lin", centred=True):
        super().__init__()
        self.front = Front(kind, centred)
        self.body = nn.Sequential(conv(1, 16, 2, 5), conv(16, 24, 2), conv(24, 40, 2), conv(40, 64, 2), conv(64, 64))
        self.drop = nn.Dropout(.4)
        self.one, self.two = nn.Linear(2 * 64 * (BANDS // 16), 32), nn.Linear(32, 2)

    def head(self, mel):
        h = self.body(mel)
        mean = h.mean(3)
        dev = torch.sqrt(((h - mean.unsqueeze(3)) ** 2).mean(3) + 1e-5)
        return self.two(F.relu(self.one(self.drop(torch.cat([mean, dev], 1).flatten(1)))))

    def forward(self, x):
        return self.head(self.front(x))


# ---- making clips worse, alike for both classes ----

def coded(sounds, codec, rate):
    """Through a lossy codec and back; all of them behind each other, so the program starts once."""
    kind = {"libmp3lame": "mp3", "libopus": "ogg", "aac": "adts"}[codec]
    raw = (np.clip(np.concatenate(sounds), -1, 1) * 32767).astype(np.int16).tobytes()
    pcm = ["-f", "s16le", "-ar", str(RATE), "-ac", "1"]
    packed = subprocess.run(["ffmpeg", "-v", "quiet", *pcm, "-i", "-", "-c:a", codec, "-b:a", rate, "-f", kind, "-"],
                            input=raw, stdout=subprocess.PIPE, check=True).stdout
    out = subprocess.run(["ffmpeg", "-v", "quiet", "-i", "-", *pcm, "-"], input=packed, stdout=subprocess.PIPE, check=True).stdout
    y = np.frombuffer(out, np.int16).astype(np.float32) / 32768
    y = np.pad(y, (0, max(0, len(raw) // 2 - len(y))))
    return np.split(y[:len(raw) // 2], np.cumsum([len(x) for x in sounds])[:-1])


def band(x, low, high):
    s = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    gain = 1 / (1 + (f / high) ** 24)
    if low > 0:
        gain *= 1 / (1 + (low / np.maximum(f, 1)) ** 8)
    return np.fft.irfft(s * gain, len(x)).astype(np.float32)


def mu_law(x):
    y = np.sign(x) * np.log1p(255 * np.minimum(np.abs(x), 1)) / np.log(256)
    y = np.round(y * 127) / 127
    return (np.sign(y) * (256 ** np.abs(y) - 1) / 255).astype(np.float32)


def noisy(x, snr, rng, pink):
    n = rng.standard_normal(len(x)).astype(np.float32)
    if pink:
        s = np.fft.rfft(n)
        n = np.fft.irfft(s / np.sqrt(np.maximum(1, np.arange(len(s)))), len(x)).astype(np.float32)
    return x + n * np.sqrt(np.mean(x ** 2) / (np.mean(n ** 2) + 1e-12) * 10 ** (-snr / 10))


def room(x, rng):
    t = np.arange(int(rng.uniform(.08, .4) * RATE))
    h = rng.standard_normal(len(t)) * 10 ** (-3 * t / len(t)) * rng.uniform(.1, .5) / np.sqrt(len(t) / 7)
    h[0] = 1
    n = 1 << (len(x) + len(h) - 1).bit_length()
    return np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(h, n), n)[:len(x)].astype(np.float32)


def tilted(x, rng):
    s = np.fft.rfft(x)
    f = np.linspace(0, 1, len(s))
    db = rng.uniform(-6, 6) * f + rng.uniform(-4, 4) * np.cos(np.pi * f * rng.uniform(.5, 4) + rng.uniform(0, 6))
    return np.fft.irfft(s * 10 ** (db / 20), len(x)).astype(np.float32)


def telephone(x):
    return mu_law(band(x / (np.abs(x).max() + 1e-9) * .7, 300, 3400))


def each(change):
    return lambda sounds, rng: [change(x, rng) for x in sounds]


HOW = {
    "telephone": each(lambda x, rng: telephone(x)),
    "mp3": lambda sounds, rng: coded(sounds, "libmp3lame", "32k"),
    "opus": lambda sounds, rng: coded(sounds, "libopus", "16k"),
    "noise": each(lambda x, rng: noisy(x, 15, rng, False)),
}
CODECS = [("libmp3lame", r) for r in ("24k", "32k", "48k", "64k")] + [("libopus", r) for r in ("12k", "16k", "24k", "48k")] + [("aac", "32k")]


def worse(sounds, rng):
    """Clips as they may arrive. The dice are the same for both classes."""
    out, codec = [], []
    for x in sounds:
        at = rng.integers(0, max(1, len(x) - LENGTH))
        x = x[at:at + LENGTH]
        if rng.random() < .5:
            x = tilted(x, rng)
        if rng.random() < .25:
            x = room(x, rng)
        if rng.random() < .5:
            x = noisy(x, rng.uniform(8, 40), rng, rng.random() < .5)
        r = rng.random()
        if r < .2:
            x = telephone(x)
        elif r < .35:
            x = band(x, 0, rng.uniform(3000, 7500))
        out.append(x)
        codec.append(rng.integers(len(CODECS)) if r >= .55 else -1)
    for k, (name, rate) in enumerate(CODECS):
        mine = [i for i, c in enumerate(codec) if c == k]
        for i, y in zip(mine, coded([out[i] for i in mine], name, rate) if mine else []):
            out[i] = y
    return out


def worse_copies(job):
    """For every sound its copies, as 16-bit numbers."""
    sounds, copies, seed = job
    rng = np.random.default_rng(seed)
    made = [worse(sounds, rng) for _ in range(copies)]
    return [[(np.clip(x, -1, 1) * 32767).astype(np.int16) for x in xs] for xs in zip(*made)]


# ---- data ----

class Clips:
    """The clips of a split, each with some worse copies of itself; these take minutes, so they are kept in the folder."""

    def __init__(self, folder, split, copies, seed):
        self.rows = [r for r in csv.DictReader(open(os.path.join(folder, "labels.csv"))) if r["split"] == split]
        self.sounds = [[read_wav(os.path.join(folder, r["path"]))] for r in self.rows]
        kept = os.path.join(folder, "worse-%s-%d-%d.pickle" % (split, copies, seed))
        if copies and not os.path.exists(kept):
            firsts = [s[0] for s in self.sounds]
            jobs = [(firsts[i:i + 100], copies, [seed, i]) for i in range(0, len(firsts), 100)]
            with multiprocessing.Pool(PROCESSES) as pool:
                made = [m for many in pool.imap(worse_copies, jobs) for m in many]
            pickle.dump(made, open(kept + ".part", "wb"))
            os.rename(kept + ".part", kept)
        if copies:
            for s, more in zip(self.sounds, pickle.load(open(kept, "rb"))):
                s += [m.astype(np.float32) / 32768 for m in more]
        self.label = np.array([CLASSES.index(r["label"]) for r in self.rows])
        self.weight = self._weights()

    def _weights(self):
        """Both classes alike; inside a class a system with four times the clips comes twice as often."""
        key = [(r["label"], r["system"]) for r in self.rows]
        count = {k: key.count(k) for k in key}
        w = np.array([count[k] ** -.5 for k in key])
        for c in range(2):
            w[self.label == c] /= w[self.label == c].sum()
        return w / w.sum()


def cut(x, start):
    """WINDOW samples from start; a shorter clip is repeated, as the program does."""
    if len(x) < WINDOW:
        x = np.tile(x, -(-WINDOW // len(x)))
    return x[start:start + WINDOW]


def batch(spectra, clips, rng, n):
    """Windows of FRAMES frames, not mostly a pause; a shorter clip is repeated."""
    windows = []
    for i in rng.choice(len(spectra), n, p=clips.weight):
        p = spectra[i][rng.integers(len(spectra[i]))]
        starts = rng.integers(0, p.shape[1] - FRAMES + 1, 3)
        cuts = [torch.exp(p[:, s:s + FRAMES].float()) for s in starts]
        loud = [float(c.mean()) for c in cuts]
        good = [c for c, e in zip(cuts, loud) if e > .5 * max(loud)]
        windows.append((good[0], int(clips.label[i])))
    return torch.stack([w for w, _ in windows]), torch.tensor([y for _, y in windows])


def spoiled(power, rng):
    """What noise, telephones and codecs do, done to the bands: the dice are the same for both classes.

    Noise of any colour; a telephone's band with the coarse steps of its law; the top cut off; and holes, as a codec leaves them where
    it hears little."""
    for k, p in enumerate(power):
        hz = torch.linspace(LOW, HIGH, p.shape[0])[:, None]
        dice = rng.random(4)
        if dice[0] < .2:
            p *= 1 / (1 + (hz / rng.uniform(3200, 3800)) ** 40) / (1 + (rng.uniform(200, 320) / hz) ** 12)
            p += torch.tensor(rng.standard_gamma(2., p.shape), dtype=torch.float32) * .5 * p.mean(0, keepdim=True) * 10 ** -3.5
        if dice[1] < .45:
            emphasis = 1 + .97 ** 2 - 2 * .97 * torch.cos(2 * np.pi * hz / RATE)  # the noise goes through the pre-emphasis as well
            noise = torch.tensor(rng.standard_gamma(1.6, p.shape), dtype=torch.float32) * emphasis * hz ** rng.choice([0., -1., rng.uniform(-2, .3)])
            p += noise * ((p / emphasis).mean() / (noise / emphasis).mean() * 10 ** (-rng.uniform(.3, 4)))
        if dice[2] < .25:
            least = p.mean(0, keepdim=True) * 10 ** (-rng.uniform(1.5, 3.5)) * (1 + hz / 4000)
            wide = F.avg_pool2d(p[None, None], (7, 3), 1, (3, 1), count_include_pad=False)[0, 0]
            p *= torch.where(wide < least, torch.tensor(1e-3), torch.tensor(1.))
        if dice[3] < .2:
            p[int(rng.uniform(.4, 1) * p.shape[0]):] *= 1e-4
    return power


def mask(mel, rng):
    """Drops some bands and some moments, so that no single one decides."""
    for k in range(len(mel)):
        b, t = rng.integers(0, 16), rng.integers(0, 30)
        b0, t0 = rng.integers(0, mel.shape[2] - b), rng.integers(0, mel.shape[3] - t)
        mel[k, :, b0:b0 + b] = 0
        mel[k, :, :, t0:t0 + t] = 0
    return mel


# ---- learning ----

def spectra_of(net, clips, kept=None):
    """Logarithms of the bands' power as 16-bit floats: all clips and their copies stay in memory, and in the file `kept`."""
    if kept and os.path.exists(kept):
        return torch.load(kept)
    with torch.no_grad():
        made = [[torch.log(net.front.power(cut(x, 0) if len(x) < WINDOW + HOP else x) + 1e-9).half() for x in sounds] for sounds in clips.sounds]
    if kept:
        torch.save(made, kept + ".part")
        os.rename(kept + ".part", kept)
    return made


def scores(net, spectra, copy=0):
    """Logit human - artificial of every clip: mean over windows behind each other."""
    net.eval()
    out = []
    with torch.no_grad():
        for p in (torch.exp(s[copy].float()) for s in spectra):
            w = torch.stack([p[:, a:a + FRAMES] for a in range(0, p.shape[1] - FRAMES + 1, FRAMES)])
            y = net.head(net.front.level(w))
            out.append(float((y[:, 1] - y[:, 0]).mean()))
    return np.array(out)


def auc(score, label):
    human, other = score[label == 1], score[label == 0]
    return float(np.mean((human[:, None] > other[None]) + .5 * (human[:, None] == other[None])))


class Average:
    """The mean of the last few hundred steps' weights: steadier than any of them."""

    def __init__(self, net, keep):
        self.keep, self.state = keep, {k: v.clone() for k, v in net.state_dict().items()}

    def take(self, net, step):
        keep = min(self.keep, step / (step + 10))
        for k, v in net.state_dict().items():
            self.state[k] = self.state[k] * keep + v * (1 - keep) if v.is_floating_point() else v.clone()

    def __call__(self, like):
        net = Net(like.front.kind, like.front.centred)
        net.load_state_dict(self.state)
        return net


def go_on(part, net, opt, mean, rng):
    """From where an earlier run stopped: the step, and its best figure."""
    if not part or not os.path.exists(part):
        return 0, -1.
    s = torch.load(part)
    net.load_state_dict(s["net"])
    opt.load_state_dict(s["opt"])
    mean.state = s["mean"]
    rng.bit_generator.state = s["rng"]
    torch.set_rng_state(s["torch"])
    print("going on from step", s["step"], flush=True)
    return s["step"], s["best"]


def train(data, out, steps, seed, copies=0, size=32, kind="lin", centred=True):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    clips, held = Clips(data, "train", copies, seed), Clips(data, "val", min(copies, 1), seed)
    net = Net(kind, centred)
    spectra, held_spectra = (spectra_of(net, c, os.path.join(data, "bands-%s-%s-%d-%d" % (split, kind, copies, seed)))
                             for split, c in (("train", clips), ("val", held)))
    print("clips", len(clips.sounds), len(held.sounds), "parameters", sum(p.numel() for p in net.parameters()), flush=True)
    clips.sounds = held.sounds = None
    opt, mean = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=3e-2), Average(net, .99)
    first, best = go_on(out + ".part", net, opt, mean, rng)
    begin = time.process_time()
    for step in range(first + 1, steps + 1):
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, step / 50) * (.02 + .98 * (1 - step / steps))
        net.train()
        x, y = batch(spectra, clips, rng, size)
        loss = F.cross_entropy(net.head(mask(net.front.level(spoiled(x, rng)), rng)), y, label_smoothing=.05)
        opt.zero_grad()
        loss.backward()
        opt.step()
        mean.take(net, step)
        if step % 100 == 0 or step == steps:
            a = [auc(scores(mean(net), held_spectra, c), held.label) for c in range(len(held_spectra[0]))]
            print("step %d loss %.3f val auc %s, %.0f s" % (step, loss.item(), " ".join("%.3f" % v for v in a), time.process_time() - begin),
                  flush=True)
            if step > steps // 2 and np.mean(a) >= best:
                best = float(np.mean(a))
                torch.save({"kind": kind, "centred": centred, "state": mean.state}, out)
            torch.save({"net": net.state_dict(), "opt": opt.state_dict(), "mean": mean.state, "rng": rng.bit_generator.state,
                        "torch": torch.get_rng_state(), "step": step, "best": best}, out + ".part")
    return load(out)


def load(path):
    s = torch.load(path)
    net = Net(s["kind"], s["centred"])
    net.load_state_dict(s["state"])
    return net.eval()


def score(data, model, split):
    net, clips = load(model), Clips(data, split, 0, 1)
    s = scores(net, spectra_of(net, clips))
    human = s[clips.label == 1]
    for key in sorted({(r["label"], r["system"]) for r in clips.rows}):
        mine = s[[(r["label"], r["system"]) == key for r in clips.rows]]
        against = auc(np.concatenate([human, mine]), np.array([1] * len(human) + [0] * len(mine))) if key[0] == "artificial" else np.nan
        print("%-10s %-28s n=%d mean logit %.2f, auc against all human %.3f" % (*key, len(mine), mine.mean(), against))
    print("%s: human=%d artificial=%d auc=%.3f" % (split, len(human), len(s) - len(human), auc(s, clips.label)))


# ---- from weights to a card ----

def export(model, out):
    net = load(model)
    net.front.quick = False
    torch.onnx.export(net, torch.zeros(1, WINDOW), out, opset_version=13, input_names=["waveform"], output_names=["logits"],
                      do_constant_folding=False)
    shrink(out)


def shrink(path):
    """Large weights as 8-bit numbers, one scale for each row, with a Cast and a Mul behind them: ONNX Runtime unfolds them when it loads."""
    model = onnx.load(path)
    graph, nodes = model.graph, []
    for t in list(graph.initializer):
        a = numpy_helper.to_array(t)
        if a.dtype == np.float32 and a.size > 400 and "bank" not in t.name:
            name = t.name
            scale = np.maximum(np.abs(a.reshape(len(a), -1)).max(1), 1e-9).reshape(-1, *[1] * (a.ndim - 1)).astype(np.float32) / 127
            graph.initializer.append(numpy_helper.from_array(scale, name + ".scale"))
            nodes += [helper.make_node("Cast", [name + ".int8"], [name + ".float"], to=onnx.TensorProto.FLOAT),
                      helper.make_node("Mul", [name + ".float", name + ".scale"], [name])]
            t.CopyFrom(numpy_helper.from_array(np.round(a / scale).astype(np.int8), name + ".int8"))
        elif "bank" in t.name:
            nodes.append(helper.make_node("Cast", [t.name + ".half"], [t.name], to=onnx.TensorProto.FLOAT))
            t.CopyFrom(numpy_helper.from_array(a.astype(np.float16), t.name + ".half"))
    for node in reversed(nodes):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def read_scores(path):
    """What bench/speech --scores prints: path, label, system, "scored" or a code, mean logit after the card's calibration."""
    rows = [line.strip().rsplit(",", 4) for line in open(path)]
    rows = [r for r in rows if len(r) == 5 and r[3] == "scored"]
    return np.array([float(r[4]) for r in rows]), np.array([r[1] == "artificial" for r in rows])


def calibrate(paths):
    """Run bench/speech with a card of scale 1 and offset 0. All files together make scale and offset, both classes alike. What is accused
    and found at each artificial_from is by the mean of a file's clips; bench/speech, which has the last word, leaves out uncertain clips."""
    sets = [read_scores(p) for p in paths.split(",")]
    x, y = np.concatenate([s[0] for s in sets]), np.concatenate([s[1] for s in sets]).astype(float)
    w = np.where(y == 1, .5 / y.mean(), .5 / (1 - y.mean()))
    a, b = 1., 0.
    for _ in range(50):
        p = 1 / (1 + np.exp(-(a * x + b)))
        g, h = w * (p - y), w * p * (1 - p) + 1e-9
        step = np.linalg.solve([[(h * x * x).sum(), (h * x).sum()], [(h * x).sum(), h.sum()]], [(g * x).sum(), g.sum()])
        a, b = a - step[0], b - step[1]
    print("scale %.4f offset %.4f" % (a, b))
    for k in range(12, 20):
        t = k * .05
        print("artificial_from %.2f: accused %s found %s" % (t, *(
            " ".join("%.3f" % np.mean(1 / (1 + np.exp(-(a * s[m] + b))) >= t) for s, m in ((s, l == c) for s, l in sets)) for c in (False, True))))


def degrade(data, split, how, out):
    rng = np.random.default_rng(7)
    rows = [r for r in csv.DictReader(open(os.path.join(data, "labels.csv"))) if r["split"] == split]
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "labels.csv"), "w", newline="") as f:
        w = csv.DictWriter(f, rows[0].keys(), lineterminator="\n")
        w.writeheader()
        for r, x in zip(rows, HOW[how]([read_wav(os.path.join(data, r["path"])) for r in rows], rng)):
            write_wav(os.path.join(out, r["path"]), x)
            w.writerow(r)


def short(out):
    """Tones with overtones against noise: everything runs, and the two are told apart."""
    rng = np.random.default_rng(1)
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "labels.csv"), "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(["path", "label", "system", "speaker", "split"])
        t = np.arange(2 * RATE + 800) / RATE
        for i in range(24):
            label = CLASSES[i % 2]
            x = sum(np.sin(2 * np.pi * (100 + 5 * i) * k * t) / k for k in range(1, 20)) if i % 2 else rng.standard_normal(len(t))
            path = "c%02d.wav" % i
            write_wav(os.path.join(out, path), (.1 * x).astype(np.float32))
            w.writerow([path, label, "made", str(i), "val" if i >= 16 else "train"])
    net = train(out, os.path.join(out, "short.pt"), 60, 1, copies=0, size=8)
    if train(out, os.path.join(out, "short.pt"), 60, 1, copies=0, size=8).two.bias.tolist() != net.two.bias.tolist():
        raise SystemExit("a run that was done already came out differently")
    held = Clips(out, "val", 0, 1)
    export(os.path.join(out, "short.pt"), os.path.join(out, "short.onnx"))
    a = auc(scores(net, spectra_of(net, held)), held.label)
    print("short: auc %.2f, %d bytes" % (a, os.path.getsize(os.path.join(out, "short.onnx"))))
    return 0 if a > .9 else 1


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["train", "score", "export", "degrade", "calibrate", "short"])
    p.add_argument("--data")
    p.add_argument("--model")
    p.add_argument("--out")
    p.add_argument("--steps", type=int, default=2200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--bands", choices=["lin", "mel", "both"], default="lin")
    p.add_argument("--copies", type=int, default=0, help="copies of every clip through real codecs and rooms; minutes, kept in the data folder")
    p.add_argument("--coloured", action="store_true", help="keep each band's mean over time")
    p.add_argument("--split", default="test")
    p.add_argument("--how", choices=sorted(HOW))
    p.add_argument("--scores")
    a = p.parse_args()
    torch.set_num_threads(1)
    if a.verb == "train":
        train(a.data, a.out, a.steps, a.seed, a.copies, kind=a.bands, centred=not a.coloured)
    if a.verb == "score":
        score(a.data, a.model, a.split)
    if a.verb == "export":
        export(a.model, a.out)
    if a.verb == "degrade":
        degrade(a.data, a.split, a.how, a.out)
    if a.verb == "calibrate":
        calibrate(a.scores)
    return short(a.out) if a.verb == "short" else 0


if __name__ == "__main__":
    raise SystemExit(main())
