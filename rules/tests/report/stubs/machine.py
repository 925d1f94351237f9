class Pin:
    pass
