"""Views: what a net in training sees of a folder of photographs. The same seed and the same photographs give the same views.

A photograph is shown whole, as a letterbox at the top left as in use; cut; smaller somewhere on the canvas; or four of them in one.
Some views look like a camera at night, some like a thermal camera, some are compressed hard. No labels are needed: teachers say what
is in a view (answers.py).
"""
import glob
import os

import cv2
import numpy as np

PAD = 114


def photographs(folder):
    """The JPEG files below a folder, sorted, without the folder."""
    found = glob.glob(os.path.join(folder, '**', '*.jpg'), recursive=True)
    return sorted(os.path.relpath(f, folder) for f in found)


class Views:
    """size: the side of a view in pixels. files: names below folder, of which each view picks one at random."""

    def __init__(self, folder, files, size, seed):
        cv2.setNumThreads(1)
        self.folder, self.files, self.size = folder, files, size
        self.rng = np.random.default_rng(seed)

    def load(self):
        """A photograph at random; unreadable ones are passed over."""
        while True:
            name = self.files[self.rng.integers(len(self.files))]
            picture = cv2.imread(os.path.join(self.folder, name))
            if picture is not None:
                return picture

    def cut(self, picture, least):
        """A random part with at least that share of the area."""
        height, width = picture.shape[:2]
        side = self.rng.uniform(least, 1) ** .5
        shape = self.rng.uniform(.8, 1.25)
        h, w = min(height, int(height * side * shape)), min(width, int(width * side / shape))
        y, x = self.rng.integers(height - h + 1), self.rng.integers(width - w + 1)
        return picture[y:y + h, x:x + w]

    def four(self):
        """Four photographs around a common corner."""
        view = np.empty((self.size, self.size, 3), np.uint8)
        cx, cy = (self.size * self.rng.uniform(.35, .65, 2)).astype(int)
        for y0, y1 in ((0, cy), (cy, self.size)):
            for x0, x1 in ((0, cx), (cx, self.size)):
                view[y0:y1, x0:x1] = scaled(self.cut(self.load(), .4), x1 - x0, y1 - y0)
        return view

    def one(self, cutting):
        """One photograph, cut with that probability, in a fifth of the cases smaller and somewhere on the canvas."""
        picture = self.load()
        if self.rng.random() < cutting:
            picture = self.cut(picture, .2)
        side = self.size if self.rng.random() < .8 else int(self.rng.integers(int(self.size * .6), self.size))
        view = np.full((self.size, self.size, 3), PAD, np.uint8)
        ratio = side / max(picture.shape[:2])
        h, w = (max(1, int(n * ratio)) for n in picture.shape[:2])
        y, x = (self.rng.integers(self.size - side + 1), self.rng.integers(self.size - side + 1))
        view[y:y + h, x:x + w] = scaled(picture, w, h)
        return view

    def night(self, view):
        """Grey, dark, vignette, blur, noise; a fifth inverted, as hot things look to a thermal camera."""
        grey = cv2.cvtColor(view, cv2.COLOR_BGR2GRAY).astype(np.float32)
        if self.rng.random() < .2:
            grey = 255 - grey
        grey = grey * self.rng.uniform(.3, .9) + self.rng.uniform(0, 40)
        if self.rng.random() < .5:
            y, x = np.mgrid[0:self.size, 0:self.size] / self.size - .5
            grey *= np.clip(1.1 - self.rng.uniform(.6, 2.1) * np.hypot(x, y), .15, 1.1)
        if self.rng.random() < .5:
            grey = cv2.GaussianBlur(grey, (0, 0), self.rng.uniform(.4, 1.4))
        grey += self.rng.normal(0, self.rng.uniform(1, 12), grey.shape)
        return cv2.merge([np.clip(grey, 0, 255).astype(np.uint8)] * 3)

    def next(self, mosaic=.15, cutting=.5, night=.15):
        """One view, BGR bytes [size, size, 3], and the JPEG it comes out of: who trains sees what the teacher saw."""
        view = self.four() if self.rng.random() < mosaic else self.one(cutting)
        if self.rng.random() < night:
            view = self.night(view)
        quality = int(self.rng.integers(25, 81)) if self.rng.random() < .25 else 92
        return packed(view, quality)


def scaled(picture, width, height):
    smaller = width < picture.shape[1]
    return cv2.resize(picture, (int(width), int(height)), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def packed(view, quality):
    jpeg = cv2.imencode('.jpg', view, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].ravel()
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR), jpeg
