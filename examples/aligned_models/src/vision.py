"""Finds out where the models lie: their addresses in ROM, which readers in place depend on."""

import uctypes

MODELS = {"person.tflite": 64, "gesture.tflite": 32, "quantization.table": 16}


def address(name):
    with open(_folder + "/models/" + name, "rb") as f:
        return uctypes.addressof(memoryview(f))


_folder = __file__.rsplit("/", 1)[0]

# Relative to one of them: a test's copy of the image has another base than the board's partition.
_base = address("person.tflite")
for _name, _align in MODELS.items():
    if (address(_name) - _base) % _align:
        raise ValueError("%s does not lie at a multiple of %d" % (_name, _align))
