"""Writes model.tflite: twelve int8 convolutions of 48x48x16 with 3x3 kernels,
each followed by the addition of what was three additions before.

So vela has operators to schedule and tensors of different lifetimes to place.
The weights, which all convolutions share, are a fixed pattern; the model detects
nothing. It is written with the flatbuffers package and the TFLite schema that
vela (ethos-u-vela) carries:

    PYTHONPATH=LIB python3 model.py model.tflite
"""

import sys

import flatbuffers
from ethosu.vela.tflite import (
    AddOptions, Buffer, BuiltinOperator, BuiltinOptions, Conv2DOptions, Model, Operator, OperatorCode, Padding, QuantizationParameters, SubGraph, Tensor, TensorType,
)

BLOCKS = 12
CHANNELS = 16
SHAPE = [1, 48, 48, CHANNELS]
KERNEL = [CHANNELS, 3, 3, CHANNELS]

INT8, INT32 = TensorType.TensorType.INT8, TensorType.TensorType.INT32
CONV, ADD = BuiltinOperator.BuiltinOperator.CONV_2D, BuiltinOperator.BuiltinOperator.ADD


class ModelBuilder:
    def __init__(self):
        self.b = flatbuffers.Builder(8192)
        self.tensors = []
        self.operators = []

    def table(self, module, **fields):
        """Builds a table; fields are named as the schema's Add functions are."""
        name = module.__name__.rsplit(".", 1)[1]
        getattr(module, name + "Start")(self.b)
        for field, value in fields.items():
            getattr(module, name + "Add" + field)(self.b, value)
        return getattr(module, name + "End")(self.b)

    def vector(self, size, push, items):
        self.b.StartVector(size, len(items), size)
        for item in reversed(items):
            push(item)
        return self.b.EndVector()

    def ints(self, *items):
        return self.vector(4, self.b.PrependInt32, items)

    def tables(self, items):
        return self.vector(4, self.b.PrependUOffsetTRelative, items)

    def buffer(self, data):
        content = self.b.CreateByteVector(data) if data else None
        return self.table(Buffer, **({"Data": content} if data else {}))

    def tensor(self, name, shape, scales, kind=INT8, buffer=0):
        """Adds a tensor and returns its index."""
        scale = self.vector(4, self.b.PrependFloat32, scales)
        zero = self.vector(8, self.b.PrependInt64, [0] * len(scales))
        quantization = self.table(QuantizationParameters, Scale=scale, ZeroPoint=zero)
        name, shape = self.b.CreateString(name), self.ints(*shape)
        self.tensors.append(self.table(Tensor, Shape=shape, Type=kind, Buffer=buffer, Name=name, Quantization=quantization))
        return len(self.tensors) - 1

    def operator(self, opcode, inputs, output, kind, options):
        inputs, outputs = self.ints(*inputs), self.ints(output)
        self.operators.append(self.table(Operator, OpcodeIndex=opcode, Inputs=inputs, Outputs=outputs, BuiltinOptionsType=kind, BuiltinOptions=options))

    def build(self):
        weights = bytes((i * 37 + i // 7) % 255 for i in range(KERNEL[0] * KERNEL[1] * KERNEL[2] * KERNEL[3]))
        bias = b"".join((i * 100 - 800).to_bytes(4, "little", signed=True) for i in range(CHANNELS))
        buffers = [self.buffer(data) for data in (b"", weights, bias)]
        weights = self.tensor("weights", KERNEL, [0.01] * CHANNELS, buffer=1)
        bias = self.tensor("bias", [CHANNELS], [0.005] * CHANNELS, INT32, buffer=2)
        sums = [self.tensor("input", SHAPE, [0.5])]
        for i in range(BLOCKS):
            conv, add = self.tensor(f"conv{i}", SHAPE, [0.5]), self.tensor(f"add{i}", SHAPE, [0.5])
            options = self.table(Conv2DOptions, Padding=Padding.Padding.SAME, StrideW=1, StrideH=1, DilationWFactor=1, DilationHFactor=1)
            self.operator(0, [sums[-1], weights, bias], conv, BuiltinOptions.BuiltinOptions.Conv2DOptions, options)
            self.operator(1, [conv, sums[max(0, i - 2)]], add, BuiltinOptions.BuiltinOptions.AddOptions, self.table(AddOptions))
            sums.append(add)

        tensors, operators = self.tables(self.tensors), self.tables(self.operators)
        inputs, outputs, name = self.ints(sums[0]), self.ints(sums[-1]), self.b.CreateString("main")
        graph = self.table(SubGraph, Tensors=tensors, Inputs=inputs, Outputs=outputs, Operators=operators, Name=name)
        codes = [self.table(OperatorCode, DeprecatedBuiltinCode=code, Version=version, BuiltinCode=code) for code, version in ((CONV, 3), (ADD, 2))]
        codes, graphs, buffers = self.tables(codes), self.tables([graph]), self.tables(buffers)
        text = self.b.CreateString("rules_romfs test model")
        model = self.table(Model, Version=3, OperatorCodes=codes, Subgraphs=graphs, Description=text, Buffers=buffers)
        self.b.Finish(model, file_identifier=b"TFL3")
        return bytes(self.b.Output())


with open(sys.argv[1], "wb") as f:
    f.write(ModelBuilder().build())
