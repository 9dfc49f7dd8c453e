"""Made pictures and made answers for the short runs, which show that the training code still runs. Nothing can be learned from them."""
import csv
import os

import cv2
import numpy as np
import torch

import runtime



def picture(rng, side):
    view = rng.integers(0, 255, (side // 16, side // 16, 3), dtype=np.uint8)
    return cv2.resize(view, (side, side), interpolation=cv2.INTER_CUBIC)


def jpegs(rng, count, side):
    coded = [cv2.imencode('.jpg', picture(rng, side))[1].ravel() for _ in range(count)]
    return dict(jpeg=np.concatenate(coded), end=np.cumsum([len(c) for c in coded]))


def shard(folder, classes, numbers, views=40):
    """One shard as answers.py writes it, of a teacher that sees something in ten cells of each view."""
    rng = np.random.default_rng(7)
    os.makedirs(folder, exist_ok=True)
    rows = views * 10
    arrays = dict(jpegs(rng, views, 320), cell=rng.integers(0, 2100, rows).astype(np.uint16),
                  view=np.repeat(np.arange(views), 10).astype(np.uint16),
                  score=rng.integers(6, 256, (rows, classes)).astype(np.uint8),
                  box=rng.normal(0, 1, (rows, numbers)).astype(np.float16))
    np.savez(os.path.join(folder, '0000.npz'), **arrays)


def tags(folder, classes, labels, views=40):
    rng = np.random.default_rng(7)
    os.makedirs(folder, exist_ok=True)
    draw = lambda n: rng.dirichlet(np.full(n, .1), views).astype(np.float16)
    arrays = dict(jpegs(rng, views, 224), score=draw(classes), label=draw(labels))
    np.savez(os.path.join(folder, '0000.npz'), **arrays)


def labels(folder, count=6):
    """Pictures with labels of presence, for eval. -> the path of the table."""
    rng = np.random.default_rng(8)
    rows = [['file', 'person', 'vehicle', 'animal']]
    for i in range(count):
        cv2.imwrite(os.path.join(folder, '%d.jpg' % i), picture(rng, 192))
        rows.append(['%d.jpg' % i, i % 2, (i // 2) % 2, (i + 1) % 2])
    path = os.path.join(folder, 'labels.csv')
    with open(path, 'w', newline='') as file:
        csv.writer(file).writerows(rows)
    return path


def check(path, net, side):
    """The file gives what the net gives, but for weights of 8 bits; with ONNX Runtime, as the program runs it."""
    rng = np.random.default_rng(9)
    height, width = side
    view = picture(rng, max(side))[:height, :width].transpose(2, 0, 1)[None].astype(np.float32)
    told = runtime.Net(path)
    with torch.no_grad():
        wanted = net(torch.from_numpy(view))
    wanted = [wanted] if isinstance(wanted, torch.Tensor) else wanted
    for name, ours, theirs in zip(told.outputs, told(**{told.inputs[0]: view}), wanted):
        theirs = theirs.numpy()
        if ours.shape != theirs.shape or not np.isfinite(ours).all():
            raise SystemExit('%s: %s has shape %s, not %s' % (path, name, ours.shape, theirs.shape))
        far = np.abs(ours - theirs).mean() / (np.abs(theirs).mean() + 1e-6)
        if far > .05:
            raise SystemExit('%s: %s is off by %.3f of its mean' % (path, name, far))
    print('the file gives what the net gives')

