BOARD = "n6"
