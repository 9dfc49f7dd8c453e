"""Writes a trained net as ONNX: weights in 8 bits with one scale per output channel, unfolded to float when the file is loaded."""
import collections
import hashlib
import json
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper


def write(net, example, path, inputs, outputs, notes=None):
    """net: in eval mode. example: an input. Writes path, and path with _f32 before .onnx; returns the SHA-256 of path."""
    plain = path.replace('.onnx', '_f32.onnx')
    torch.onnx.export(net.eval(), example, plain, opset_version=13, input_names=inputs, output_names=outputs)
    model = onnx.load(plain)
    fold(model.graph)
    for key, value in sorted((notes or {}).items()):
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def fold(graph):
    """Replaces large weights by int8 with a Cast and a Mul in front of their users."""
    nodes = []
    for weight in list(graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.ndim not in (2, 4) or values.size < 256:
            continue
        axes = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(axes, keepdims=True), 1e-8).astype(np.float32) / 127
        name = weight.name
        graph.initializer.remove(weight)
        graph.initializer.append(numpy_helper.from_array(np.round(values / scale).astype(np.int8), name + '_q'))
        graph.initializer.append(numpy_helper.from_array(scale, name + '_s'))
        nodes.append(helper.make_node('Cast', [name + '_q'], [name + '_c'], to=TensorProto.FLOAT))
        nodes.append(helper.make_node('Mul', [name + '_c', name + '_s'], [name]))
    for node in reversed(nodes):
        graph.node.insert(0, node)


def size(path):
    return '%s %d bytes' % (os.path.basename(path), os.path.getsize(path))


# ---------------------------------------------------------------------------------------------------------------- card

HERE = os.path.dirname(os.path.abspath(__file__))


def card(path, sha, checkpoint, extra=None):
    """Writes the card beside the model: what stands in pattern-NAME.json, and how this one came to be."""
    name = os.path.basename(path).rsplit('-', 1)[0]
    with open(os.path.join(HERE, 'pattern-%s.json' % name)) as file:
        pattern = json.load(file)
    version = os.path.basename(path).rsplit('-', 1)[1].split('.')[0]
    pattern.update(version=version, file=os.path.basename(path), sha256=sha, **(extra or {}))
    saved = torch.load(checkpoint, map_location='cpu')
    pattern['about'].update(training=history(saved), photographs=photographs(saved['photographs']))
    with open(path.replace('.onnx', '.card.json'), 'w') as file:
        json.dump(pattern, file, indent=2, ensure_ascii=False)
        file.write('\n')


def history(saved):
    return dict(steps=saved.get('before', 0) + saved['step'], minutes=round(saved['seconds'] / 60), seed=saved['seed'], views=saved['views'],
                device=saved['device'])


def photographs(used):
    """used: {source: number}. How many under which terms, as photos.json tells them; a source that it does not have stops this."""
    with open(os.path.join(HERE, 'photos.json'), 'rb') as file:
        text = file.read()
    licences = {source['repo'].replace('/', '+'): source['licence'] for source in json.loads(text)}
    terms = collections.Counter()
    for source, number in used.items():
        terms[licences[source]] += number
    return dict(list='models/train/photos.json', sha256=hashlib.sha256(text).hexdigest(), sources=len(used), by_licence=dict(terms.most_common()),
                use='as pictures only: no label of theirs was used, none of them is in the weights or in this repository')
