package drivers

import (
	"rules_romfs/packager/simboard/flashsim"
)

// The qemu port: RAM that the emulator fills, which rom_ioctl only shows
// (ports/qemu/vfs_rom_ioctl.c:59).
var qemu = []Driver{{
	Name: "qemu", Doc: "qemu, memory that the emulator fills, read-only", Source: "ports/qemu/vfs_rom_ioctl.c:59",
	Platform: "qemu", Chip: "Cortex-M3", ReadOnly: true, Cells: flashsim.RAM, Erase: 4096,
	machines: []string{"Cortex", "virt"},
}}
