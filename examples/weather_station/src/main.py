# Firmware runs this by itself only where it starts in /rom; elsewhere
# `romfs deploy` tells what the board's main.py has to do.
from weather import app

app.run()
