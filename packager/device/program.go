package device

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"rules_romfs/internal/pyshrink"
	"rules_romfs/packager/board"
)

// The programs that run on the board, in files that each begin with what they
// need of others and what they give. They are kept readable and sent shrunk.
//
//go:embed program/*.py
var programFiles embed.FS

// source returns one of the files.
func source(name string) string {
	b, err := programFiles.ReadFile("program/" + name + ".py")
	if err != nil {
		panic(err) // embedded
	}
	return string(b)
}

// shortNames are the short names that all the files share: one may be sent long after
// those that it needs.
var shortNames = sync.OnceValue(func() pyshrink.Names {
	list, err := fs.Glob(programFiles, "program/*.py")
	if err != nil {
		panic(err) // the pattern is a valid one
	}
	var all []string
	for _, name := range list {
		all = append(all, source(strings.TrimSuffix(strings.TrimPrefix(name, "program/"), ".py")))
	}
	return pyshrink.NamesOf(all...)
})

// Choices are what the host decides in a program: values of names that its files
// set at module level.
type choices map[string]any

// program returns files, one behind the other, as they are sent.
func program(chosen choices, files ...string) string {
	var text strings.Builder
	for _, name := range files {
		text.WriteString(source(name))
	}
	out := text.String()
	for name, value := range chosen {
		set := regexp.MustCompile(`(?m)^` + name + ` = .*$`)
		if n := len(set.FindAllString(out, -1)); n != 1 {
			panic(fmt.Sprintf("the program sets %s %d times", name, n))
		}
		out = set.ReplaceAllLiteralString(out, name+" = "+python(value))
	}
	return shortNames().Shrink(out)
}

// python returns a value as Python writes it.
func python(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "1"
		}
		return "0"
	case string:
		return strconv.QuoteToASCII(v) // names of modules: Go and Python quote alike
	default:
		return fmt.Sprint(v)
	}
}

// encoding returns the file with the encoding of bytes in answers.
func (f Features) encoding() string {
	if f.Base64 {
		return "text_base64"
	}
	return "text_hex"
}

// hashing returns the file with the hash that a partition's contents are compared by.
func (f Features) hashing() string {
	if f.SHA256 {
		return "hash_sha256"
	}
	return "hash_sum32"
}

// reading returns the files with which a partition is read.
func (s Segment) reading() []string {
	switch {
	case s.Kind == board.BlockDevice:
		return []string{"partition", "read_blocks"}
	case s.Size > 16<<20:
		return []string{"partition", "read_far"}
	}
	return []string{"partition", "read_memory"}
}

// writing returns the file with which a partition is written.
func (s Segment) writing() string {
	if s.Kind == board.BlockDevice {
		return "write_blocks"
	}
	return "write_memory"
}
