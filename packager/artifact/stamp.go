package artifact

import (
	"encoding/json"
	"io"
	"io/fs"

	"golang.org/x/mod/semver"
)

// StampName is the file in which an image says what it is, if its manifest asks
// for that.
const StampName = "romfs.json"

// A Stamp is the content of that file.
type Stamp struct {
	Name    string `json:"name"`
	Release string `json:"release,omitempty"` // semantic version; empty if the manifest states none

	// Content is the sha256 of a list of the image's other files as sha256sum
	// prints it, sorted by path.
	Content Digest `json:"content"`
}

// maxStamp bounds in bytes what is read as a stamp.
const maxStamp = 4 << 10

// ReadStamp returns the stamp of an image; nil if it has none that can be read.
// Errors of reading are those of the board or file that the image lies in.
func ReadStamp(image fs.FS) (*Stamp, error) {
	f, err := image.Open(StampName)
	if err != nil {
		return nil, nil // no such file, or an image that is damaged there
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxStamp))
	if err != nil {
		return nil, err
	}
	var s Stamp
	if json.Unmarshal(data, &s) != nil {
		return nil, nil // somebody's own file of that name
	}
	return &s, nil
}

// Older reports whether release a is older than b, by the rules of semantic
// versions; of no release, and of what is none, nothing is older.
func Older(a, b string) bool {
	return semver.IsValid("v"+a) && semver.IsValid("v"+b) && semver.Compare("v"+a, "v"+b) < 0
}
