#!/usr/bin/env python3
"""Turns the matrix products of an ONNX file into dynamic int8, as ONNX Runtime's quantize_dynamic does: weights to
signed bytes with a scale per output, activations to unsigned bytes per tensor while it runs
(DynamicQuantizeLinear, MatMulInteger, Cast, Mul). Convolutions and products of two activations stay as they are."""
import sys

import numpy
import onnx
from onnx import helper, numpy_helper


def quantise(weight):
    """[in, out] float32 -> int8 of the same shape, scales [out]."""
    scale = numpy.maximum(numpy.abs(weight).max(0), 1e-20) / 127
    return numpy.clip(numpy.rint(weight / scale), -127, 127).astype(numpy.int8), scale.astype(numpy.float32)


def main():
    source, target = sys.argv[1:]
    model = onnx.load(source)
    graph = model.graph
    weights = {item.name: item for item in graph.initializer}
    nodes, seen, used = [], {}, set()
    for node in graph.node:
        weight = weights.get(node.input[1]) if node.op_type == "MatMul" else None
        if weight is None or len(weight.dims) != 2:
            nodes.append(node)
            continue
        x, name = node.input[0], node.output[0]
        if x not in seen:
            seen[x] = [f"{x}_{part}" for part in ("quantised", "scale", "zero")]
            nodes.append(helper.make_node("DynamicQuantizeLinear", [x], seen[x]))
        small, scale = quantise(numpy_helper.to_array(weight))
        for suffix, value in (("int8", small), ("scale", scale), ("zero", numpy.zeros(scale.shape, numpy.int8))):
            graph.initializer.append(numpy_helper.from_array(value, f"{name}_w_{suffix}"))
        rows, row_scale, row_zero = seen[x]
        nodes += [
            helper.make_node("MatMulInteger", [rows, f"{name}_w_int8", row_zero, f"{name}_w_zero"], [f"{name}_sums"]),
            helper.make_node("Cast", [f"{name}_sums"], [f"{name}_float"], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [row_scale, f"{name}_w_scale"], [f"{name}_both"]),
            helper.make_node("Mul", [f"{name}_float", f"{name}_both"], [name]),
        ]
        used.add(weight.name)
    if not used:
        raise SystemExit(f"{source}: has no matrix product with fixed weights")
    still = {name for node in nodes for name in node.input}
    kept = [item for item in graph.initializer if item.name in still]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    onnx.save(model, target)


if __name__ == "__main__":
    main()
