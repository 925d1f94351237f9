// Package emulator runs the firmware of firmware/ on an emulated Cortex-M3, for
// tests: MicroPython with 32-bit words, the REPL behind a UART's interrupts, and
// a ROM partition whose cells and speed a test chooses. QEMU keeps the board's
// memory in a file, so that the power can be cut at any moment and come back.
//
// It is for Linux, as the tools are that build firmware and QEMU.
package emulator
