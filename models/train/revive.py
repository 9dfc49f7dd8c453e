#!/usr/bin/env python3
"""The checkpoint of a model that was exported, for training to go on where only the model that ships is left of an earlier one.

  revive.py detect --model ../assay-detect-3.onnx --shards DETECT --out detect-3.pt      then: train_detect.py train --begin detect-3.pt ...

What its card tells of its training (steps, minutes, views) is counted on. The file has its batch normalisations folded into the
convolutions before them. They are made anew so that the net says the same: their statistics are those of some batches, their scale and
shift undo them. What a pupil has for training only (the labels of tags) begins anew.
"""
import argparse
import importlib
import json

import numpy as np
import onnx
import torch
import torch.nn as nn
from onnx import numpy_helper

import loop
from shards import Batches

LAYERS = nn.Conv2d, nn.Linear


def constants(graph):
    """The weights by name, those in 8 bits as their Cast and Mul (export.fold) would unfold them."""
    found = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        if node.op_type == 'Cast' and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]].astype(np.float32)
        if node.op_type == 'Mul' and all(name in found for name in node.input):
            found[node.output[0]] = found[node.input[0]] * found[node.input[1]]
    return found


def called(net, pictures):
    """The layers with weights and the normalisations in the order in which they work."""
    order = []
    hooks = [m.register_forward_hook(lambda m, *_: order.append(m)) for m in net.modules() if isinstance(m, (*LAYERS, nn.BatchNorm2d))]
    net(pictures)
    for hook in hooks:
        hook.remove()
    return order


def undone(norm, values, shift):
    """Lets norm be nothing but `+ shift` for what is like values."""
    mean, variance = values.mean((0, 2, 3)), values.var((0, 2, 3), unbiased=False)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean + shift)


@torch.no_grad()
def revive(net, path, pictures):
    """Puts the weights of the file at path into net. pictures: a batch, as in training, for the statistics. Layers are matched by the order
    in which they work, which is that of the file."""
    graph = onnx.load(path).graph
    known = constants(graph)
    nodes = iter([n for n in graph.node if n.op_type in ('Conv', 'Gemm')])
    shifts = {}
    for module in called(net.eval(), pictures[:1]):
        if isinstance(module, LAYERS):
            node = next(nodes, None)
            if node is None:
                raise SystemExit('%s has fewer layers than the net' % path)
            given(module.weight, known[node.input[1]])
            if module.bias is not None:
                given(module.bias, known[node.input[2]])
        else:
            shifts[module] = torch.from_numpy(known[node.input[2]].copy())
    if next(nodes, None) is not None:
        raise SystemExit('%s has more layers than the net' % path)
    hooks = [norm.register_forward_pre_hook(lambda m, x: undone(m, x[0], shifts[m])) for norm in shifts]
    net(pictures)
    for hook in hooks:
        hook.remove()


def given(parameter, values):
    if tuple(parameter.shape) != values.shape:
        raise SystemExit('the file has a layer of %s where the net has one of %s' % (values.shape, tuple(parameter.shape)))
    parameter.copy_(torch.from_numpy(values.copy()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task', choices=('detect', 'faces', 'tags'))
    for name in ('model', 'shards', 'out'):
        parser.add_argument('--' + name, required=True)
    args = parser.parse_args()
    torch.manual_seed(1)
    net = importlib.import_module('train_' + args.task).pupil()
    revive(net.net if args.task == 'tags' else net, args.model, loop.light(next(iter(Batches(args.shards, args.task, 64, 0)))['picture']))
    with open(args.model.replace('.onnx', '.card.json')) as file:
        past = json.load(file)['about']['training']
    state = net.state_dict()
    torch.save(dict(net=state, mean=state, step=past['steps'], views=past['views'], seconds=past['minutes'] * 60), args.out)


if __name__ == '__main__':
    main()
