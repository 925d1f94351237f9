// Package inspect says what is in an image: it lists, verifies, compares,
// extracts and explains, and aligns an image anew for a board.
//
// Each is one function that takes an [Image] and returns a result struct. The
// structs are what the CLI prints as text or JSON and what reports are drawn
// from; nothing in here prints. Offsets count from the first byte of the image,
// sizes are in bytes, and paths are slash paths in the image without a leading
// slash, where names may be any bytes.
//
//   - [List]: entries with offsets, stored sizes, kinds, digests and alignment
//   - [Verify]: findings with codes, of the format, a sidecar and a board
//   - [Diff]: files that differ, and flash blocks that a deploy would send
//   - [Extract]: files of an image to a directory
//   - [Align]: an image whose files lie as a board needs
//   - [Explain]: why each file of a build is where it is
package inspect
