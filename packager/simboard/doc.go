// Package simboard is a simulated MicroPython board: a real MicroPython
// interpreter behind a pty and a loopback TCP port, with ROM partitions in a
// file that behaves as flash does.
//
// The work is split as on a real board. The embedded firmware, run by the
// interpreter, serves the REPL, mounts /rom and offers vfs.rom_ioctl. The Go
// side is the hardware: serial link and receive ring, flash cells, watchdog and
// power switch. Whatever hardware does to a deploy (torn pages, lost bytes,
// resets) is a named, seeded fault; see Faults.
package simboard
