"""The nets that the project trains for pictures: plain dense 3x3 convolutions in narrow residual blocks.

Dense layers, because on a processor they train faster per operation than depthwise ones. Inputs are BGR bytes as float, 0 to 255.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

STRIDES = (8, 16, 32)


def conv(inputs, outputs, kernel=3, stride=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.BatchNorm2d(outputs, momentum=.05), nn.ReLU(inplace=True))


class Residual(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.down = conv(channels, inner, 1)
        self.up = nn.Sequential(nn.Conv2d(inner, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels, momentum=.05))

    def forward(self, x):
        return F.relu(x + self.up(self.down(x)), inplace=True)


class Trunk(nn.Module):
    """[B,3,h,w] -> features at strides 8, 16, 32. The first layer reduces by four at once."""

    def __init__(self, widths, repeats):
        super().__init__()
        first, *rest = widths
        self.stem = nn.Sequential(nn.Conv2d(3, first, 6, 4, 1, bias=False), nn.BatchNorm2d(first, momentum=.05),
                                  nn.ReLU(inplace=True))
        stages, last = [], first
        for width, blocks, stride in zip(rest, repeats, (1, 2, 2, 2)):
            stages.append(nn.Sequential(conv(last, width, 3, stride), *[Residual(width, width // 2) for _ in range(blocks)]))
            last = width
        self.stages = nn.ModuleList(stages)

    def forward(self, x):
        x = self.stem((x - 114.) * (1 / 58.))
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels[1:]


class Context(nn.Module):
    """Mixes what is near and the mean of the whole picture into the coarsest level."""

    def __init__(self, channels):
        super().__init__()
        self.reduce = conv(channels, channels // 2, 1)
        self.mix = conv(4 * (channels // 2), channels, 1)

    def forward(self, x):
        r = self.reduce(x)
        near = F.max_pool2d(r, 5, 1, 2)
        far = F.max_pool2d(near, 5, 1, 2)
        whole = r.mean((2, 3), keepdim=True).expand_as(r)
        return self.mix(torch.cat([r, near, far, whole], 1))


class Pyramid(nn.Module):
    """A detector: for each cell of strides 8, 16, 32 `classes` logits and `numbers` raw numbers (box, points)."""

    def __init__(self, widths, repeats, neck, classes, numbers):
        super().__init__()
        c, d, e = widths[2:]
        n = neck
        self.trunk = Trunk(widths, repeats)
        self.context = Context(e)
        self.in5, self.in4, self.in3, self.up5 = conv(e, 2 * n, 1), conv(d, n, 1), conv(c, n, 1), conv(2 * n, n, 1)
        self.mix4, self.mix3 = Residual(n, n), Residual(n, n)
        self.down4, self.down5 = conv(n, n, 3, 2), conv(n, 2 * n, 3, 2)
        self.heads = nn.ModuleList([conv(i, n) for i in (n, n, 2 * n)])
        self.classes = nn.ModuleList([nn.Conv2d(n, classes, 1) for _ in STRIDES])
        self.numbers = nn.ModuleList([nn.Conv2d(n, numbers, 1) for _ in STRIDES])
        for layer in self.classes:
            nn.init.constant_(layer.bias, -4.5)
            nn.init.normal_(layer.weight, std=.02)

    def features(self, x):
        up = lambda t: F.interpolate(t, scale_factor=2., mode='nearest')
        p3, p4, p5 = self.trunk(x)
        p5 = self.in5(self.context(p5))
        p4 = self.mix4(self.in4(p4) + up(self.up5(p5)))
        p3 = self.mix3(self.in3(p3) + up(p4))
        p4 = F.relu(p4 + self.down4(p3))
        p5 = F.relu(p5 + self.down5(p4))
        return [head(p) for head, p in zip(self.heads, (p3, p4, p5))]

    def forward(self, x):
        """-> logits [B,cells,classes], raw [B,cells,numbers]"""
        levels = self.features(x)
        return flat(self.classes, levels), flat(self.numbers, levels)


class Classifier(nn.Module):
    """[B,3,h,w] -> logits [B,classes]: the trunk of a detector, its coarsest level wider, the mean and the maximum of the whole picture."""

    def __init__(self, widths, repeats, wide, classes):
        super().__init__()
        self.trunk = Trunk(widths, repeats)
        self.context = Context(widths[-1])
        self.wide = conv(widths[-1], wide, 1)
        self.drop = nn.Dropout(.1)
        self.out = nn.Linear(2 * wide, classes)

    def forward(self, x):
        """-> logits, and the features of the whole picture that they are made of"""
        far = self.wide(self.context(self.trunk(x)[2]))
        whole = torch.cat([far.mean((2, 3)), far.amax((2, 3))], 1)
        return self.out(self.drop(whole)), whole


def flat(layers, levels):
    """One 1x1 convolution per level, all cells of all levels one after the other."""
    return torch.cat([f(t).flatten(2).transpose(1, 2) for f, t in zip(layers, levels)], 1)
