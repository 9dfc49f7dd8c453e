"""Gathers the clips that train_speech.py learns from and is measured on: mono WAV of 16 kHz and a labels.csv.

    speech_data.py gather --archive DIR --sources DIR --out DIR [--npm DIR] [--before DIR] [--seed 1]

--archive  a folder with labels.csv (path, label, system, origin, split) and clips: human speech and the vocoders that
           copied it. Its split is kept, its "val" becomes "known".
--sources  checkouts of public repositories, any of them may be missing; see SOURCES for repository, licence and use.
--npm      a node_modules with sam-js and @echogarden/gnuspeech-wasm; without it those two engines are missing.
--before   an earlier --out, of the version before this one: its clips of the archive, of SOURCES' first six rows, of espeak-ng, flite
           and Griffin-Lim are taken over instead of being made again. It was given for the weights that ship.

Made here: espeak-ng, flite, festival, SAM and Gnuspeech speaking, and copies of human training clips: Griffin-Lim, mel
spectra unfolded onto the clip's own phase, and a mel-cepstral source-filter vocoder (Debian's sptk). What is missing is left out.

The splits:
  train  learned from
  val    systems and speakers that train has not: everything is chosen by it
  known  systems of train, other speakers and voices
  test   held out since the first model: systems and speakers that train has not, but for LJSpeech and VCTK
  fresh  held out since this one: more such systems, speakers, rooms and telephones
A human clip of train or val that is also in test or fresh is dropped. Nothing may be committed: it is other people's work.
"""
import argparse
import csv
import hashlib
import multiprocessing
import os
import random
import re
import subprocess
import tempfile
import wave

import numpy as np

RATE = 16000
LONGEST = 8  # seconds of one clip
PROCESSES = 3

# folder under --sources, repository, licence, what for
NONE = "none stated"
SOURCES = [
    ("libri", "resemble-ai/Resemblyzer@15d828e: audio_data (LibriSpeech)", "CC-BY-4.0", "human: train, val; test-other: test"),
    ("kerstin", "rhasspy/dataset-voice-kerstin@f731271: audio", "CC0", "human, German, one speaker: train"),
    ("fsdd", "Jakobovski/free-spoken-digit-dataset@26eb9aa: recordings", "CC-BY-SA-4.0", "human, 8 kHz, six speakers: train, val"),
    ("tortoise", "neonbjb/tortoise-tts@8a2563e: examples", "Apache-2.0", "artificial, 20 voices: train, val"),
    ("sherpa", "k2-fsa/sherpa@6e00e3b: docs/source/_static", "Apache-2.0", "artificial, Kokoro, Piper, Matcha, VITS: test"),
    ("style", "styletts2/styletts2.github.io@e99501c: wavs", NONE, "both, ten systems: test, never trained on"),
    ("nathalie", "rhasspy/dataset-voice-nathalie@3b3e91f: audio", "CC0", "human, Dutch, one speaker: train"),
    ("precise", "MycroftAI/Precise-Community-Data@4854e39", "public domain, each file's in licenses/", "human, volunteers' rooms: train"),
    ("ljtest", "coqui-ai/TTS@dbf1a08: tests/data/ljspeech", "MPL-2.0; LJSpeech is public domain", "human: train"),
    ("stargan", "yl4579/StarGANv2-VC@985df55: Demo", "MIT; VCTK is CC-BY-4.0", "human, nine speakers: train"),
    ("bigvgan", "bigvgan-demo/bigvgan-demo.github.io@dc50ca0: samples", NONE, "both, six vocoders and their originals: train"),
    ("r9y9", "r9y9/r9y9.github.io@c562d42: audio", NONE, "both: train; NANSY-TTS, PromptTTS++ and their originals: val"),
    ("larynx", "rhasspy/larynx@3a2ee55: local", "MIT, voices by their own terms", "artificial, 50 voices, nine languages: train"),
    ("fastspeech2", "ming024/FastSpeech2@d4e79eb: demo", "MIT", "artificial: train"),
    ("fastspeech", "xcmyz/FastSpeech@1e1a61b: sample", "MIT", "artificial: train"),
    ("stylespeech", "keonlee9420/StyleSpeech@d11cb07: demo", "MIT", "artificial: train"),
    ("transtts", "keonlee9420/Comprehensive-Transformer-TTS@dca252c: demo", "MIT", "artificial: train"),
    ("gelp", "ljuvela/GELP@6d1084a: demopage", "Apache-2.0; the speaker is Blizzard 2011's", "both: val"),
    ("diffwave", "diffwave-demo/diffwave-demo.github.io@70f24e0: samples", NONE, "both: val"),
    ("diffgan", "keonlee9420/DiffGAN-TTS@bd312c3: demo", "MIT", "artificial: val"),
    ("porta", "keonlee9420/PortaSpeech@51bd827: demo", "MIT", "artificial: val"),
    ("glowtts", "jaywalnut310/glow-tts-demo@419cf84: wavs", NONE, "both: val"),
    ("autovc", "auspicious3000/autovc@c1827a6: wavs", "MIT; VCTK is CC-BY-4.0", "human, four speakers: val"),
    ("gradtts", "grad-tts/grad-tts.github.io@4aff45a: assets", NONE, "artificial: fresh"),
    ("wavegrad", "wavegrad/wavegrad.github.io@b255a0e", NONE, "both, WaveGrad 1 and 2, SpecGrad, PriorGrad: fresh"),
    ("ivwavegrad", "ivanvovk/WaveGrad@721c37c: generated_samples", "BSD-3-Clause", "artificial: fresh"),
    ("univnet", "mindslab-ai/univnet@9bb2b54: docs", "BSD-3-Clause; LibriTTS is CC-BY-4.0", "both: fresh"),
    ("deepvoice3", "r9y9/deepvoice3_pytorch@f90255c: docs", "MIT", "artificial: fresh"),
    ("nsf", "nii-yamagishilab/project-NN-Pytorch-scripts@112ec0f: project", "BSD-3-Clause", "artificial: fresh"),
    ("hierspeech", "sh-lee-prml/HierSpeechpp@318c633: results", "MIT", "artificial: fresh"),
    ("emodb", "sylaschacko/voice-emotion-analysis@4b0f64c: wav (EmoDB)", NONE, "human, German, ten actors: fresh, never trained on"),
    ("korean", "deeplyinc/Korean-Read-Speech-Corpus@1c9cdb8: dataset", "CC-BY-NC-ND-4.0",
     "human, two speakers, telephones in three rooms: fresh, never trained on"),
    ("voxserv", "voxserv/audio_quality_testing_samples@bbc4841: mono_44100", "CC-BY-3.0", "human: fresh"),
]

# folder, pattern of the path (its first group names system or speaker), label, system, split, every how many-th file
RULES = [
    ("nathalie", r"audio/.*", "human", "nathalie", "train", 9),
    ("ljtest", r"tests/.*/(LJ)\d+-\d+\.wav", "human", "LJSpeech", "train", 1),
    ("stargan", r".*/(p(?!228)\d+)/.*", "human", "VCTK", "train", 1),
    ("bigvgan", r"samples/gt/((?:celeb|korean|lt|media|noisy).*)\.wav", "human", "bigvgan-page", "train", 1),
    ("bigvgan", r"samples/(bigvgan|bigvgan-base|bighifigan|hifigan|hifigan_mrd|mrd_snake|sc-wavernn)/(?:celeb|korean|lt|media|noisy).*",
     "artificial", "page:%s", "train", 1),
    ("r9y9", r"audio/icassp2020/.*Ground truth\.wav", "human", "pwg-page", "train", 1),
    ("r9y9", r"audio/icassp2020/.*-\d-(?!Ground)([\w-]+).*", "artificial", "pwg:%s", "train", 1),
    ("r9y9", r"audio/interspeech2019/.*Ground truth\.wav", "human", "wavenet-page", "train", 1),
    ("r9y9", r"audio/interspeech2019/.*-\d-(Teacher|Student).*", "artificial", "wavenet:%s", "train", 1),
    ("r9y9", r"audio/icassp2021-pwg-vuvd/[FM]\d/.*Ground truth\.wav", "human", "vuvd-page", "train", 1),
    ("r9y9", r"audio/icassp2021-pwg-vuvd/[FM]\d/.*-(S\d)-.*", "artificial", "vuvd:%s", "train", 1),
    ("r9y9", r"audio/icassp2021-pwg-vuvd/bonus/(\w+)/.*Recording\.wav", "human", "arctic", "train", 1),
    ("r9y9", r"audio/icassp2021-pwg-vuvd/bonus/\w+/.*(gen)-PWG.*", "artificial", "vuvd:bonus", "train", 1),
    ("r9y9", r"audio/va-pwg/(..)/.*Recording\.wav", "human", "va-pwg-page", "train", 1),
    ("r9y9", r"audio/va-pwg/.*-(S\d)-.*", "artificial", "va-pwg:%s", "train", 1),
    ("r9y9", r"audio/(slt|nit-atr503)/.*", "human", "natural:%s", "train", 1),
    ("r9y9", r"audio/(gantts|jp-gantts|ganvc/gan|ganvc/baseline|jp-0.-tts|hts_nit_atr503_2mix)/.*", "artificial", "merlin:%s", "train", 1),
    ("r9y9", r"audio/ganvc/(src|tgt)/.*", "human", "ganvc", "train", 1),
    ("r9y9", r"audio/(tacotron2?)/.*", "artificial", "page:%s", "train", 2),
    ("r9y9", r"audio/wavenet_vocoder/.*_(predicted)\.wav", "artificial", "page:wavenet-mol", "train", 1),
    ("r9y9", r"audio/wavenet_vocoder/.*_(target)\.wav", "human", "wavenet-mol-page", "train", 1),
    ("r9y9", r"audio/nansyttspp/(?:en|ja)/Reference/(.*)\.wav", "human", "nansy-page", "val", 1),
    ("r9y9", r"audio/nansyttspp/(?:en|ja)(?:_style_control)?/(?!Ref)(..-\w+).*", "artificial", "nansy:%s", "val", 1),
    ("larynx", r"local/.*/([\w-]+)-glow_tts/samples/.*", "artificial", "larynx", "train", 1),
    ("fastspeech2", r"demo/(\w+)/.*_synthesized\.wav", "artificial", "fastspeech2:%s", "train", 1),
    ("fastspeech", r"sample/.*", "artificial", "fastspeech", "train", 1),
    ("stylespeech", r"demo/LibriTTS/results/.*", "artificial", "stylespeech", "train", 1),
    ("transtts", r"demo/(LJ|VCTK).*", "artificial", "transtts:%s", "train", 1),
    ("gelp", r"demopage/audio/copysyn/ref/.*", "human", "nancy", "val", 2),
    ("gelp", r"demopage/audio/\w+/(proposed|wavenet|griffin)/.*", "artificial", "gelp:%s", "val", 4),
    ("diffwave", r"samples/ljspeech-ground-truth/.*", "human", "diffwave-page", "val", 1),
    ("diffwave", r"samples/ljspeech-(?!ground)([a-z]+).*", "artificial", "diffwave:%s", "val", 1),
    ("diffgan", r"demo/(LJ|VCTK).*", "artificial", "diffgan:%s", "val", 1),
    ("porta", r"demo/.*/(normal|small)/.*", "artificial", "portaspeech:%s", "val", 1),
    ("glowtts", r"wavs/l[bj]_.._gt\.wav", "human", "glowtts-page", "val", 1),
    ("glowtts", r"wavs/.*_(taco|wg)\.wav", "artificial", "glowtts:%s", "val", 1),
    ("glowtts", r"wavs/(?:.*_ours.*|re_.*|sd_.*|dp_.*|.*_generated_e2e)\.wav", "artificial", "glowtts", "val", 2),
    ("autovc", r"wavs/(p\d+)/.*", "human", "VCTK-val", "val", 1),
    ("gradtts", r"assets/mos/.._(fastspeech|glow-tts|taco2)\.wav", "artificial", "gradtts:%s", "fresh", 1),
    ("gradtts", r"assets/(?:mos/.._grad|gen|e2e|temp).*", "artificial", "gradtts", "fresh", 1),
    ("wavegrad", r"v2/wavs/(?:C|specaug).*", "artificial", "wavegrad2", "fresh", 1),
    ("wavegrad", r"wavs2?/[CD]\d+_\d\.wav", "artificial", "wavegrad", "fresh", 2),
    ("wavegrad", r"specgrad/data/\d+_(pg|sg|wg)_output\.wav", "artificial", "specgrad:%s", "fresh", 1),
    ("wavegrad", r"specgrad/data/\d+_gt\.wav", "human", "specgrad-page", "fresh", 1),
    ("ivwavegrad", r"generated_samples/.*", "artificial", "wavegrad-vovk", "fresh", 1),
    ("univnet", r"docs/samples/\w+/(c16|c32|official_c16|official_c32)/.*", "artificial", "univnet:%s", "fresh", 1),
    ("univnet", r"docs/samples/\w+/ground_truth/(\d+)_.*", "human", "univnet-page", "fresh", 1),
    ("deepvoice3", r"docs/static/audio/(\w+)/.*", "artificial", "page:%s", "fresh", 1),
    ("nsf", r"project/01-nsf/([\w-]+)/.*(?:arctic|long).*", "artificial", "nsf:%s", "fresh", 1),
    ("hierspeech", r"results/.*", "artificial", "hierspeech", "fresh", 1),
    ("emodb", r"wav/(\d\d).*", "human", "emodb", "fresh", 5),
    ("korean", r"dataset/(\w+)/.*", "human", "korean:%s", "fresh", 20),
    ("voxserv", r"mono_44100/(127389|165187|167554).*", "human", "freesound", "fresh", 1),
]
PRECISE = ("athena/en", "computer/en", "heycomputer/es", "not-wake-words/es")  # others are partly made by machines, or may be

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
FESTIVAL_VOICES = [("kal_diphone", "train"), ("ked_diphone", "train"), ("cmu_us_slt_arctic_hts", "train"),
                   ("lp_diphone", "train"), ("pc_diphone", "train"), ("upc_ca_ona_hts", "val"), ("czech_dita", "fresh"), ("czech_krb", "fresh"), ("czech_machac", "fresh"),
                   ("czech_ph", "fresh"), ("msu_ru_nsh_clunits", "fresh"), ("suo_fi_lj_diphone", "fresh"), ("hy_fi_mv_diphone", "fresh")]
SPTK = "/usr/libexec/sptk/bin/"
SAM = """const S=require('sam-js'),fs=require('fs'),[,out,text,pitch,speed,mouth,throat]=process.argv;
const b=new S({pitch:+pitch,speed:+speed,mouth:+mouth,throat:+throat}).buf8(text),h=Buffer.alloc(44);h.write('RIFF',0);
h.writeUInt32LE(36+b.length,4);h.write('WAVEfmt ',8);h.writeUInt32LE(16,16);h.writeUInt16LE(1,20);h.writeUInt16LE(1,22);
h.writeUInt32LE(22050,24);h.writeUInt32LE(22050,28);h.writeUInt16LE(1,32);h.writeUInt16LE(8,34);h.write('data',36);
h.writeUInt32LE(b.length,40);fs.writeFileSync(out,Buffer.concat([h,Buffer.from(b)]))"""
GNUSPEECH = """const [,out,text,voice,tempo]=process.argv;import('@echogarden/gnuspeech-wasm').then(async g=>{
const r=await g.synthesize(text,{voice,tempo:+tempo});require('fs').writeFileSync(out,r.audioData)})"""


def decode(path, filters=None):
    """Mono float of 16 kHz; libav does what the program does."""
    cmd = ["ffmpeg", "-v", "quiet", "-i", path, "-vn", "-ac", "1", "-ar", str(RATE), "-t", str(LONGEST)]
    raw = subprocess.run(cmd + ["-f", "s16le", "-"], stdout=subprocess.PIPE, check=False).stdout
    return np.frombuffer(raw, np.int16).astype(np.float32) / 32768


def decode_many(paths):
    """Like decode, one process for all; to start one for each takes longer than the work."""
    with tempfile.TemporaryDirectory() as tmp:
        cmd, outs = ["ffmpeg", "-nostdin", "-v", "quiet"], [os.path.join(tmp, str(i)) for i in range(len(paths))]
        for p in paths:
            cmd += ["-i", p]
        for i, o in enumerate(outs):
            cmd += ["-map", "%d:a:0" % i, "-ac", "1", "-ar", str(RATE), "-t", str(LONGEST), "-f", "s16le", o]
        if subprocess.run(cmd, check=False).returncode:
            return [decode(p) for p in paths]
        return [np.fromfile(o, np.int16).astype(np.float32) / 32768 for o in outs]


def decode_all(paths):
    with multiprocessing.Pool(PROCESSES) as pool:
        return [x for many in pool.imap(decode_many, [paths[i:i + 30] for i in range(0, len(paths), 30)]) for x in many]


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
    return y / np.maximum(norm, .05)  # the ends, which few windows reach, must not stand out


def mel_bank(n_fft, bands, low=0.0, high=8000.0, linear=False):
    to_mel, from_mel = (lambda f: 2595 * np.log10(1 + f / 700)), (lambda m: 700 * (10 ** (m / 2595) - 1))
    edges = np.linspace(low, high, bands + 2) if linear else from_mel(np.linspace(to_mel(low), to_mel(high), bands + 2))
    f = np.arange(n_fft // 2 + 1) * RATE / n_fft
    up = (f[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - f[None]) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down))


def griffin_lim(x, rng, through_mel, rounds=30, own_phase=False, bands=80, n=1024, hop=256):
    """Its magnitudes with a phase that was made up; with own_phase only the blur of the mel bands and some rounds change it."""
    before = stft(x, n, hop)
    magnitude = np.abs(before)
    if through_mel:
        bank = mel_bank(n, bands)
        magnitude = np.maximum(0, (magnitude @ bank.T) @ np.linalg.pinv(bank).T)
    s = magnitude * np.exp(1j * (np.angle(before) if own_phase else 2 * np.pi * rng.random(magnitude.shape)))
    for _ in range(rounds):
        s = stft(istft(s, n, hop), n, hop)
        s = magnitude[:len(s)] * np.exp(1j * np.angle(s))
    return istft(s, n, hop)


def any_griffin_lim(x, rng):
    n, hop = [(1024, 256), (800, 200), (1024, 200), (2048, 300), (512, 128)][rng.integers(5)]
    return griffin_lim(x, rng, rng.random() < .7, int(rng.integers(5, 30)), bands=int(rng.choice([80, 100, 128])), n=n, hop=hop)


def own_phase(x, rng):
    n, hop = [(1024, 256), (800, 200), (2048, 300)][rng.integers(3)]
    return griffin_lim(x, rng, True, int(rng.integers(0, 4)), True, int(rng.choice([60, 80, 100])), n, hop)


def source_filter(x, rng):
    """Pitch pulses or noise through a mel-cepstral filter: how statistical synthesis of the 2000s spoke."""
    order, f0 = str(rng.integers(18, 32)), str(rng.uniform(.85, 1.2))
    raw = (x * 32767).astype(np.float32).tobytes()

    def pipe(data, *commands):
        for c in commands:
            data = subprocess.run([SPTK + c[0], *c[1:]], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        return data
    pitch = pipe(raw, ["pitch", "-a", "1", "-s", "16", "-p", "80", "-L", "60", "-H", "350"], ["sopr", "-m", f0])
    mcep = pipe(raw, ["frame", "-l", "400", "-p", "80"], ["window", "-l", "400", "-L", "512"],
                ["mcep", "-l", "512", "-m", order, "-a", "0.42", "-e", "0.001"])
    pulses = pipe(pitch, ["excite", "-p", "80", *([] if rng.random() < .7 else ["-n"])])
    with tempfile.NamedTemporaryFile() as f:
        f.write(mcep)
        f.flush()
        y = np.frombuffer(pipe(pulses, ["mlsadf", "-m", order, "-a", "0.42", "-p", "80", "-P", "5", f.name]), np.float32)
    return y / (np.abs(y).max() + 1e-9) * np.abs(x).max()


# ---- rows: (label, system, speaker, split, sound) ----

def archive_rows(folder):
    for row in csv.DictReader(open(os.path.join(folder, "labels.csv"))):
        speaker = os.path.basename(row["origin"]).split("-")[0] if row["system"] == "librispeech" else row["system"]
        split = "known" if row["split"] == "val" else row["split"]
        yield row["label"], row["system"], speaker, split, decode(os.path.join(folder, row["path"]))


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


def before_rows(folder):
    """Its validation had known systems; only the speakers of LibriSpeech that train has not go on being that. Its Griffin-Lim copies
    lose their ends, which stood out."""
    for i, row in enumerate(csv.DictReader(open(os.path.join(folder, "labels.csv")))):
        x, split = read_wav(os.path.join(folder, row["path"])), row["split"]
        if split == "val" and (row["system"] != "librispeech" or int(os.path.basename(row["path"])[:4]) < 166):
            split = "known"
        yield row["label"], row["system"], row["speaker"], split, x[512:-512] if row["system"] == "griffin-lim" else x


def ruled_rows(sources):
    jobs = []
    for folder, pattern, label, system, split, nth in RULES:
        base = os.path.join(sources, folder)
        paths = [p for p in files(base) if not os.path.basename(p).startswith("._")]
        found = [(p, m) for p in paths for m in [re.fullmatch(pattern, os.path.relpath(p, base))] if m]
        for path, m in found[::nth]:
            name = m.group(1) if m.groups() else folder
            jobs.append((path, (label, system % name if "%s" in system else system, folder + " " + name, split)))
    for (_, row), x in zip(jobs, decode_all([path for path, _ in jobs])):
        yield (*row, x)


def precise_rows(folder):
    """Calls of one or two seconds: three of a kind behind each other."""
    for part in PRECISE:
        paths = list(files(os.path.join(folder, part)))
        random.Random(5).shuffle(paths)
        sounds = decode_all(paths[:150])
        for i in range(0, len(sounds) - 2, 3):
            yield "human", "precise", "precise " + part, "train", np.concatenate(sounds[i:i + 3])[:LONGEST * RATE]


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
            yield "human", "fsdd", speaker, "known" if k >= 4 else "train", x


def tortoise_rows(folder):
    for path in files(folder):
        if "naturalspeech" in path or "tacotron2.mp3" in path:
            continue
        voice = os.path.splitext(os.path.basename(path))[0].replace("_train", "").replace("train_", "")
        yield "artificial", "tortoise", voice, "known" if share("voice " + voice) < 30 else "train", decode(path)


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


def spoken(cmd, out, **where):
    if os.path.exists(out):
        os.remove(out)
    subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, **where)
    return decode(out) if os.path.exists(out) else np.zeros(0, np.float32)


def engine_rows(rng, tmp, n_espeak, n_flite):
    for _ in range(n_espeak):
        text, variant = " ".join(rng.sample(SENTENCES, 2)), rng.choice(ESPEAK_VARIANTS)
        x = spoken(["espeak-ng", "-v", rng.choice(ESPEAK_VOICES) + variant, "-s", str(rng.randint(110, 230)), "-p",
                    str(rng.randint(15, 85)), "-w", tmp, text], tmp)
        yield "artificial", "espeak-ng", "espeak" + variant, "known" if variant in ("+m5", "+f3", "+klatt2") else "train", x
    for _ in range(n_flite):
        voice = rng.choice(FLITE_VOICES)
        x = spoken(["flite", "-voice", voice, "--setf", "duration_stretch=%.2f" % rng.uniform(.75, 1.4), "--setf",
                    "int_f0_target_mean=%d" % rng.randint(80, 220), "-t", " ".join(rng.sample(SENTENCES, 2)), "-o", tmp], tmp)
        yield "artificial", "flite", "flite-" + voice, "known" if voice == "awb" else "train", x


def festival_job(job):
    voice, text, stretch = job
    with tempfile.TemporaryDirectory() as tmp:
        with open(tmp + "/text", "w") as f:
            f.write(text)
        change = "(Parameter.set 'Duration_Stretch %s)" % stretch
        return spoken(["text2wave", "-eval", "(voice_%s)" % voice, "-eval", change, tmp + "/text", "-o", tmp + "/out.wav"], tmp + "/out.wav")


def festival_rows(rng, n):
    """A voice of another language reads English its own way; what it sounds like is what matters."""
    jobs = [(v, " ".join(rng.sample(SENTENCES, 2)), "%.2f" % rng.uniform(.8, 1.3)) for v, _ in FESTIVAL_VOICES for _ in range(n)]
    with multiprocessing.Pool(PROCESSES) as pool:
        for job, x in zip(jobs, pool.imap(festival_job, jobs)):
            yield "artificial", "festival", "festival " + job[0], dict(FESTIVAL_VOICES)[job[0]], x


def npm_rows(rng, tmp, npm, n):
    def run(script, *args):
        return spoken(["node", "-e", script, "--", os.path.abspath(tmp), *args], tmp, cwd=npm, timeout=60)
    for _ in range(n):
        text = " ".join(rng.sample(SENTENCES, 2))
        knobs = [str(rng.randint(a, b)) for a, b in ((40, 110), (55, 95), (90, 180), (90, 180))]
        yield "artificial", "SAM", "sam", "val", run(SAM, text, *knobs)
        voice = rng.choice(["male", "female", "large_child", "small_child", "baby"])
        yield "artificial", "gnuspeech", voice, "fresh", run(GNUSPEECH, text, voice, "%.2f" % rng.uniform(.8, 1.3))


COPIES = [("griffin-lim", lambda x, rng: griffin_lim(x, rng, rng.random() < .6), ("train", "known")),
          ("griffin-lim-any", any_griffin_lim, ("train",)), ("own-phase", own_phase, ("train",)), ("source-filter", source_filter, ("train",))]


def copy_job(job):
    kind, x, seed = job
    return COPIES[kind][1](x, np.random.default_rng(seed)).astype(np.float32)


def copied_rows(rows, rng, n, copies):
    jobs, meta = [], []
    for kind, (name, _, splits) in enumerate(copies):
        for split in splits if name != "source-filter" or os.path.isdir(SPTK) else ():
            humans = [r for r in rows if r[0] == "human" and r[3] == split and len(r[4]) > 2048]
            for r in rng.sample(humans, min(n if split == "train" else n // 4, len(humans))):
                jobs.append((COPIES.index(copies[kind]), r[4][:4 * RATE], rng.randint(0, 1 << 30)))
                meta.append((name, r[2], split))
    with multiprocessing.Pool(PROCESSES) as pool:
        for (name, speaker, split), x in zip(meta, pool.imap(copy_job, jobs)):
            yield "artificial", name, speaker, split, x


# ---- the same recording on both sides ----

NO_PAGE = ("librispeech", "librispeech-other", "kerstin", "nathalie", "fsdd", "precise", "emodb")  # corpora that no demonstration uses


def print_of(x):
    """How loud 16 bands are, 20 times a second, each band around its mean: [time, 16]."""
    s = np.abs(stft(x, 1600, 800)) ** 2
    e = np.log(s[:, 8:648].reshape(len(s), 16, 40).sum(2) + 1e-4)
    e -= e.mean(0)
    return e / (e.std() + 1e-6)


def same(p, held, n=512):
    """The highest correlation of a print with any of held, over all shifts that leave two seconds in common."""
    def across(a, b):
        return np.fft.irfft(np.fft.rfft(a, n, axis=0) * np.conj(np.fft.rfft(b, n, axis=0)), n, axis=0)
    best = 0.
    one = np.ones(len(p))
    for h in held:
        dots, common = across(p, h).sum(1), across(one, np.ones(len(h)))
        energy = across((p ** 2).sum(1), np.ones(len(h))) * across(one, (h ** 2).sum(1))
        best = max(best, float(np.max(np.where(common > 39.5, dots / np.sqrt(np.maximum(energy, 1e-6)), 0))))
    return best


def without_doubles(rows):
    """Rows of train, val and known whose human recording is also in test or fresh are dropped."""
    prints = [print_of(r[4]) if r[0] == "human" and len(r[4]) > 2 * RATE else None for r in rows]
    held = [p for r, p in zip(rows, prints) if p is not None and r[3] in ("test", "fresh") and r[1] not in NO_PAGE]
    dropped = [i for i, (r, p) in enumerate(zip(rows, prints)) if p is not None and r[3] not in ("test", "fresh")
               and r[1] not in NO_PAGE and same(p, held) > .8]
    for i in dropped:
        print("also held out, dropped:", *rows[i][:4])
    return [r for i, r in enumerate(rows) if i not in set(dropped)]


def first_rows(args):
    rows = list(archive_rows(args.archive))
    known = {r[2] for r in rows if r[1] == "librispeech"}
    for name, make in (("libri", lambda d: libri_rows(d, known)), ("kerstin", kerstin_rows), ("fsdd", fsdd_rows),
                       ("tortoise", tortoise_rows), ("sherpa", sherpa_rows), ("style", style_rows)):
        folder = os.path.join(args.sources, name)
        rows += list(make(folder)) if os.path.isdir(folder) else []
    return rows


def gather(args):
    rng, tmp = random.Random(args.seed), os.path.join(args.out, "spoken.wav")
    os.makedirs(args.out, exist_ok=True)
    rows = list(before_rows(args.before)) if args.before else first_rows(args)
    print("first", len(rows), flush=True)
    rows = without_doubles(rows + list(precise_rows(os.path.join(args.sources, "precise"))) + list(ruled_rows(args.sources)))
    print("rules", len(rows), flush=True)
    rows += [] if args.before else list(engine_rows(rng, tmp, 320, 160))
    rows += list(festival_rows(rng, 3)) + (list(npm_rows(rng, tmp, args.npm, 8)) if args.npm else [])
    print("engines", len(rows), flush=True)
    rows += list(copied_rows(rows, rng, 70, COPIES[1:] if args.before else COPIES))
    with open(os.path.join(args.out, "labels.csv"), "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["path", "label", "system", "speaker", "split"])
        for i, (label, system, speaker, split, x) in enumerate(rows):
            if len(x) < RATE:
                continue
            path = "%s/%04d.wav" % (split, i)
            write_wav(os.path.join(args.out, path), x)
            out.writerow([path, label, system.replace(",", ";"), speaker.replace(",", ";"), split])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=["gather"])
    p.add_argument("--archive", required=True)
    p.add_argument("--sources", required=True)
    p.add_argument("--npm")
    p.add_argument("--before")
    p.add_argument("--out", required=True)
    p.add_argument("--seed", type=int, default=1)
    gather(p.parse_args())


if __name__ == "__main__":
    main()
