"""Writes model.tflite: one int8 convolution, 8x8x8 to 8x8x16 with 3x3 kernels.

The weights are a fixed pattern; the model detects nothing. It is written with
the flatbuffers package and the TFLite schema that vela (ethos-u-vela) carries:

    PYTHONPATH=LIB python3 model.py model.tflite
"""

import sys

import flatbuffers
from ethosu.vela.tflite import (
    Buffer, BuiltinOperator, BuiltinOptions, Conv2DOptions, Model, Operator, OperatorCode, Padding, QuantizationParameters, SubGraph, Tensor, TensorType,
)

HEIGHT = WIDTH = INPUTS = 8
OUTPUTS = 16
KERNEL = 3


def table(builder, module, **fields):
    """Builds a table; fields are named as the schema's Add functions are."""
    name = module.__name__.rsplit(".", 1)[1]
    getattr(module, name + "Start")(builder)
    for field, value in fields.items():
        getattr(module, name + "Add" + field)(builder, value)
    return getattr(module, name + "End")(builder)


def vector(builder, start, push, items):
    start(builder, len(items))
    for item in reversed(items):
        push(item)
    return builder.EndVector()


def ints(builder, items):
    return vector(builder, lambda b, n: b.StartVector(4, n, 4), builder.PrependInt32, items)


def tables(builder, items):
    return vector(builder, lambda b, n: b.StartVector(4, n, 4), builder.PrependUOffsetTRelative, items)


def quantization(builder, scales, zero):
    scale = vector(builder, lambda b, n: b.StartVector(4, n, 4), builder.PrependFloat32, scales)
    point = vector(builder, lambda b, n: b.StartVector(8, n, 8), builder.PrependInt64, [zero] * len(scales))
    return table(builder, QuantizationParameters, Scale=scale, ZeroPoint=point)


def model():
    weights = bytes((i * 37 + i // 7) % 255 for i in range(OUTPUTS * KERNEL * KERNEL * INPUTS))
    bias = b"".join((i * 100 - 800).to_bytes(4, "little", signed=True) for i in range(OUTPUTS))

    b = flatbuffers.Builder(8192)
    buffers = []
    for data in (b"", weights, bias):
        content = b.CreateByteVector(data) if data else None
        buffers.append(table(b, Buffer, **({"Data": content} if data else {})))

    def tensor(name, shape, kind, buffer, scales, zero):
        name, shape, q = b.CreateString(name), ints(b, shape), quantization(b, scales, zero)
        return table(b, Tensor, Shape=shape, Type=kind, Buffer=buffer, Name=name, Quantization=q)

    int8, int32 = TensorType.TensorType.INT8, TensorType.TensorType.INT32
    tensors = [
        tensor("input", [1, HEIGHT, WIDTH, INPUTS], int8, 0, [0.5], 0),
        tensor("weights", [OUTPUTS, KERNEL, KERNEL, INPUTS], int8, 1, [0.01] * OUTPUTS, 0),
        tensor("bias", [OUTPUTS], int32, 2, [0.005] * OUTPUTS, 0),
        tensor("output", [1, HEIGHT, WIDTH, OUTPUTS], int8, 0, [1.0], 0),
    ]
    options = table(b, Conv2DOptions, Padding=Padding.Padding.SAME, StrideW=1, StrideH=1, DilationWFactor=1, DilationHFactor=1)
    reads, makes = ints(b, [0, 1, 2]), ints(b, [3])
    conv = table(b, Operator, OpcodeIndex=0, Inputs=reads, Outputs=makes, BuiltinOptionsType=BuiltinOptions.BuiltinOptions.Conv2DOptions, BuiltinOptions=options)
    tensors, operators = tables(b, tensors), tables(b, [conv])
    reads, makes, name = ints(b, [0]), ints(b, [3]), b.CreateString("main")
    graph = table(b, SubGraph, Tensors=tensors, Inputs=reads, Outputs=makes, Operators=operators, Name=name)
    opcode = BuiltinOperator.BuiltinOperator.CONV_2D
    code = table(b, OperatorCode, DeprecatedBuiltinCode=opcode, Version=3, BuiltinCode=opcode)
    codes, graphs, buffers, text = tables(b, [code]), tables(b, [graph]), tables(b, buffers), b.CreateString("rules_romfs test model")
    root = table(b, Model, Version=3, OperatorCodes=codes, Subgraphs=graphs, Description=text, Buffers=buffers)
    b.Finish(root, file_identifier=b"TFL3")
    return bytes(b.Output())


with open(sys.argv[1], "wb") as f:
    f.write(model())
