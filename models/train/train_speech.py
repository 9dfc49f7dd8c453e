#!/usr/bin/env python3
"""Trains the small net that tells human from artificial speech (models/assay-speech-1.onnx).

  train_speech.py train   --data DIR --out speech.pt [--steps 1500] [--init old.pt] [--seed 1]
  train_speech.py export  --model speech.pt --out speech.onnx
  train_speech.py degrade --data DIR --split test --how telephone --out DIR2     the same clips, worse: to measure how much it matters
  train_speech.py short   --out DIR                                              all of it on made tones, in seconds: the test

DIR is what speech_data.py makes. Needs torch, onnx, numpy; ffmpeg for coding and decoding again. On a CPU set OMP_WAIT_POLICY=PASSIVE.

The net sees two seconds at 16 kHz. Inside the ONNX graph: pre-emphasis, short-time spectrum as a convolution with fixed sines and
cosines (400 of 512 points, hop 160), 80 mel bands, logarithm relative to the mean energy of the window, so neither gain nor what lies
50 dB below it matters; then convolutions, mean and deviation over time, two logits: artificial, human.
"""
import argparse
import csv
import os
import pickle
import random
import subprocess
import time

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import helper, numpy_helper

from speech_data import RATE, mel_bank, read_wav, write_wav

WINDOW, N_FFT, FRAME, HOP, BANDS = 2 * RATE, 512, 400, 160, 80
FRAMES = (WINDOW - 1 - FRAME) // HOP + 1
LENGTH = 1 << 16  # samples of a clip made worse
CLASSES = ["artificial", "human"]


# ---- the net ----

class Front(nn.Module):
    """Waveform [n,WINDOW] to log mel energies [n,1,BANDS,frames]; nothing of it is learned."""

    def __init__(self):
        super().__init__()
        t, f = np.arange(FRAME), np.arange(N_FFT // 2 + 1)[:, None]
        w = np.hanning(FRAME + 1)[:FRAME]
        waves = np.concatenate([np.cos(2 * np.pi * f * t / N_FFT) * w, np.sin(2 * np.pi * f * t / N_FFT) * w])
        self.register_buffer("waves", torch.tensor(waves[:, None], dtype=torch.float32))
        self.register_buffer("bank", torch.tensor(mel_bank(N_FFT, BANDS)[:, :, None], dtype=torch.float32))
        self.register_buffer("emphasis", torch.tensor([[[-.97, 1.]]]))
        self.quick = True

    def spectrum(self, x):
        s = F.conv1d(x, self.waves, stride=HOP)
        return s[:, :N_FFT // 2 + 1] ** 2 + s[:, N_FFT // 2 + 1:] ** 2

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
        return (torch.log(power / mean + 1e-5) * .25 + 1.).unsqueeze(1)

    def power(self, x):
        """Of a whole clip, [BANDS,frames]; a window of it is what forward makes of the samples under it."""
        x = F.conv1d(torch.tensor(x)[None, None], self.emphasis)
        return F.conv1d(self.quick_spectrum(x), self.bank)[0]


def conv(i, o, stride=1, k=3):
    return nn.Sequential(nn.Conv2d(i, o, k, stride, k // 2, bias=False), nn.BatchNorm2d(o), nn.ReLU())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = Front()
        self.body = nn.Sequential(conv(1, 16, 2, 5), conv(16, 24, 2), conv(24, 32, 2), conv(32, 48), conv(48, 64))
        self.drop = nn.Dropout(.4)
        self.one, self.two = nn.Linear(2 * 64 * BANDS // 8, 32), nn.Linear(32, 2)

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


# ---- data ----

class Clips:
    """The clips of a split, each with some worse copies of itself; these take minutes, so they are kept in the folder."""

    def __init__(self, folder, split, copies, seed):
        self.rows = [r for r in csv.DictReader(open(os.path.join(folder, "labels.csv"))) if r["split"] == split]
        self.sounds = [[read_wav(os.path.join(folder, r["path"]))] for r in self.rows]
        kept = os.path.join(folder, "worse-%s-%d-%d.pickle" % (split, copies, seed))
        if copies and not os.path.exists(kept):
            rng = np.random.default_rng(seed)
            made = [worse([s[0] for s in self.sounds], rng) for _ in range(copies)]
            pickle.dump([[(np.clip(x, -1, 1) * 32767).astype(np.int16) for x in xs] for xs in zip(*made)], open(kept, "wb"))
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
        loud = [float(p[:, s:s + FRAMES].mean()) for s in starts]
        good = [s for s, e in zip(starts, loud) if e > .3 * float(p.mean())]
        at = good[0] if good else starts[int(np.argmax(loud))]
        windows.append((p[:, at:at + FRAMES], int(clips.label[i])))
    return torch.stack([w for w, _ in windows]), torch.tensor([y for _, y in windows])


def mask(mel, rng):
    """Drops some bands and some moments, so that no single one decides."""
    for k in range(len(mel)):
        b, t = rng.integers(0, 12), rng.integers(0, 30)
        b0, t0 = rng.integers(0, mel.shape[2] - b), rng.integers(0, mel.shape[3] - t)
        mel[k, :, b0:b0 + b] = 0
        mel[k, :, :, t0:t0 + t] = 0
    return mel


# ---- learning ----

def spectra_of(net, clips):
    with torch.no_grad():
        return [[net.front.power(cut(x, 0) if len(x) < WINDOW + HOP else x) for x in sounds] for sounds in clips.sounds]


def scores(net, spectra):
    """Logit human - artificial of every clip: mean over windows behind each other."""
    net.eval()
    out = []
    with torch.no_grad():
        for p in (s[0] for s in spectra):
            w = torch.stack([p[:, a:a + FRAMES] for a in range(0, p.shape[1] - FRAMES + 1, FRAMES)])
            y = net.head(net.front.level(w))
            out.append(float((y[:, 1] - y[:, 0]).mean()))
    return np.array(out)


def auc(score, label):
    human, other = score[label == 1], score[label == 0]
    return float(np.mean((human[:, None] > other[None]) + .5 * (human[:, None] == other[None])))


def train(data, out, steps, seed, copies=1, size=32, init=None):
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    random.seed(seed)
    clips, held = Clips(data, "train", copies, seed), Clips(data, "val", 0, seed)
    net = Net()
    if init:
        net.load_state_dict(torch.load(init))
    spectra, held_spectra = spectra_of(net, clips), spectra_of(net, held)
    print("clips", len(clips.sounds), len(held.sounds), "parameters", sum(p.numel() for p in net.parameters()), flush=True)
    opt = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=2e-2)
    begin, best = time.process_time(), -1
    for step in range(1, steps + 1):
        for g in opt.param_groups:
            g["lr"] = 2e-3 * min(1, step / 50) * (.02 + .98 * (1 - step / steps))
        net.train()
        x, y = batch(spectra, clips, rng, size)
        loss = F.cross_entropy(net.head(mask(net.front.level(x), rng)), y, label_smoothing=.05)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 200 == 0:
            a = auc(scores(net, held_spectra), held.label)
            print("step %d loss %.3f val auc %.3f, %.0f s" % (step, loss.item(), a, time.process_time() - begin), flush=True)
            if step > steps // 2 and a >= best:
                best = a
                torch.save(net.state_dict(), out)
    if best < 0:
        torch.save(net.state_dict(), out)
    return net


def export(model, out):
    net = Net()
    net.load_state_dict(torch.load(model))
    net.eval()
    net.front.quick = False
    torch.onnx.export(net, torch.zeros(1, WINDOW), out, opset_version=13, input_names=["waveform"], output_names=["logits"])
    halve(out)


def halve(path):
    """Large weights as 16-bit floats with a Cast behind them: half the file; ONNX Runtime unfolds them when it loads."""
    model = onnx.load(path)
    graph, casts = model.graph, []
    for t in graph.initializer:
        a = numpy_helper.to_array(t)
        if a.dtype == np.float32 and a.size > 1000:
            name = t.name + ".half"
            casts.append(helper.make_node("Cast", [name], [t.name], to=onnx.TensorProto.FLOAT))
            t.CopyFrom(numpy_helper.from_array(a.astype(np.float16), name))
    for node in reversed(casts):
        graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, path)


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
    held = Clips(out, "val", 0, 1)
    export(os.path.join(out, "short.pt"), os.path.join(out, "short.onnx"))
    a = auc(scores(net, spectra_of(net, held)), held.label)
    print("short: auc %.2f, %d bytes" % (a, os.path.getsize(os.path.join(out, "short.onnx"))))
    return 0 if a > .9 else 1


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["train", "export", "degrade", "short"])
    p.add_argument("--data")
    p.add_argument("--model")
    p.add_argument("--out", required=True)
    p.add_argument("--steps", type=int, default=1500)
    p.add_argument("--init", help="weights to go on from")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--split", default="test")
    p.add_argument("--how", choices=sorted(HOW))
    a = p.parse_args()
    torch.set_num_threads(1)
    if a.verb == "train":
        train(a.data, a.out, a.steps, a.seed, init=a.init)
    if a.verb == "export":
        export(a.model, a.out)
    if a.verb == "degrade":
        degrade(a.data, a.split, a.how, a.out)
    return short(a.out) if a.verb == "short" else 0


if __name__ == "__main__":
    raise SystemExit(main())
