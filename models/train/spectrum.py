"""The features of src/infer/spectrum.c in numpy: the same numbers in the same order. tests/unit/infer/spectrum.c holds values
that this file printed (python3 spectrum.py), so that the two cannot drift apart."""
import numpy as np

N = 128
BINS = 17            # radial, 4 wide; the last has the corners
FEATURES = 44
FLOOR = 23.0         # power of noise of a tenth of a grey level under the window: silence is not minus infinity
WINDOW = np.sin(np.pi * (np.arange(N) + 0.5) / N) ** 2
K = np.minimum(np.arange(N), N - np.arange(N))
RADIUS = np.hypot(K[:, None], K[None, :])
BIN = np.minimum((RADIUS / 4).astype(int), BINS - 1)
BIN_COUNT = np.bincount(BIN.ravel(), minlength=BINS)

def residual(p):
    """What a pixel has over the mean of its four neighbours; the edge repeats."""
    q = np.pad(p, 1, mode='edge')
    return p - (q[:-2, 1:-1] + q[2:, 1:-1] + q[1:-1, :-2] + q[1:-1, 2:]) / 4

def corr(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a * b).mean() / (np.sqrt((a * a).mean() * (b * b).mean()) + 0.01)

def line(power, f):
    """How much a line of one frequency stands above its surroundings."""
    beside = power[4:61, f - 3] if f == N // 2 else (power[4:61, f - 3] + power[4:61, f + 3]) / 2
    return (power[4:61, f] - beside).mean()

def point(power, y, x):
    rows, cols = np.arange(y - 3, y + 4) % N, np.arange(x - 3, x + 4) % N
    return power[y % N, x % N] - power[np.ix_(rows, cols)].mean()

def log_ratio(a, b, eps):
    return np.log((a + eps) / (b + eps))

def features(rgb):
    """rgb: [128,128,3] uint8 -> 44 doubles."""
    p = rgb.astype(np.float64)
    red, green, blue = p[..., 0], p[..., 1], p[..., 2]
    y = (77 * red + 150 * green + 29 * blue) / 256
    r = residual(y)
    power = np.log(np.abs(np.fft.fft2(r * WINDOW[:, None] * WINDOW[None, :])) ** 2 + FLOOR)
    radial = np.bincount(BIN.ravel(), power.ravel(), minlength=BINS) / BIN_COUNT
    out = list(radial - radial.mean())
    for f in (N // 2, N // 4, N // 8, 3 * N // 8):
        out.append((line(power, f) + line(power.T, f)) / 2)
    out += [point(power, N // 4, N // 4), point(power, N // 2, N // 2),
            (point(power, N // 4, N // 2) + point(power, N // 2, N // 4)) / 2]
    over = power - radial[BIN]
    inner, outer = (RADIUS >= 8) & (RADIUS < 32), (RADIUS >= 32) & (RADIUS < 64)
    out += [over[inner | outer].max(), np.sqrt((over[inner] ** 2).mean()), np.sqrt((over[outer] ** 2).mean())]
    ring = (RADIUS >= 40) & (RADIUS < 64)
    diagonal = np.abs(K[:, None] - K[None, :]) <= 8
    axis = np.minimum(K[:, None], K[None, :]) <= 8
    out.append(power[ring & diagonal].mean() - power[ring & axis].mean())
    out += [(corr(r[:, 1:], r[:, :-1]) + corr(r[1:], r[:-1])) / 2, corr(r[1:, 1:], r[:-1, :-1]),
            (corr(r[:, 2:], r[:, :-2]) + corr(r[2:], r[:-2])) / 2]
    m2 = (r * r).mean()
    out += [np.log(((r ** 4).mean() + 0.01) / (m2 * m2 + 0.01)), log_ratio(np.abs(r).mean(), np.sqrt(m2), 0.05)]
    dx, dy = np.abs(np.diff(y, axis=1)).mean(axis=0), np.abs(np.diff(y, axis=0)).mean(axis=1)
    out.append(np.mean([abs(log_ratio(d[0::2].mean(), d[1::2].mean(), 0.01)) for d in (dx, dy)]))
    out.append(np.mean([max(log_ratio(d[k::8].mean(), d.mean(), 0.01) for k in range(8)) for d in (dx, dy)]))
    block = np.abs(y - y[::2, ::2].repeat(2, axis=0).repeat(2, axis=1)).mean()
    out.append(log_ratio(block, (dx.mean() + dy.mean()) / 2, 0.05))
    rr, rg, rb = residual(red), residual(green), residual(blue)
    out += [corr(rr, rg), corr(rg, rb), corr(rr, rb), log_ratio(((rr - rg) ** 2).mean(), (rg * rg).mean(), 0.05)]
    out += [log_ratio(np.abs(rr - rg).mean(), np.abs(r).mean(), 0.05), log_ratio(np.abs(rb - rg).mean(), np.abs(r).mean(), 0.05)]
    blocks = np.sqrt((r * r).reshape(8, 16, 8, 16).mean(axis=(1, 3))).ravel()
    blocks.sort()
    out += [log_ratio(blocks[6], blocks[32], 0.05), np.log(blocks[32] + 0.1)]
    return np.array(out)

def made_picture(n=N, seed=7):
    """A picture that C makes alike: waves and noise of a linear congruential generator, BGR order of drawing."""
    state, out = seed, np.empty((n, n, 3), np.uint8)
    for y in range(n):
        for x in range(n):
            for c in range(3):
                state = (state * 1103515245 + 12345) % 2 ** 31
                out[y, x, c] = (x * (c + 1) + y * 2 + ((x * y) >> 5)) % 200 + (state >> 16) % 40
    return out[..., ::-1]

if __name__ == '__main__':
    f = features(made_picture())
    print(len(f), ', '.join(f'{v:.9g}' for v in f))
