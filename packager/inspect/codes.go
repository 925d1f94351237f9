package inspect

import (
	kinds "rules_romfs/packager/content"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/romfs"
)

// A CodeInfo says what the findings of one code are about.
type CodeInfo struct {
	Code    string
	Concern Concern
	Meaning string // what is wrong, and what a board makes of it
}

// Codes lists the codes of findings, in the order of what they are about.
func Codes() []CodeInfo {
	return []CodeInfo{
		{romfs.CodeUnreadable, AboutImage, "the file cannot be read"},
		{romfs.CodeNotImage, AboutImage, "it does not begin as an image: no board mounts it"},
		{romfs.CodeTruncated, AboutImage, "it ends before its length says: no board mounts it"},
		{romfs.CodeWrap, AboutImage, "its length exceeds 32 bits: a board may mount an empty or arbitrary file system"},
		{romfs.CodeOddSize, AboutImage, "its size is odd, which the format does not allow; boards take it (layout openmv makes such images)"},
		{romfs.CodeLongHeader, AboutImage, "its header is longer than `mpremote romfs query` reads (layout openmv, and images for ECC flash)"},
		{romfs.CodeOverrun, AboutImage, "a record reaches beyond what it lies in: a board leaves the directory, or memory"},
		{romfs.CodeCut, AboutImage, "a number is cut off: a board ends the directory there"},
		{romfs.CodeUnused, AboutImage, "a record is marked as unused, which means damage: a board ends the directory there"},
		{romfs.CodeKindWrap, AboutImage, "a record's kind exceeds 32 bits: it means something else on every board"},
		{romfs.CodeUnknownKind, AboutImage, "a record of a kind that readers skip: a newer format, or damage"},
		{romfs.CodeMisplaced, AboutImage, "a record that has no meaning where it is, and is skipped"},
		{romfs.CodeNoData, AboutImage, "a file without content: a board cannot open it, and lists nothing behind it"},
		{romfs.CodeExtraData, AboutImage, "a second content, which readers ignore"},
		{romfs.CodePointerCut, AboutImage, "a pointer to content is cut off: as `no-data`"},
		{romfs.CodePointerRange, AboutImage, "a pointer leaves the image: a board reads whatever is there"},
		{romfs.CodeNameOverrun, AboutImage, "a name reaches beyond its record"},
		{romfs.CodeNameEmpty, AboutImage, "an empty name: it is listed, and never found"},
		{romfs.CodeNameDot, AboutImage, "a name `.` or `..`, which only the driver takes for an ordinary one"},
		{romfs.CodeNameSlash, AboutImage, "a slash in a name: it is found only by its full spelling"},
		{romfs.CodeNameNUL, AboutImage, "a NUL byte in a name: it is listed, and never found"},
		{romfs.CodeNameNotUTF8, AboutImage, "a name that is not UTF-8: listing its directory raises UnicodeError"},
		{romfs.CodeDuplicateName, AboutImage, "a second entry of one name: it is listed, and never opened"},
		{romfs.CodeMore, AboutImage, "the number of problems that are not listed"},
		{CodeTooLarge, AboutImage, "the image does not fit into the board's partition"},
		{pack.WarnEnd, AboutImage, "it reaches into the end of the partition that the board cannot read safely"},
		{CodeNested, AboutImage, "an image in an image that is not checked: one of too many, or too deep"},
		{kinds.CodeLFS, AboutImage, "a pointer of git-lfs in the place of the file"},
		{kinds.CodeMismatch, AboutImage, "a file that does not begin as files of its suffix do"},
		{kinds.CodeEmpty, AboutImage, "an empty file that by its suffix is a model or a picture"},
		{kinds.CodeTruncated, AboutImage, "a model or module that is shorter than it says itself"},
		{CodeSidecar, AboutSidecar, "the sidecar describes another image"},
		{CodeMisaligned, AboutBoard, "a file is less aligned than the board's rule needs, or than its sidecar asks for (that is about the image)"},
		{CodeNotMPY, AboutBoard, "a .mpy file that is none: no firmware imports it"},
		{CodeABI, AboutBoard, "a .mpy file that the board's firmware cannot load"},
		{CodeUnknownBoard, AboutBoard, "the sidecar names a board that is not built in, so nothing was checked for it"},
	}
}
