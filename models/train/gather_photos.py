#!/usr/bin/env python3
"""Takes the photographs that photos.json names out of clones of public repositories, for training without labels.

  gather_photos.py extract  --clones DIR --out DIR [--held held.csv] [MANIFEST]     from photos.json to a folder of JPEG files
  gather_photos.py rest     --clones DIR --photos DIR --out DIR [--held held.csv]   pictures of the same sources that extract did not take
  gather_photos.py held     --out held.csv FOLDER ...                               hashes of pictures that must not be learned from
  gather_photos.py settle   --out DIR MANIFEST ... > photos.json                    the manifest with what was really taken

--clones has one clone per source, as OWNER+NAME, bare or not. Of each source at most `most` pictures are taken, in an order that depends on
its name only; copies that a tool for augmentation made (names with `.rf.`) count once. Pictures are shrunk to 480 pixels; near copies of
others and of held-out pictures (difference hash) and small ones are left out. DIR/OWNER+NAME/index.csv tells which file is which picture:
name, path in the source, SHA-256 there, hash. A source that has its index is done. `rest` takes one picture for 25 that extract took from
the far end of the same order, so that no training with the same sources has seen them, also one whose near copies fell otherwise. `settle` adds `kept` and `sha256`, the hash of the
hashes in the index, to each source of the manifest.
"""
import argparse
import csv
import glob
import hashlib
import json
import os
import random
import subprocess
import sys

import cv2
import numpy as np

from clones import Clone

HERE = os.path.dirname(os.path.abspath(__file__))
SIDE, LEAST, QUALITY = 480, 160, 88
BYTES = range(4_000, 5_000_000)
PICTURES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')
VIDEOS = ('.mp4', '.avi', '.mkv', '.mov', '.webm', '.gif')


def difference_hash(picture):
    """64 bits: is a pixel of the picture, shrunk to 9 by 8, brighter than the one on its left?"""
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    bits = (grey[:, 1:] > grey[:, :-1]).ravel()
    return int(''.join('01'[int(b)] for b in bits), 2)


class Near:
    """Finds hashes that differ in at most 4 bits: then one of five pieces is equal."""
    pieces = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))

    def __init__(self):
        self.tables = [{} for _ in self.pieces]

    def slots(self, value):
        keys = [(value >> at) & ((1 << bits) - 1) for at, bits in self.pieces]
        return [table.setdefault(key, []) for table, key in zip(self.tables, keys)]

    def has(self, value, bits):
        return any(bin(value ^ other).count('1') <= bits for slot in self.slots(value) for other in slot)

    def add(self, value):
        for slot in self.slots(value):
            slot.append(value)


def originals(clone, commit, globs):
    """(path, object) of the pictures that one of the globs names, one for each original."""
    first = {}
    for path, name, size in clone.files(commit, globs):
        if path.lower().endswith(PICTURES[:4]) and size in BYTES:
            first.setdefault(path.split('.rf.')[0], (path, name))
    return list(first.values())


def shrunk(data):
    """-> the picture with at most SIDE pixels, or None when it is none or too small."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if picture is None or min(picture.shape[:2]) < LEAST:
        return None
    ratio = SIDE / max(picture.shape[:2])
    return picture if ratio >= 1 else cv2.resize(picture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA)


def ordered(source, clones):
    """The clone, and its pictures in an order that depends on the name of the source only."""
    clone = Clone(os.path.join(clones, source['repo'].replace('/', '+')))
    found = originals(clone, source['commit'], source['include'])
    random.Random(source['repo']).shuffle(found)
    return clone, found


def left_over(found, kept):
    """From the end on, without what is not a tenth and 20 behind the last one of those that were kept."""
    last = max((i for i, (path, _) in enumerate(found) if path in kept), default=0)
    return found[:last + last // 10 + 20:-1]


def take(clone, found, most, top, near, held):
    """Writes `most` of the pictures, and their index."""
    os.makedirs(top, exist_ok=True)
    index = []
    for (path, _), data in zip(found, clone.blobs([name for _, name in found])):
        if len(index) == most:
            break
        picture = shrunk(data)
        value = 0 if picture is None else difference_hash(picture)
        if picture is None or held.has(value, 4) or near.has(value, 3):
            continue
        near.add(value)
        name = '%05d.jpg' % len(index)
        cv2.imwrite(os.path.join(top, name), picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        index.append((name, path, hashlib.sha256(data).hexdigest(), value))
    with open(os.path.join(top, 'index.csv.new'), 'w', newline='') as file:
        csv.writer(file).writerows(index)
    os.rename(os.path.join(top, 'index.csv.new'), os.path.join(top, 'index.csv'))
    return len(index)


def rows(path):
    with open(path, newline='') as file:
        return list(csv.reader(file))


def known(args, *folders):
    """The hashes of what was taken before, and of what must not be."""
    near, held = Near(), Near()
    for row in rows(args.held) if args.held else ():
        held.add(int(row[0]))
    for index in sorted(index for top in folders for index in glob.glob(os.path.join(top, '*', 'index.csv'))):
        for row in rows(index):
            near.add(int(row[3]))
    return near, held


def each(args, work):
    """work(source, folder) -> number of pictures, for all sources that are not done yet."""
    for source in json.load(open(args.files[0] if args.files else os.path.join(HERE, 'photos.json'))):
        top = os.path.join(args.out, source['repo'].replace('/', '+'))
        if source['most'] and not os.path.exists(os.path.join(top, 'index.csv')):
            try:
                print(source['repo'], work(source, top), flush=True)
            except (OSError, subprocess.CalledProcessError) as error:
                print(source['repo'], 'left out:', error, file=sys.stderr)


def extract(args):
    near, held = known(args, args.out)
    each(args, lambda source, top: take(*ordered(source, args.clones), source['most'], top, near, held))


def rest(args):
    near, held = known(args, args.out, args.photos)

    def work(source, top):
        kept = {row[1] for row in rows(os.path.join(args.photos, os.path.basename(top), 'index.csv'))}
        clone, found = ordered(source, args.clones)
        return take(clone, left_over(found, kept), len(kept) // 25, top, near, held)

    each(args, work)


def held_pictures(folders):
    """All pictures below the folders, and every tenth picture of their videos."""
    for path in sorted(f for top in folders for f in glob.glob(os.path.join(top, '**', '*'), recursive=True)):
        if path.lower().endswith(PICTURES):
            picture = cv2.imread(path)
            if picture is not None:
                yield picture
        elif path.lower().endswith(VIDEOS):
            video, number = cv2.VideoCapture(path), 0
            good, picture = video.read()
            while good:
                if number % 10 == 0:
                    yield picture
                number += 1
                good, picture = video.read()


def held(args):
    values = sorted({difference_hash(p) for p in held_pictures(args.files)})
    with open(args.out, 'w', newline='') as file:
        csv.writer(file).writerows([v] for v in values)
    print(len(values), 'hashes')


def settle(args):
    sources = {}
    for path in args.files:
        for source in json.load(open(path)):
            index = os.path.join(args.out, source['repo'].replace('/', '+'), 'index.csv')
            kept = rows(index) if os.path.exists(index) else []
            if kept:
                joined = '\n'.join(row[2] for row in kept)
                sources[source['repo']] = dict(source, kept=len(kept), sha256=hashlib.sha256(joined.encode()).hexdigest())
    lines = [json.dumps(sources[repo], ensure_ascii=False) for repo in sorted(sources)]
    print('[\n' + ',\n'.join(lines) + '\n]')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('verb', choices=('extract', 'rest', 'held', 'settle'))
    parser.add_argument('files', nargs='*')
    parser.add_argument('--clones')
    parser.add_argument('--photos', help='of rest: what extract wrote')
    parser.add_argument('--out', required=True)
    parser.add_argument('--held')
    args = parser.parse_intermixed_args()
    {'extract': extract, 'rest': rest, 'held': held, 'settle': settle}[args.verb](args)


if __name__ == '__main__':
    main()
