#!/usr/bin/env python3
"""Photographs that training does not see, in folders named after what the teacher is sure of: what `assay model calibrate` fits to.

  kept.py --teacher yolox_nano_416.onnx --photos REST --out KEPT       then: assay model calibrate KEPT --model assay-detect-4.card.json

The teacher is sure where each of person, vehicle and animal is above .5 or below .2; other photographs are left out.
"""
import argparse
import os
import shutil

import cv2

import runtime
from answers import COCO, planes
from train_detect import GROUPS
from views import PAD, photographs

SIDE = 416
SURE, NOT = .5, .2


def fitted(picture):
    """As a letterbox at the top left."""
    ratio = SIDE / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)[:SIDE, :SIDE]
    h, w = small.shape[:2]
    return cv2.copyMakeBorder(small, 0, SIDE - h, 0, SIDE - w, cv2.BORDER_CONSTANT, value=(PAD, PAD, PAD))


def shown(net, picture):
    """The groups that the teacher sees, as the name of a folder; None when it is not sure."""
    answer = net(images=planes(fitted(picture)))[0][0]
    highest = (answer[:, 4:5] * answer[:, 5:][:, COCO]).max(0)
    scores = {group: highest[ids].max() for group, ids in GROUPS.items()}
    if any(NOT <= score <= SURE for score in scores.values()):
        return None
    return '+'.join(group for group, score in scores.items() if score > SURE) or 'nothing'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ('teacher', 'photos', 'out'):
        parser.add_argument('--' + name, required=True)
    args = parser.parse_args()
    net = runtime.Net(args.teacher)
    for name in photographs(args.photos):
        folder = shown(net, cv2.imread(os.path.join(args.photos, name)))
        if folder:
            os.makedirs(os.path.join(args.out, folder), exist_ok=True)
            shutil.copy(os.path.join(args.photos, name), os.path.join(args.out, folder, name.replace('/', '-')))


if __name__ == '__main__':
    main()
