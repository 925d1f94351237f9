// Package mpy compiles MicroPython source to .mpy files with the official
// mpy-cross, and tells which .mpy files a firmware can load.
//
// [ParseHeader] reads the header of a .mpy file, and [ABI.Accepts] applies the
// rule by which MicroPython's loader accepts or refuses it. [Find] looks for
// the right release of mpy-cross, or fetches it. [Compiler.Compile] compiles
// one source; [Batch] compiles many, on several processes and through a
// [Cache] that several builds may use at once.
//
// Output is a function of the source, its [Options] and the compiler binary
// alone: the name embedded in the .mpy is the module's destination, and no file
// is ever written beside the sources.
package mpy
