"""Finds the model of this core: an inference engine uses it where it lies, at an address that is a multiple of 16."""

import uctypes


def address(name):
    with open("/rom/" + name, "rb") as f:
        return uctypes.addressof(memoryview(f))


if address("face.tflite") % 16:
    raise ValueError("face.tflite does not lie at a multiple of 16")
