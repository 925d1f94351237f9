"""Mounts the image in the image, and imports from it."""

import sys

import vfs

# A file of a ROMFS is memory, so this copies nothing.
with open(__file__.rsplit("/", 1)[0] + "/common.romfs", "rb") as f:
    vfs.mount(vfs.VfsRom(f), "/common")
sys.path.append("/common")

from units import fahrenheit

print("100 C are", fahrenheit(100), "F")
