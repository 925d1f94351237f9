BOARD = "giga"
