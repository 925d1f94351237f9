BOARD = "none"
