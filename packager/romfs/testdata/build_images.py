# Builds many images with mpremote's own code in one process. Reads from stdin a
# JSON list of {"dir": folder to build from, "tree": nested lists, "out": file},
# one of dir and tree; a tree is [[name, content in hex or tree], ...].
import contextlib, io, json, sys

from mpremote.romfs import VfsRomWriter, make_romfs


def copy(writer, tree):
    for name, content in tree:
        if isinstance(content, str):
            writer.mkfile(name, bytes.fromhex(content))
        else:
            writer.opendir(name)
            copy(writer, content)
            writer.closedir()


for job in json.load(sys.stdin):
    if "dir" in job:
        with contextlib.redirect_stdout(io.StringIO()):
            image = make_romfs(job["dir"], mpy_cross=False)
    else:
        writer = VfsRomWriter()
        copy(writer, job["tree"])
        image = writer.finalise()
    with open(job["out"], "wb") as f:
        f.write(image)
