// Package vfsrom has the driver of a real MicroPython read images, for tests: what
// it mounts, lists and reads, and at which offsets.
package vfsrom

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rules_romfs/internal/peer"
)

// script is what the interpreter runs.
//
//go:embed run.py
var script string

// A Case is an image for MicroPython's driver, and paths to look up in it.
type Case struct {
	Image any      `json:"image"` // hex, or map {"file": path}
	Paths []string `json:"paths,omitempty"`
	Align int      `json:"align,omitempty"` // of the partition's base
}

// CaseOf is the case of an image in memory, on a partition that is aligned as
// boards' are.
func CaseOf(image []byte) Case { return Case{Image: hex.EncodeToString(image), Align: 4096} }

// Sum is Fact.Sum of a file with that content.
func Sum(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// A Result is what the driver makes of it.
type Result struct {
	Mount int             `json:"mount"` // errno
	List  map[string]Fact `json:"list"`  // by path with a leading slash
	Paths map[string]Fact `json:"paths"`
	Died  bool            `json:"-"` // it crashed, or hung
}

// A Fact is what the driver says of one path.
type Fact struct {
	Err    string // not empty: not found, or worse
	Dir    bool
	Size   int64
	Offset int64
	Sum    string
}

// NotFound is Fact.Err of a path that the driver does not find.
const NotFound = "2" // ENOENT

func (f *Fact) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		f.Err = strings.Trim(string(b), `"`)
		return nil
	}
	var kind string
	err := json.Unmarshal(b, &[]any{&kind, &f.Size, &f.Offset, &f.Sum})
	f.Dir = kind == "d"
	return err
}

// Run runs MicroPython's own VfsRom over all cases, some hundreds in a process.
// The driver trusts what it reads, so an image may crash or hang it: that ends
// one process, which has so many seconds of processor time, and the next
// continues behind that case.
func Run(tb testing.TB, cases []Case, seconds int) []Result {
	tb.Helper()
	// The interpreter takes no path of more than 255 bytes, and a sandbox may have
	// a deeper folder: it gets the script itself, and runs where the cases are.
	dir := tb.TempDir()
	results := make([]Result, 0, len(cases))
	for len(results) < len(cases) {
		first, last := len(results), min(len(results)+200, len(cases))
		// Only these: to skip thousands of cases would take the script longer
		// than the limit, which is for the driver.
		var b bytes.Buffer
		longest := 0
		for _, c := range cases[first:last] {
			line, err := json.Marshal(c)
			if err != nil {
				tb.Fatal(err)
			}
			b.Write(append(line, '\n'))
			longest = max(longest, len(line))
		}
		heap := 64 + longest>>20*8 // MiB: a file's image is not in its line
		if err := os.WriteFile(filepath.Join(dir, "cases.json"), b.Bytes(), 0o666); err != nil {
			tb.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", `ulimit -t "$1" && shift && exec "$@"`, "sh", strconv.Itoa(seconds),
			peer.MicroPython(tb), "-X", fmt.Sprintf("heapsize=%dm", heap), "-c", script, "cases.json", "0", strconv.Itoa(last-first))
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			tb.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			tb.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			var r Result
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				break // a line cut off by the end of the process
			}
			results = append(results, r)
		}
		err = cmd.Wait()
		if len(results) < last {
			if err == nil || stderr.Len() > 0 {
				tb.Fatalf("case %d: the driver's script failed: %v\n%s", len(results), err, stderr.String())
			}
			results = append(results, Result{Died: true})
		}
	}
	return results
}
