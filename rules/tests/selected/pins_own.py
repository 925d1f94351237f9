BOARD = "own"
