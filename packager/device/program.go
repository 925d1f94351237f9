package device

import _ "embed"

// The programs that run on the board. They are kept readable here and sent
// without comments and with one blank an indent.
var (
	//go:embed program/probe.py
	probeSource string
	//go:embed program/memory.py
	memorySource string
	//go:embed program/segments.py
	segmentsSource string
	//go:embed program/link.py
	linkSource string
	//go:embed program/rom.py
	romSource string
	//go:embed program/rom_memory.py
	romMemorySource string
	//go:embed program/rom_blocks.py
	romBlocksSource string
	//go:embed program/build.py
	buildSource string
)
