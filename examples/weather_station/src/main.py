# Firmware runs this by itself only where it starts in /rom; elsewhere put
# `import main` into the main.py of the board's flash.
from weather import app

app.run()
