#!/usr/bin/env python3
"""Lay out the pictures that the origin detectors are trained and measured with, from clones of public repositories.

  gather_origin.py --clones DIR --patches realai128/labels.csv --photos DIR --out DATA

`--clones` holds one folder owner+name per repository (a clone, or with a bare one in repo/). Pictures are written as they are;
DATA/labels.csv says of each: path, label, source, split. Splits: train and val (same sources, no picture in both; the
choice of `--patches` where it names the picture, else by hash), held (sources and generators never trained on: no choice is
made on them). docs/origin.md has the sources with commits and terms.
"""
import argparse, csv, fnmatch, hashlib, os, subprocess

# clone, source, label, split ("" = train or val), patterns of paths
SOURCES = [
    ('EvoLinkAI+awesome-gpt-image-2-prompts', 'gptimage', 'artificial', '', ['images/*']),
    ('saahil1801+Real-vs-AI-Art-VIT-Transformer-Classifier', 'aiart', 'artificial', '', ['archive-2/AiArtData/*']),
    ('saahil1801+Real-vs-AI-Art-VIT-Transformer-Classifier', 'realart', 'human', '', ['archive-2/RealArt/*']),
    ('SupaGruen+StableDiffusion-CheatSheet', 'sdcheat', 'artificial', '', ['img/*.webp']),
    ('EliSchwartz+imagenet-sample-images', 'imagenet', 'human', '', ['*.JPEG']),
    ('lightly-ai+coco128_yolo', 'coco', 'human', '', ['images/train2017/*']),
    ('Obmutescence+COCO-MINI', 'cocomini', 'human', '', ['*']),
    ('BernieChen96+ImageClassification', 'voc', 'human', '', ['*']),
    ('BIDS+BSDS500', 'bsds', 'human', 'held', ['BSDS500/data/images/*']),
    ('jamez-bondos+awesome-gpt4o-images', 'gpt4o', 'artificial', 'held', ['cases/*', 'gpt-image-1/examples/*']),
    ('PicoTrex+Awesome-Nano-Banana-images', 'gemini', 'artificial', 'held', ['*/output*']),
    ('Kwai-Kolors+Kolors', 'kolors', 'artificial', 'held', ['controlnet/outputs/*', 'scripts/outputs/*']),
    ('Tencent+HunyuanDiT', 'hunyuan', 'artificial', 'held', ['ipadapter/asset/output/*', 'controlnet/asset/output/*']),
    ('facebookresearch+DiT', 'dit', 'artificial', 'held', ['visuals/*']),
]
ENDINGS = ('.jpg', '.jpeg', '.png', '.webp')
LEAST = 128          # pixels of the shorter side
VAL_PER_CENT = 12    # of what --patches does not name
MOST = {'voc': 1600} # the first by hash
PHOTOS_LEFT_OUT = ('n0*', 'page*', 'text*', '*_ir*')  # ImageNet is trained on; no photographs of a lens

def part(text, n=100):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % n

def pictures(clone, patterns):
    """(path, bytes) of a clone; what a shallow store lacks is passed over."""
    git = ['git', '-C', clone]
    lines = subprocess.run(git + ['-c', 'core.quotepath=off', 'ls-tree', '-r', 'HEAD'], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    cat = subprocess.Popen(git + ['cat-file', '--batch'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for line in lines:
        head, path = line.split('\t', 1)
        if not path.lower().endswith(ENDINGS) or not any(fnmatch.fnmatch(path, p) for p in patterns):
            continue
        cat.stdin.write((head.split()[2] + '\n').encode())
        cat.stdin.flush()
        answer = cat.stdout.readline().split()
        if len(answer) == 3:
            data = cat.stdout.read(int(answer[2]))
            cat.stdout.read(1)
            yield path, data

def size_of(path):
    from PIL import Image
    try:
        with Image.open(path) as im:
            im.load()
            return min(im.size)
    except Exception:
        return 0

def main():
    p = argparse.ArgumentParser()
    for name in ('--clones', '--patches', '--photos', '--out'):
        p.add_argument(name, required=True)
    args = p.parse_args()
    with open(args.patches, newline='') as f:
        named = {(r['source'], r['image']): r['split'] for r in csv.DictReader(f)}
    rows = []

    def keep(source, label, split, name, data):
        ending = os.path.splitext(name)[1].lower()
        path = f'{source}/{hashlib.sha256(data).hexdigest()[:16]}{ending}'
        full = os.path.join(args.out, path)
        if os.path.exists(full):
            return  # the same picture twice
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'wb') as f:
            f.write(data)
        if size_of(full) < LEAST or (source == 'voc' and size_of(full) < 256):
            os.remove(full)
            return
        rows.append((path, label, source, split))

    for clone, source, label, split, patterns in SOURCES:
        at = os.path.join(args.clones, clone)
        at = os.path.join(at, 'repo') if os.path.isdir(os.path.join(at, 'repo')) else at
        found = sorted(pictures(at, patterns), key=lambda x: hashlib.sha256(x[1]).hexdigest())
        if source == 'voc':
            found = [x for x in found if len(x[1]) > 20000]
        for path, data in found[:MOST.get(source)]:
            own = named.get((source, path)) or ('val' if part(hashlib.sha256(data).hexdigest()) < VAL_PER_CENT else 'train')
            keep(source, label, split or own, path, data)
    for name in sorted(os.listdir(args.photos)):
        if name.lower().endswith(ENDINGS) and not any(fnmatch.fnmatch(name, p) for p in PHOTOS_LEFT_OUT):
            with open(os.path.join(args.photos, name), 'rb') as f:
                keep('photos', 'human', 'held', name, f.read())
    with open(os.path.join(args.out, 'labels.csv'), 'w', newline='') as f:
        out = csv.writer(f)
        out.writerow(['path', 'label', 'source', 'split'])
        out.writerows(sorted(rows))

if __name__ == '__main__':
    main()
