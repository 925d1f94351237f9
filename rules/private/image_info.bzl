"""RomfsImageInfo: an image, its sidecar and what it was made from."""

RomfsImageInfo = provider(
    doc = "A ROMFS image. Made by `romfs_image`.",
    fields = {
        "board": "RomfsBoardInfo: the board that was asked for, by flag, platform or attribute. Its id and profile are empty where the manifest names the board.",
        "digest": "File: the image's sha256 in hexadecimal, and a newline.",
        "effective_manifest": "File: a manifest that names every file of the image; `romfs build` makes the same bytes from it.",
        "image": "File: the image.",
        "origins": "File: JSON, the label that brought each file into the image, by its path there.",
        "packages": "File: JSON, the released package that each file of the image is of, by its path there, where one is known.",
        "plan": "File: what the image's actions go by, in the packager's own form.",
        "ram": "File: JSON, what importing each module of the image takes of the heap.",
        "sidecar": "File: the image's description, `<image>.json`: board, layout, and each file with its offset and digests.",
    },
)
