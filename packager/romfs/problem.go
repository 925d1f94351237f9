package romfs

import "fmt"

// A Severity tells how bad a problem is.
type Severity int

const (
	// Warning marks what works on a board, but not with every tool, or not as
	// the author of the image can have meant it.
	Warning Severity = iota
	// Error marks what the driver silently gets wrong.
	Error
)

func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// MarshalText gives the severity as JSON has it: "error" or "warning".
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Code identifies a kind of problem, for tests and tools.
type Code = string

// The codes of problems, with what MicroPython's driver does about each.
const (
	// The image as a whole.
	CodeUnreadable = "unreadable"  // the image could not be read
	CodeNotImage   = "not-image"   // refused: no magic, or less than four bytes
	CodeTruncated  = "truncated"   // refused: the outer length reaches beyond what is there
	CodeWrap       = "length-wrap" // mounted as an empty or arbitrary file system where the length wraps
	CodeOddSize    = "odd-size"    // accepted; the format demands an even size
	CodeLongHeader = "long-header" // accepted; mpremote's query shows the size as 0

	// Records.
	CodeOverrun      = "overrun"         // followed: the driver leaves the directory, or memory
	CodeCut          = "cut"             // ends the directory here
	CodeUnused       = "unused-record"   // ends the directory here
	CodeKindWrap     = "kind-wrap"       // means another kind on a 32-bit board
	CodeUnknownKind  = "unknown-kind"    // skipped
	CodeMisplaced    = "misplaced"       // skipped: a record that has no meaning where it is
	CodeNoData       = "no-data"         // hides the file, and all later entries in listings
	CodeExtraData    = "extra-data"      // ignored: a second data record
	CodePointerCut   = "pointer-cut"     // as no-data
	CodePointerRange = "pointer-outside" // followed out of the image

	// Names.
	CodeNameOverrun   = "name-overrun"   // compared with bytes outside its record
	CodeNameEmpty     = "name-empty"     // listed, never found
	CodeNameDot       = "name-dot"       // "." and "..": an ordinary name to the driver alone
	CodeNameSlash     = "name-slash"     // found only by its full spelling
	CodeNameNUL       = "name-nul"       // listed, never found
	CodeNameNotUTF8   = "name-not-utf8"  // os.listdir of its directory raises UnicodeError
	CodeDuplicateName = "duplicate-name" // listed, never found: the first wins
	CodeMore          = "more"           // problems that are not listed
)

// hides are the codes of problems that, as errors, keep a reader from files.
var hides = map[Code]bool{
	CodeUnreadable: true, CodeNotImage: true, CodeTruncated: true, CodeWrap: true,
	CodeOverrun: true, CodeCut: true, CodeUnused: true, CodeKindWrap: true, CodeNoData: true,
	CodePointerCut: true, CodePointerRange: true, CodeNameOverrun: true,
}

// A Problem is a defect of an image.
type Problem struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	Offset   int64    `json:"offset"` // of the defect, from the first byte of the image
	// Path is the entry that the defect belongs to, "." for the image and its
	// root; a path of more than 4 KiB is cut at the front.
	Path string `json:"path"`
	// Message says what is wrong, what a board makes of it, and what to do.
	Message string `json:"message"`
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s at offset %d: %s (%s)", p.Severity, p.Path, p.Offset, p.Message, p.Code)
}
