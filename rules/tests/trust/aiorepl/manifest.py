metadata(version="0.2.2", description="An async REPL", license="MIT")

module("aiorepl.py")
