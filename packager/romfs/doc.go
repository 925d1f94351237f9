// Package romfs is MicroPython's ROMFS format: it plans, writes, reads and
// checks images. It knows nothing of manifests, boards or wires, and uses the
// standard library only.
//
// The parts, each usable alone:
//
//   - [NewPlan] decides where every byte of an image goes, and why, without
//     reading a file's content; [Plan.WriteTo] then streams the image.
//   - [Open] and [Parse] read an image as an [io/fs] file system, lazily and
//     without trusting a single length in it.
//   - [Validate] finds what MicroPython's driver would silently get wrong.
//   - [TornCommit] tells what a board may mount after a power cut while the
//     first bytes of an image are programmed.
//
// # Format
//
// A varuint is a big-endian base-128 number; a set high bit means that more
// bytes follow, so leading 0x80 bytes change nothing: they are the padding that
// aligns payloads. A record is a varuint kind, a varuint payload length and the
// payload. An image is one record whose kind is written d2 cd 31; its payload
// holds file and directory records, which hold a varuint name length, the name
// and more records. The first data record of a file record is its content:
// either the bytes themselves, or a pointer (size, offset from the first byte
// of the outer payload) to bytes elsewhere in the image.
//
// The format is defined by the comment at the top of extmod/vfs_rom.c in
// MicroPython, whose driver is the authority wherever this package decides how
// to read an image.
package romfs
