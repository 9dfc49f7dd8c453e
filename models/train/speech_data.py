"""Gathers the clips that train_speech.py learns from and is measured on: mono WAV of 16 kHz and a labels.csv.

    speech_data.py gather --archive DIR --sources DIR --out DIR [--seed 1]

--archive  a folder with labels.csv (path, label, system, origin, split) and clips: human speech and the vocoders that
           copied it. Its split is kept.
--sources  checkouts of public repositories, any of them may be missing; see SOURCES for repository, licence and use.

Made here: espeak-ng and flite speaking, and Griffin-Lim copies of human training clips. Splits are by speaker and by system:
"train" and "val" share systems but no speaker of LibriSpeech and no voice of Tortoise, "test" has systems and speakers that
neither has. Nothing of it may be committed: it is other people's work.
"""
import argparse
import csv
import hashlib
import os
import random
import subprocess
import wave

import numpy as np

RATE = 16000
LONGEST = 8  # seconds of one clip

# folder under --sources, repository, licence, what for
SOURCES = [
    ("libri", "resemble-ai/Resemblyzer@15d828e: audio_data (LibriSpeech)", "CC-BY-4.0", "human: train, val; test-other: test"),
    ("kerstin", "rhasspy/dataset-voice-kerstin@f731271: audio", "CC0", "human, German, one speaker: train"),
    ("fsdd", "Jakobovski/free-spoken-digit-dataset@26eb9aa: recordings", "CC-BY-SA-4.0", "human, 8 kHz, six speakers: train, val"),
    ("tortoise", "neonbjb/tortoise-tts@8a2563e: examples", "Apache-2.0", "artificial, 20 voices: train, val"),
    ("sherpa", "k2-fsa/sherpa@6e00e3b: docs/source/_static", "Apache-2.0", "artificial, Kokoro, Piper, Matcha, VITS: test"),
    ("style", "styletts2/styletts2.github.io@e99501c: wavs", "none stated", "both, ten systems: test, never trained on"),
]

SENTENCES = """The meeting was moved to Thursday because the trains are late again.
Please call me back as soon as you have read the letter from the bank.
A small boat left the harbour before sunrise and nobody saw it return.
Your order of two hundred and forty euros will be delivered next Monday.
She opened the window, looked at the garden and closed the book.
There is no reason to believe that the weather will change this week.
The quick brown fox jumps over the lazy dog while the cat sleeps.
When the sunlight strikes raindrops in the air they act as a prism and form a rainbow.
He had never seen such a large crowd in the old market square.
The doctor said that the results were good and that we should not worry.
Could you tell me how to get to the station from here, please?
In the second half of the century the price of paper fell sharply.
This message is for the owner of the blue car in front of the gate.
We measured the temperature every hour and wrote it into a table.
My grandfather built this house with his own hands in nineteen fifty two.
Nothing in the report explains why the engine stopped at that height.
The children were singing a song which I had not heard for years.
If you want to speak to a member of our team, press one now.
Three of the seven witnesses could not remember the colour of the door.
Good evening, ladies and gentlemen, and welcome to the programme.""".splitlines()

ESPEAK_VOICES = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "de", "fr-fr", "es", "it", "nl"]
ESPEAK_VARIANTS = ["", "+m1", "+m3", "+m5", "+m7", "+f1", "+f2", "+f3", "+f5", "+croak", "+whisper", "+klatt", "+klatt2", "+klatt4"]
FLITE_VOICES = ["kal", "kal16", "awb", "rms", "slt"]


def decode(path, filters=None):
    """Mono float of 16 kHz; libav does what the program does."""
    cmd = ["ffmpeg", "-v", "quiet", "-i", path, "-vn", "-ac", "1", "-ar", str(RATE), "-t", str(LONGEST)]
    raw = subprocess.run(cmd + ["-f", "s16le", "-"], stdout=subprocess.PIPE, check=False).stdout
    return np.frombuffer(raw, np.int16).astype(np.float32) / 32768


def write_wav(path, x):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with wave.open(path, "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(RATE)
        f.writeframes((np.clip(x, -1, 1) * 32767).astype(np.int16).tobytes())


def read_wav(path):
    with wave.open(path, "rb") as f:
        return np.frombuffer(f.readframes(f.getnframes()), np.int16).astype(np.float32) / 32768


def share(name, parts=100):
    """The same name falls into the same part on every machine."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % parts


# ---- copies without a phase, as the simplest vocoder makes them ----

def stft(x, n=1024, hop=256):
    w = np.hanning(n + 1)[:n]
    frames = 1 + max(0, len(x) - n) // hop
    idx = np.arange(n)[None] + hop * np.arange(frames)[:, None]
    return np.fft.rfft(x[idx] * w, axis=1)


def istft(s, n=1024, hop=256):
    w = np.hanning(n + 1)[:n]
    y, norm = np.zeros(n + hop * (len(s) - 1)), np.zeros(n + hop * (len(s) - 1))
    for i, frame in enumerate(np.fft.irfft(s, n, axis=1)):
        y[i * hop:i * hop + n] += frame * w
        norm[i * hop:i * hop + n] += w * w
    return y / np.maximum(norm, 1e-3)


def mel_bank(n_fft, bands, low=0.0, high=8000.0):
    to_mel, from_mel = (lambda f: 2595 * np.log10(1 + f / 700)), (lambda m: 700 * (10 ** (m / 2595) - 1))
    edges = from_mel(np.linspace(to_mel(low), to_mel(high), bands + 2))
    f = np.arange(n_fft // 2 + 1) * RATE / n_fft
    up = (f[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - f[None]) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))


def griffin_lim(x, rng, through_mel):
    magnitude = np.abs(stft(x))
    if through_mel:
        bank = mel_bank(1024, 80)
        magnitude = np.maximum(0, (magnitude @ bank.T) @ np.linalg.pinv(bank).T)
    s = magnitude * np.exp(2j * np.pi * rng.random(magnitude.shape))
    for _ in range(30):
        s = stft(istft(s))
        s = magnitude[:len(s)] * np.exp(1j * np.angle(s))
    return istft(s)


# ---- rows: (label, system, speaker, split, sound) ----

def archive_rows(folder):
    for row in csv.DictReader(open(os.path.join(folder, "labels.csv"))):
        speaker = os.path.basename(row["origin"]).split("-")[0] if row["system"] == "librispeech" else row["system"]
        yield row["label"], row["system"], speaker, row["split"], decode(os.path.join(folder, row["path"]))


def files(folder, endings=(".wav", ".flac", ".mp3", ".webm", ".ogg")):
    for base, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(endings):
                yield os.path.join(base, name)


def libri_rows(folder, known):
    for path in files(folder):
        speaker = os.path.basename(path).split("-")[0]
        if "librispeech_train" in path and speaker not in known:
            yield "human", "librispeech", speaker, "val" if share(speaker) < 25 else "train", decode(path)
        if "librispeech_test" in path:
            yield "human", "librispeech-other", speaker, "test", decode(path)


def kerstin_rows(folder):
    for path in list(files(folder))[::9]:
        yield "human", "kerstin", "kerstin", "train", decode(path)


def fsdd_rows(folder):
    """Digits are too short alone: ten of one speaker make a clip."""
    by_speaker = {}
    for path in files(folder):
        by_speaker.setdefault(os.path.basename(path).split("_")[1], []).append(path)
    rng = random.Random(3)
    for k, (speaker, paths) in enumerate(sorted(by_speaker.items())):
        rng.shuffle(paths)
        for i in range(0, 120, 8):
            x = np.concatenate([decode(p) for p in paths[i:i + 8]])
            yield "human", "fsdd", speaker, "val" if k >= 4 else "train", x


def tortoise_rows(folder):
    for path in files(folder):
        if "naturalspeech" in path or "tacotron2.mp3" in path:
            continue
        voice = os.path.splitext(os.path.basename(path))[0].replace("_train", "").replace("train_", "")
        yield "artificial", "tortoise", voice, "val" if share("voice " + voice) < 30 else "train", decode(path)


def sherpa_rows(folder):
    skip = ("audio-tagging", "speech-enhancement", "sense-voice", "riscv")
    for path in files(folder):
        if any(s in path for s in skip):
            continue
        system = path.split("_static/")[1].split("/")[0]
        yield "artificial", "sherpa:" + system, system, "test", decode(path)


def style_rows(folder):
    for path in files(folder):
        parts = os.path.relpath(path, folder).split(os.sep)[:-1]
        parts = parts[1:] if parts[0] == "wavs" else parts
        name = parts[-1]
        human = name in ("GT", "Ref")
        if name in ("VITS", "StyleTTS2", "VallE", "YourTTS", "StyleTTS", "JETS", "NaturalSpeech", "NaturalSpeech2", "FastDiff") or human:
            yield "human" if human else "artificial", "demo:" + ("human-" + parts[0] if human else name), parts[0], "test", decode(path)


def spoken(cmd, out):
    subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return decode(out) if os.path.exists(out) else np.zeros(0, np.float32)


def engine_rows(rng, tmp, n_espeak, n_flite):
    for _ in range(n_espeak):
        text, variant = " ".join(rng.sample(SENTENCES, 2)), rng.choice(ESPEAK_VARIANTS)
        x = spoken(["espeak-ng", "-v", rng.choice(ESPEAK_VOICES) + variant, "-s", str(rng.randint(110, 230)), "-p",
                    str(rng.randint(15, 85)), "-w", tmp, text], tmp)
        yield "artificial", "espeak-ng", "espeak" + variant, "val" if variant in ("+m5", "+f3", "+klatt2") else "train", x
    for _ in range(n_flite):
        voice = rng.choice(FLITE_VOICES)
        x = spoken(["flite", "-voice", voice, "--setf", "duration_stretch=%.2f" % rng.uniform(.75, 1.4), "--setf",
                    "int_f0_target_mean=%d" % rng.randint(80, 220), "-t", " ".join(rng.sample(SENTENCES, 2)), "-o", tmp], tmp)
        yield "artificial", "flite", "flite-" + voice, "val" if voice == "awb" else "train", x


def copied_rows(rows, rng, n):
    np_rng = np.random.default_rng(rng.randint(0, 1 << 30))
    for split, count in (("train", n), ("val", n // 4)):
        humans = [r for r in rows if r[0] == "human" and r[3] == split]
        for r in rng.sample(humans, min(count, len(humans))):
            if len(r[4]) > 2048:
                yield "artificial", "griffin-lim", r[2], split, griffin_lim(r[4][:4 * RATE], np_rng, rng.random() < .6)


def gather(args):
    rng, rows = random.Random(args.seed), list(archive_rows(args.archive))
    known = {r[2] for r in rows if r[1] == "librispeech"}
    for name, make in (("libri", lambda d: libri_rows(d, known)), ("kerstin", kerstin_rows), ("fsdd", fsdd_rows),
                       ("tortoise", tortoise_rows), ("sherpa", sherpa_rows), ("style", style_rows)):
        folder = os.path.join(args.sources, name)
        rows += list(make(folder)) if os.path.isdir(folder) else []
        print(name, len(rows), flush=True)
    os.makedirs(args.out, exist_ok=True)
    rows += list(engine_rows(rng, os.path.join(args.out, "spoken.wav"), 320, 160))
    rows += list(copied_rows(rows, rng, 150))
    with open(os.path.join(args.out, "labels.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["path", "label", "system", "speaker", "split"])
        for i, (label, system, speaker, split, x) in enumerate(rows):
            if len(x) < RATE:
                continue
            path = "%s/%04d.wav" % (split, i)
            write_wav(os.path.join(args.out, path), x)
            out.writerow([path, label, system, speaker, split])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["gather"])
    p.add_argument("--archive", required=True)
    p.add_argument("--sources", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    gather(p.parse_args())


if __name__ == "__main__":
    main()
