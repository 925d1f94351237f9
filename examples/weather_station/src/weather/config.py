"""Settings: the file in the image, which a board cannot change."""

import json

from weather import resource


def load():
    with open(resource.path("config.json")) as f:
        return json.load(f)
