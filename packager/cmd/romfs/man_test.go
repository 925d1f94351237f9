package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

var manPages = flag.String("man", "", "write the man pages into this `folder`, which is there; tools/release does. Their date is $SOURCE_DATE_EPOCH")

// fence has the pages keep the lines of what help texts indent: lists and commands.
// The text of a page is taken for Markdown.
func fence(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true // else each page would have the time in it
	var b strings.Builder
	inside := false
	for line := range strings.Lines(cmd.Long + "\n") {
		blank, indented := strings.TrimSpace(line) == "", strings.HasPrefix(line, "  ")
		if !blank && indented != inside {
			b.WriteString("\n```\n")
			inside = indented
		}
		b.WriteString(line)
	}
	if inside {
		b.WriteString("```\n")
	}
	cmd.Long = b.String()
	for _, sub := range cmd.Commands() {
		fence(sub)
	}
}

// TestManPages: every verb has a page, with its flags and exit codes in it.
func TestManPages(t *testing.T) {
	dir := *manPages
	if dir == "" {
		dir = t.TempDir()
	}
	root := documented()[0].Root()
	fence(root)
	if err := doc.GenManTree(root, &doc.GenManHeader{Title: "ROMFS", Section: "1", Source: "romfs", Manual: "rules_romfs"}, dir); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range documented() {
		page, err := os.ReadFile(filepath.Join(dir, "romfs-"+cmd.Name()+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range []string{".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLE", "SEE ALSO"} {
			if !strings.Contains(string(page), want) {
				t.Errorf("romfs-%s.1 has no %s", cmd.Name(), want)
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "romfs.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range exitMeanings {
		if !strings.Contains(string(page), e.meaning) {
			t.Errorf("romfs.1 does not say %q", e.meaning)
		}
	}
}
