//go:build !windows

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bashSession loads a completion script and prints what the Tab key would offer
// behind the words of a command line. _get_comp_words_by_ref comes with the
// package bash-completion; for words without colons and equals signs it is
// this.
const bashSession = `
_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}; }
__ltrim_colon_completions() { :; }
compopt() { :; } # works behind the Tab key only
source "$1" || exit
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
COMP_TYPE=9
complete -p "$1" >/dev/null || exit
__start_romfs
printf '%s\n' "${COMPREPLY[@]}"
`

// TestCompletionInBash: a real bash that has read the script completes verbs,
// flags and their values.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	code, script, errs := runHere(t, nil, "completion", "bash")
	if code != 0 {
		t.Fatal(errs)
	}
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, []byte(script), 0o666); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"romfs ver":                       "verify",
		"romfs build --offl":              "--offline",
		"romfs build --board openmv-rt":   "openmv-rt1062",
		"romfs ls a.romfs --board pybd-s": "pybd-sf6",
		"romfs deploy --allow non-as":     "non-ascii",
		"romfs boards openmv-ae":          "openmv-ae3",
		"romfs schema bo":                 "board",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			// Its romfs is the one on PATH, as testscript.Main provides it.
			code, out := invoke(t, exec.Command("bash", append([]string{"-c", bashSession, "bash", path}, strings.Fields(line)...)...))
			offered := strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
			ok := slices.ContainsFunc(offered, func(s string) bool { return strings.Fields(s)[0] == want })
			if code != 0 || !ok {
				t.Errorf("exit %d, offered %q, want %s", code, offered, want)
			}
		})
	}
}
