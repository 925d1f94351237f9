package simboard

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rules_romfs/packager/board"
	"rules_romfs/packager/simboard/flashsim"
)

// Faults are the ways in which boards and links misbehave. The zero value is a
// perfect board on a perfect link. [FaultHelp] lists them by the names that
// [Options.SetFault] takes. Everything random comes from Options.Seed.
type Faults struct {
	// The link.
	Baud        int           // bits a second, 10 a byte; 0: no limit
	Latency     time.Duration // each way
	ToBoard     Disturbance   // of the bytes that the host sends
	ToHost      Disturbance   // of the bytes that the board sends
	Noise       int           // a line of log output about every so many bytes of the board's; 0: none
	Ring        int           // bytes of the receive ring; 0: 4096
	RingDrops   bool          // a full ring loses bytes; otherwise it holds the link back
	Deaf        int           // while flash is busy only so many bytes are received, the rest is lost; 0: unaffected
	NoInterrupt bool          // the firmware takes no Ctrl-C while code runs (MICROPY_KBD_EXCEPTION is 0)
	IntrClears  bool          // Ctrl-C in running code empties the ring, as on TinyUSB ports
	ResetOnOpen bool          // opening the port resets the board
	BootTime    time.Duration // after a hard reset or power-on; bytes that arrive meanwhile are lost
	USB         time.Duration // a hard reset re-enumerates: the ports vanish for so long, the pty gets another name; 0: they stay
	CutAtByte   int64         // the power goes off when so many bytes have come from the host; 0: never

	// REPL and interpreter.
	RawPaste   RawPaste
	Window     int           // raw-paste window, bytes; 0: 128
	MaxPaste   int           // raw-paste of more bytes is aborted with MemoryError; 0: no limit
	AbortPaste int           // the first raw-paste of more bytes is aborted with MemoryError; 0: none
	Heap       int           // bytes of free heap at the prompt; 0: plenty
	Largest    int           // bytes of the largest free block, at most Heap; 0: not fragmented
	Missing    []string      // modules ("hashlib") and names in modules ("binascii.crc32") that the firmware lacks
	Narrow     bool          // memoryview slices beyond 16 MiB raise OverflowError, as on 32-bit builds
	BusyMain   bool          // main.py runs for ever
	ROMImports []string      // modules that boot.py imports (from /rom)
	ROMThread  bool          // the last of ROMImports is called as a function in a thread: its run()
	Watchdog   time.Duration // boot.py starts a watchdog that nothing feeds; 0: none

	// Flash.
	EraseTime   time.Duration // a block
	ProgramTime time.Duration // a page, or a write unit where there are no pages
	Unaligned   bool          // writes that do not start and end on a write unit return -22
	Fail        string        // the op that fails: "1" to "6" return -22; on block devices "count", "size", "erase", "write"
	FailFrom    int           // from which call of it on, counted from 1; 0: 1
	BadBlock    []int         // erase blocks in which one bit of each page stays 1
	WeakBlock   []int         // the same, but only in the first program of each page
	Cut         *flashsim.Cut // the power goes off in a flash step
	PowerBack   time.Duration // after a cut the power comes back after so long; 0: it stays off
}

// A Disturbance spoils bytes on their way.
type Disturbance struct {
	Lose, Flip, Double int // about one byte in so many is lost, has a bit flipped, arrives twice; 0: none
}

// RawPaste is how the REPL answers a request for raw-paste mode.
type RawPaste int

// The ways.
const (
	PasteOn      RawPaste = iota
	PasteRefused          // answers R 00: understood, not supported
	PasteUnknown          // knows nothing of it, as before 1.14
)

// A faultDef is one fault as the command line names it.
type faultDef struct {
	name, value, doc string
	set              func(o *Options, v string) error
}

// faultDefs is the list of faults, in the order of the help text.
var faultDefs = []faultDef{
	{"baud", "N", "the link carries N bits a second, 10 a byte", intFault(func(f *Faults) *int { return &f.Baud })},
	{"latency", "TIME", "bytes arrive so much later, each way", timeFault(func(f *Faults) *time.Duration { return &f.Latency })},
	{"lose", "N", "about one byte in N from the host is lost", intFault(func(f *Faults) *int { return &f.ToBoard.Lose })},
	{"flip", "N", "about one byte in N from the host has a bit flipped", intFault(func(f *Faults) *int { return &f.ToBoard.Flip })},
	{"double", "N", "about one byte in N from the host arrives twice", intFault(func(f *Faults) *int { return &f.ToBoard.Double })},
	{"reply-lose", "N", "about one byte in N from the board is lost", intFault(func(f *Faults) *int { return &f.ToHost.Lose })},
	{"reply-flip", "N", "about one byte in N from the board has a bit flipped", intFault(func(f *Faults) *int { return &f.ToHost.Flip })},
	{"reply-double", "N", "about one byte in N from the board arrives twice", intFault(func(f *Faults) *int { return &f.ToHost.Double })},
	{"noise", "N", "a line of log output comes about every N bytes of output, anywhere in it", intFault(func(f *Faults) *int { return &f.Noise })},
	{"ring", "N", "the receive ring has N bytes; a full one holds the link back", intFault(func(f *Faults) *int { return &f.Ring })},
	{"ring-drops", "", "a full receive ring loses bytes", boolFault(func(f *Faults) *bool { return &f.RingDrops })},
	{"deaf", "N", "while flash is busy only N bytes are received, the rest is lost", intFault(func(f *Faults) *int { return &f.Deaf })},
	{"no-interrupt", "", "the firmware takes no Ctrl-C while code runs", boolFault(func(f *Faults) *bool { return &f.NoInterrupt })},
	{"intr-clears", "", "Ctrl-C in running code empties the receive ring", boolFault(func(f *Faults) *bool { return &f.IntrClears })},
	{"reset-on-open", "", "the board resets when its port is opened", boolFault(func(f *Faults) *bool { return &f.ResetOnOpen })},
	{"boot-time", "TIME", "a hard reset takes so long; what arrives meanwhile is lost", timeFault(func(f *Faults) *time.Duration { return &f.BootTime })},
	{"usb", "TIME", "a hard reset re-enumerates: the ports vanish for so long, the pty gets another name", timeFault(func(f *Faults) *time.Duration { return &f.USB })},
	{"cut-byte", "N", "the power goes off when N bytes have come from the host", int64Fault(func(f *Faults) *int64 { return &f.CutAtByte })},
	{"raw-paste", "on|refused|unknown", "how the REPL answers a request for raw-paste", setRawPaste},
	{"window", "N", "the raw-paste window is N bytes", intFault(func(f *Faults) *int { return &f.Window })},
	{"max-paste", "N", "raw-paste of more than N bytes is aborted with MemoryError", intFault(func(f *Faults) *int { return &f.MaxPaste })},
	{"abort-paste", "N", "the first raw-paste of more than N bytes is aborted with MemoryError", intFault(func(f *Faults) *int { return &f.AbortPaste })},
	{"heap", "SIZE", "so much heap is free at the prompt", sizeFault(func(f *Faults) *int { return &f.Heap })},
	{"largest", "SIZE", "the largest free block of the heap is so large", sizeFault(func(f *Faults) *int { return &f.Largest })},
	{"missing", "NAME", "the firmware lacks a module (hashlib) or a name in one (binascii.crc32, sys.stdin.buffer)", listFault(func(f *Faults) *[]string { return &f.Missing })},
	{"narrow", "", "memoryview slices beyond 16 MiB raise OverflowError, as on 32-bit builds", boolFault(func(f *Faults) *bool { return &f.Narrow })},
	{"busy-main", "", "main.py runs for ever", boolFault(func(f *Faults) *bool { return &f.BusyMain })},
	{"rom-import", "MODULE", "boot.py imports a module, from /rom if it is there", listFault(func(f *Faults) *[]string { return &f.ROMImports })},
	{"rom-thread", "", "boot.py runs run() of the last rom-import in a thread", boolFault(func(f *Faults) *bool { return &f.ROMThread })},
	{"watchdog", "TIME", "boot.py starts a watchdog of that timeout, which nothing feeds", timeFault(func(f *Faults) *time.Duration { return &f.Watchdog })},
	{"old-firmware", "", "no op 6; prepare takes its offset for the length, as up to 1.28", func(o *Options, v string) error { o.Generation = Old; return noValue(v) }},
	{"no-rom", "", "the firmware has no rom_ioctl", func(o *Options, v string) error { o.NoROM = true; return noValue(v) }},
	{"erase-time", "TIME", "erasing a block takes so long", timeFault(func(f *Faults) *time.Duration { return &f.EraseTime })},
	{"program-time", "TIME", "programming a page takes so long", timeFault(func(f *Faults) *time.Duration { return &f.ProgramTime })},
	{"unaligned-fails", "", "writes that do not start and end on a write unit return -22", boolFault(func(f *Faults) *bool { return &f.Unaligned })},
	{"fail", "OP[@N]", "an op fails from its Nth call on: 1 to 6 return -22; count, size, erase, write on block devices", setFail},
	{"bad-block", "N", "in erase block N one bit of each page cannot be programmed", intsFault(func(f *Faults) *[]int { return &f.BadBlock })},
	{"weak-block", "N", "the same, but only the first time that a page is programmed", intsFault(func(f *Faults) *[]int { return &f.WeakBlock })},
	{"cut", "STEP[+BYTES[+BITS]]", "the power goes off in that flash step, counted from 0, after so much of it", setCut},
	{"power-back", "TIME", "after a cut the power comes back after so long", timeFault(func(f *Faults) *time.Duration { return &f.PowerBack })},
	{"seed", "N", "of everything random", setSeed},
}

// A FaultError says that a fault's name or value is not understood.
type FaultError struct{ Fault, Problem string }

func (e *FaultError) Error() string { return fmt.Sprintf("fault %q: %s", e.Fault, e.Problem) }

// SetFault turns on a fault, given as NAME or NAME=VALUE. Errors are *FaultError.
func (o *Options) SetFault(fault string) error {
	name, value, _ := strings.Cut(fault, "=")
	i := slices.IndexFunc(faultDefs, func(d faultDef) bool { return d.name == name })
	if i < 0 {
		return &FaultError{fault, "there is no such fault; `romfs sim --fault help` lists them"}
	}
	if err := faultDefs[i].set(o, value); err != nil {
		return &FaultError{fault, err.Error() + "; " + faultDefs[i].usage()}
	}
	return nil
}

func (d *faultDef) usage() string {
	if d.value == "" {
		return d.name
	}
	return d.name + "=" + d.value
}

// FaultHelp lists the faults, one a line: how it is written, and what it does.
func FaultHelp() string {
	var s strings.Builder
	for _, d := range faultDefs {
		fmt.Fprintf(&s, "%-26s %s\n", d.usage(), d.doc)
	}
	return s.String()
}

func noValue(v string) error {
	if v != "" {
		return fmt.Errorf("it takes no value")
	}
	return nil
}

func boolFault(field func(*Faults) *bool) func(*Options, string) error {
	return func(o *Options, v string) error {
		*field(&o.Faults) = true
		return noValue(v)
	}
}

func intFault(field func(*Faults) *int) func(*Options, string) error {
	return func(o *Options, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n <= 0 {
			return fmt.Errorf("%q is no positive number", v)
		}
		*field(&o.Faults) = n
		return nil
	}
}

func int64Fault(field func(*Faults) *int64) func(*Options, string) error {
	return func(o *Options, v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 {
			return fmt.Errorf("%q is no positive number", v)
		}
		*field(&o.Faults) = n
		return nil
	}
}

func intsFault(field func(*Faults) *[]int) func(*Options, string) error {
	return func(o *Options, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no number", v)
		}
		*field(&o.Faults) = append(*field(&o.Faults), n)
		return nil
	}
}

func sizeFault(field func(*Faults) *int) func(*Options, string) error {
	return func(o *Options, v string) error {
		n, err := board.ParseSize(v)
		if err != nil {
			return err
		}
		*field(&o.Faults) = int(n)
		return nil
	}
}

func timeFault(field func(*Faults) *time.Duration) func(*Options, string) error {
	return func(o *Options, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is no time, as in 55ms or 30s", v)
		}
		*field(&o.Faults) = d
		return nil
	}
}

func listFault(field func(*Faults) *[]string) func(*Options, string) error {
	return func(o *Options, v string) error {
		if v == "" {
			return fmt.Errorf("it needs a name")
		}
		*field(&o.Faults) = append(*field(&o.Faults), v)
		return nil
	}
}

func setRawPaste(o *Options, v string) error {
	modes := map[string]RawPaste{"on": PasteOn, "refused": PasteRefused, "unknown": PasteUnknown}
	mode, ok := modes[v]
	if !ok {
		return fmt.Errorf("%q is none of on, refused, unknown", v)
	}
	o.Faults.RawPaste = mode
	return nil
}

// failOps are the operations that Faults.Fail knows.
var failOps = []string{"1", "2", "3", "4", "5", "6", "count", "size", "erase", "write"}

func setFail(o *Options, v string) error {
	op, from, counted := strings.Cut(v, "@")
	o.Faults.Fail = op
	if counted {
		n, err := strconv.Atoi(from)
		if err != nil || n <= 0 {
			return fmt.Errorf("%q is no positive number", from)
		}
		o.Faults.FailFrom = n
	}
	if !slices.Contains(failOps, op) {
		return fmt.Errorf("%q is none of %s", op, strings.Join(failOps, ", "))
	}
	return nil
}

func setCut(o *Options, v string) error {
	var c flashsim.Cut
	for i, s := range strings.Split(v, "+") {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || i > 2 {
			return fmt.Errorf("%q is no place to cut", v)
		}
		switch i {
		case 0:
			c.Step = int(n)
		case 1:
			c.Bytes = n
		case 2:
			c.Bits = int(n)
		}
	}
	o.Faults.Cut = &c
	return nil
}

func setSeed(o *Options, v string) error {
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", v)
	}
	o.Seed = n
	return nil
}

// check finds values that no fault has, and sets the few that depend on others.
func (f *Faults) check() error {
	if f.Fail != "" && !slices.Contains(failOps, f.Fail) {
		return optionError("%q is none of %s", f.Fail, strings.Join(failOps, ", "))
	}
	if f.Largest > 0 && f.Heap == 0 {
		return optionError("fragmentation (largest) needs a heap size (heap)")
	}
	if f.ROMThread && len(f.ROMImports) == 0 {
		return optionError("a thread (rom-thread) needs a module (rom-import)")
	}
	setDefault(&f.Window, 128)
	setDefault(&f.Ring, 4096)
	return nil
}

// habits are the faults of the flash.
func (f *Faults) habits() flashsim.Habits {
	return flashsim.Habits{EraseTime: f.EraseTime, ProgramTime: f.ProgramTime, BadBlock: f.BadBlock, WeakBlock: f.WeakBlock, Cut: f.Cut}
}

// bootFiles are the files that the faults put on the board.
func (f *Faults) bootFiles() map[string]string {
	files := map[string]string{}
	var boot strings.Builder
	if f.Watchdog > 0 {
		fmt.Fprintf(&boot, "import machine\nmachine.WDT(timeout=%d)\n", max(1, f.Watchdog.Milliseconds()))
	}
	for _, m := range f.ROMImports {
		fmt.Fprintf(&boot, "try:\n    import %s\nexcept ImportError:\n    pass\n", m)
	}
	if f.ROMThread {
		m := f.ROMImports[len(f.ROMImports)-1]
		fmt.Fprintf(&boot, "import sys, _thread\nif %q in sys.modules:\n    _thread.start_new_thread(%s.run, ())\n", m, m)
	}
	if boot.Len() > 0 {
		files["boot.py"] = boot.String()
	}
	if f.BusyMain {
		files["main.py"] = "n = 0\nwhile True:\n    n += 1\n"
	}
	return files
}
