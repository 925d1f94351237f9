package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/manifest"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/report"
	"rules_romfs/packager/simboard"
)

// app is what every verb shares: streams, the flags that all have, and the
// reporter. It holds no state of the work itself.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	again          func(ctx context.Context, args []string, stdout, stderr io.Writer) int // runs another command line

	output   string // --output
	events   string // --events
	progress string // --progress

	sims     simboard.Rack     // the boards of ports sim:
	stubs    []string          // --stub: directories of modules that stand in for the hardware of such boards
	short    *strings.Replacer // of the names of ports in lines; nil: they are short
	reporter report.Reporter
	bars     *report.Bars // to close; nil without bars
	printed  bool         // the one result object of --output json is out
	running  bool         // the command line was understood; the verb runs
	unknown  error        // help was asked for about something that is not there
}

// verb is a command of romfs: its name, as in its Use, and what makes it.
type verb struct {
	name string
	make func(*app) *cobra.Command
}

// verbs is the list of commands. To add one, write cmd_NAME.go and a line here.
var verbs = []verb{
	{"build", newBuildCmd},
	{"ls", newLsCmd},
	{"cat", newCatCmd},
	{"extract", newExtractCmd},
	{"verify", newVerifyCmd},
	{"align", newAlignCmd},
	{"diff", newDiffCmd},
	{"explain", newExplainCmd},
	{"report", newReportCmd},
	{"ram", newRAMCmd},
	{"init", newInitCmd},
	{"import", newImportCmd},
	{"boards", newBoardsCmd},
	{"schema", newSchemaCmd},
	{"export", newExportCmd},
	{"deploy", newDeployCmd},
	{"query", newQueryCmd},
	{"pull", newPullCmd},
	{"monitor", newMonitorCmd},
	{"selftest", newSelftestCmd},
	{"ports", newPortsCmd},
	{"sim", newSimCmd},
	{"sbom", newSBOMCmd},
	{"sign", newSignCmd},
	{"rebuild", newRebuildCmd},
	{"version", newVersionCmd},
	{"bazel", newBazelCmd},
}

// newRoot makes the command that runs args. Where they begin with a verb it has
// that one only: the flags of all take 0.7 ms and 250 KB.
func newRoot(a *app, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "romfs",
		Short: "Build, read and ship ROMFS images for MicroPython",
		Long: `romfs turns a manifest or a directory into one reproducible ROMFS image for
MicroPython, reads and compares such images, and deploys them to boards.

Results go to stdout, everything else to stderr. Exit codes:
` + exitHelp(),
		Version:       version(),
		Args:          cobra.ArbitraryArgs, // an unknown verb is ours to word
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownVerb(cmd, args[0])
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, args []string) error { return a.start() },
	}
	root.SetVersionTemplate("romfs {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		msg, _, _ := strings.Cut(err.Error(), ": strconv.") // Go's own words help nobody
		return &usageError{fmt.Sprintf("%s; see `%s --help`", msg, cmd.CommandPath())}
	})
	f := root.PersistentFlags()
	f.StringVar(&a.output, "output", "text", "print results as `text|json`")
	f.StringVar(&a.events, "events", "", "print what happens to stderr as NDJSON: `json`")
	f.StringVar(&a.progress, "progress", "auto", "show progress as `auto|bar|log|none`")
	a.complete(root, "output", "text", "json")
	a.complete(root, "events", "json")
	a.complete(root, "progress", "auto", "bar", "log", "none")
	for _, verb := range called(args) {
		root.AddCommand(a.guard(verb.make(a)))
	}
	a.guardHelp(root)
	return root
}

// called returns the verbs that a command line can be about: the one that it
// begins with, or all.
func called(args []string) []verb {
	if len(args) > 0 {
		if i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == args[0] }); i >= 0 {
			return verbs[i : i+1]
		}
	}
	return verbs
}

// guardHelp has `romfs nonsense --help` and `romfs help nonsense` end as
// `romfs nonsense` does, not with the help for all.
func (a *app) guardHelp(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 {
			a.unknown = unknownVerb(cmd, cmd.Flags().Arg(0))
			return
		}
		help(cmd, args)
	})
	root.InitDefaultHelpCmd()
	cmd, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // cobra has just made it
	}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			if found, _, _ := root.Find(args); found == root {
				return unknownVerb(root, args[0])
			}
		}
		return nil
	}
}

// guard notes when a verb begins to run: every error before that, whoever
// words it, is one of the command line.
func (a *app) guard(cmd *cobra.Command) *cobra.Command {
	for _, sub := range cmd.Commands() {
		a.guard(sub)
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			return &usageError{fmt.Sprintf("it is `%s`, with %s given; see `%s --help`",
				strings.TrimSuffix(cmd.UseLine(), " [flags]"), report.Plural(int64(len(args)), "argument"), cmd.CommandPath())}
		}
	}
	if work := cmd.RunE; work != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if !cmd.DisableFlagParsing { // there, its own code knows what is what
				if err := refuseEmpty(cmd, args); err != nil {
					return err
				}
			}
			a.running = true
			return work(cmd, args)
		}
	}
	return cmd
}

// refuseEmpty is for scripts whose variable is not set: what `-o "$OUT"` then
// says is not that the default would do.
func refuseEmpty(cmd *cobra.Command, args []string) error {
	if i := slices.Index(args, ""); i >= 0 {
		return &usageError{fmt.Sprintf("argument %d is empty; leave it out, or give it a value", i+1)}
	}
	var empty error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" {
			empty = &usageError{fmt.Sprintf("--%s is empty; leave it out, or give it a value", f.Name)}
		}
	})
	return empty
}

// complete makes shell completion offer values for a flag.
func (a *app) complete(cmd *cobra.Command, flag string, values ...string) {
	register(cmd, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeBoard does so for a board: an id, or a file. The profiles are read
// only then.
func (a *app) completeBoard(cmd *cobra.Command, flag string) {
	register(cmd, flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return boardIDs(), cobra.ShellCompDirectiveDefault
	})
}

func register(cmd *cobra.Command, flag string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag of that name is not there: a mistake in this program
	}
}

// unknownVerb is the error for a verb that parent does not have.
func unknownVerb(parent *cobra.Command, name string) error {
	msg := fmt.Sprintf("there is no verb %q", name)
	if parent.HasParent() {
		msg = fmt.Sprintf("there is no `%s %s`", parent.CommandPath(), name)
	}
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		msg += "; did you mean " + strings.Join(near, " or ") + "?"
	} else {
		msg += fmt.Sprintf("; see `%s --help`", parent.CommandPath())
	}
	return &usageError{msg}
}

// start checks the shared flags and makes the reporter.
func (a *app) start() error {
	switch a.output {
	case "text", "json":
	default:
		wrong := a.output
		a.output = "text"
		return &usageError{fmt.Sprintf("--output takes text or json, not %q; did you mean -o %s (--out), the file to write?", wrong, wrong)}
	}
	switch a.events {
	case "":
	case "json":
		a.reporter = report.NewNDJSON(a.stderr)
		return nil
	default:
		return &usageError{fmt.Sprintf("--events takes json, not %q", a.events)}
	}
	mode := a.progress
	if mode == "auto" {
		if mode = "log"; isTerminal(a.stderr) && a.getenv("TERM") != "dumb" {
			mode = "bar"
		}
	}
	switch mode {
	case "bar":
		a.bars = report.NewBars(a.stderr)
		a.bars.Prefix = a.prefix
		a.reporter = report.Renamed(a.bars, a.shorten)
	case "log", "none":
		log := report.NewLog(a.stderr)
		log.Prefix = a.prefix
		// Unasked for, lines of progress would only clutter a script's log.
		log.Quiet = a.progress != "log"
		a.reporter = report.Renamed(log, a.shorten)
	default:
		return &usageError{fmt.Sprintf("--progress takes auto, bar, log or none, not %q", a.progress)}
	}
	return nil
}

// shorten puts short names of ports into what people read.
func (a *app) shorten(text string) string {
	if a.short == nil {
		return text
	}
	return a.short.Replace(text)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// prefix begins a message, in colour on a terminal unless NO_COLOR is set.
func (a *app) prefix(level report.Level) string {
	if level == report.Info {
		return ""
	}
	colour := "\x1b[33m"
	if level == report.Error {
		colour = "\x1b[31m"
	}
	if a.getenv("NO_COLOR") != "" || a.getenv("TERM") == "dumb" || !isTerminal(a.stderr) {
		return level.String() + ": "
	}
	return colour + level.String() + ":\x1b[0m "
}

// result prints what a verb found out: object with --output json, else what
// text writes. A verb calls it once, with its whole result.
func (a *app) result(object any, text func(w io.Writer) error) error {
	a.printed = true
	a.closeBars()
	if a.output == "json" {
		return a.printJSON(object)
	}
	if a.short == nil {
		if err := text(a.stdout); err != nil {
			return &pack.OutputError{Err: err}
		}
		return nil
	}
	var b strings.Builder
	err := text(&b)
	if _, werr := io.WriteString(a.stdout, a.shorten(b.String())); err == nil {
		err = werr
	}
	if err != nil {
		return &pack.OutputError{Err: err}
	}
	return nil
}

// several is the result object of a verb about several images of a manifest.
type several[T any] struct {
	Images []T `json:"images"`
}

// oneOrAll is the result object about images: that of the one there is, or a
// list of them.
func oneOrAll[T any](results []T) any {
	if len(results) == 1 {
		return results[0]
	}
	return several[T]{results}
}

func (a *app) printJSON(object any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(object); err != nil {
		return &pack.OutputError{Err: err}
	}
	return nil
}

// warnings reports the warnings of a build.
func (a *app) warnings(images []*pack.Image) {
	for _, im := range images {
		a.warn(im.Warnings)
	}
}

// warn reports the warnings of an image.
func (a *app) warn(warnings []pack.Warning) {
	for _, w := range warnings {
		a.reporter.Log(report.Warning, fmt.Sprintf("%s [%s]", w.Message, w.Code))
	}
}

// jsonFailure is the result object of a verb that failed before it had one.
type jsonFailure struct {
	Error jsonError `json:"error"`
}

type jsonError struct {
	ExitCode int      `json:"exit_code"`
	Stage    string   `json:"stage"`
	Messages []string `json:"messages"`
	// Code is that of the trouble, and Hint what to do about it, where the error
	// has them.
	Code string `json:"code,omitempty"`
	Hint string `json:"hint,omitempty"`
	// Defects are those of a manifest, board file or directory one by one,
	// each with its code.
	Defects manifest.Errors `json:"defects,omitempty"`
}

// closeBars ends the drawing on a terminal. What is printed there before would
// be drawn over.
func (a *app) closeBars() {
	if a.bars != nil {
		a.bars.Close()
	}
}

// exclusive is what cobra says about flags of which only one may be given.
var exclusive = lazyregexp.New(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)

// plainUsage says it shorter.
func plainUsage(msg string) string {
	m := exclusive().FindStringSubmatch(msg)
	if m == nil {
		return msg
	}
	return "--" + strings.Join(strings.Fields(m[1]), " and --") + " exclude each other: give one of them"
}

// finish reports how a command line ended and returns its exit code.
func (a *app) finish(ctx context.Context, err error) int {
	a.closeBars()
	if err == nil {
		err = a.unknown
	}
	if err != nil && !a.running {
		err = &usageError{plainUsage(err.Error())}
	}
	return a.complain(ctx, err)
}

// complain reports an error, if it is one, and returns the exit code for it.
func (a *app) complain(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var differs *differsError
	var reported *reportedError
	if err == nil || errors.As(err, &differs) || errors.As(err, &reported) {
		return code
	}
	messages := messages(err)
	if code == exitInterrupted {
		messages = interruption(ctx, err)
	}
	if a.reporter == nil { // the command line was not understood
		a.progress = "none"
		if a.start() != nil {
			a.reporter = report.NewLog(a.stderr)
		}
	}
	fields := map[string]any{"exit_code": code, "stage": exitNames[code], "messages": messages}
	trouble, hint := advice(err)
	if trouble != "" {
		fields["code"] = trouble
	}
	if hint != "" {
		fields["hint"] = hint
	}
	a.reporter.Event("error", fields)
	if a.events != "json" { // there the event has said it
		for _, m := range messages {
			a.reporter.Log(report.Error, m)
		}
	}
	if a.output == "json" && !a.printed {
		// stdout may be what failed; the exit code tells all the same.
		failure := jsonError{ExitCode: code, Stage: exitNames[code], Messages: messages, Code: trouble, Hint: hint}
		errors.As(err, &failure.Defects)
		_ = a.printJSON(jsonFailure{failure})
	}
	return code
}

// interruption is what there is to say after Ctrl-C, without the signal's name.
func interruption(ctx context.Context, err error) []string {
	var boards []string
	walk(err, func(e error) {
		if halfway, ok := e.(*deploy.InterruptedError); ok {
			boards = append(boards, halfway.Error())
		}
	})
	if len(boards) > 0 {
		return boards
	}
	said := strings.TrimSuffix(err.Error(), context.Cause(ctx).Error())
	said = strings.TrimSuffix(strings.TrimSuffix(said, context.Canceled.Error()), ": ")
	if said == "" {
		return []string{"interrupted"}
	}
	return []string{"interrupted: " + said}
}

// messages splits errors that were joined, so that each has a line of its own.
func messages(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && err.Error() == errors.Join(joined.Unwrap()...).Error() {
		var all []string
		for _, e := range joined.Unwrap() {
			all = append(all, messages(e)...)
		}
		return all
	}
	return []string{err.Error()}
}
