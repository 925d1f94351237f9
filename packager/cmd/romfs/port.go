package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rules_romfs/packager/board"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
)

// portFlags are those of every verb that talks to boards.
type portFlags struct {
	ports []string
	all   bool
	baud  int
	reset string
	wait  waitFlag
	file  string

	resetOf map[string]string // how the boards at the ports that were chosen are restarted
	keyOf   map[string]string // and by whose key their images have to be signed; "": nobody's
}

func (f *portFlags) add(cmd *cobra.Command, several bool) {
	flags := cmd.Flags()
	usage := "`port` of the board: /dev/…, COM…, socket://host:port, rfc2217://host:port, exec:command, sim:, a name of the ports file, or a USB serial number (default: $ROMFS_PORT, the ports file, else the one USB port that looks like the board; `romfs ports` says which)"
	if several {
		flags.StringArrayVar(&f.ports, "port", nil, usage+"; may be repeated")
		flags.BoolVar(&f.all, "all", false, "every board that matches, at once")
	} else {
		flags.StringArrayVar(&f.ports, "port", nil, usage)
	}
	flags.IntVar(&f.baud, "baud", port.DefaultBaud, "`speed` of serial lines; USB ignores it")
	flags.StringVar(&f.reset, "reset", "auto", "`how` a board that does not answer is restarted: auto|none|classic|usb-jtag|touch, or steps as \"rts on, wait 100ms, rts off\"; several ways are separated by ;")
	flags.Var(&f.wait, "wait", "wait until the board is plugged in, for any time or for a `duration` (--wait=30s)")
	flags.Lookup("wait").NoOptDefVal = "forever"
	f.addBook(cmd)
}

func (f *portFlags) addBook(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.file, "ports-file", "", "`file` that names this machine's boards, and may start programs (exec:) (default: ./"+port.PortsFile+", which may not)")
}

// A waitFlag is a duration; without one, any time.
type waitFlag time.Duration

func (w *waitFlag) String() string {
	switch time.Duration(*w) {
	case 0:
		return ""
	case port.Forever:
		return "forever"
	}
	return time.Duration(*w).String()
}

func (w *waitFlag) Set(s string) error {
	if s == "forever" {
		*w = waitFlag(port.Forever)
		return nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no duration; write it as 30s or 2m", s)
	}
	*w = waitFlag(d)
	return nil
}

func (w *waitFlag) Type() string { return "duration" }

// book reads the ports file, if there is one.
func (f *portFlags) book(a *app) (port.Book, error) {
	if f.file != "" {
		return port.ReadBook(f.file, true)
	}
	book, err := port.ReadBook(f.bookPath(a), false)
	if errors.Is(err, fs.ErrNotExist) {
		return port.Book{}, nil
	}
	return book, err
}

// bookPath is where the ports file is, or would be.
func (f *portFlags) bookPath(a *app) string {
	if f.file != "" {
		return f.file
	}
	// Under `bazel run` the current directory is not the user's.
	return filepath.Join(a.getenv("BUILD_WORKSPACE_DIRECTORY"), port.PortsFile)
}

// choice is what decides about the ports.
func (f *portFlags) choice(a *app, profile *board.Profile) (*port.Choice, error) {
	book, err := f.book(a)
	if err != nil {
		return nil, err
	}
	return &port.Choice{Ports: f.ports, All: f.all, Default: a.getenv("ROMFS_PORT"), Book: book, Board: profile}, nil
}

// choose returns the ports to use, and waits for them if that is asked for.
func (f *portFlags) choose(ctx context.Context, a *app, profile *board.Profile) ([]string, error) {
	if f.baud <= 0 {
		return nil, &usageError{fmt.Sprintf("--baud takes a speed in bits a second, not %d", f.baud)}
	}
	if _, err := port.ParseReset(f.reset); err != nil {
		return nil, &usageError{"--" + err.Error()}
	}
	c, err := f.choice(a, profile)
	if err != nil {
		return nil, err
	}
	places, err := c.Await(ctx, time.Duration(f.wait), func(missing error) {
		a.reporter.Log(report.Info, fmt.Sprintf("waiting: %v", missing))
	})
	if err != nil {
		return nil, err
	}
	f.resetOf, f.keyOf = map[string]string{}, map[string]string{}
	var ports []string
	for _, at := range places {
		// Named in full, messages say which board is simulated.
		if at.Port == "sim:" && profile != nil && profile.File == "" {
			at.Port += profile.ID
		}
		f.resetOf[at.Port], f.keyOf[at.Port] = at.Reset, at.Key
		ports = append(ports, at.Port)
	}
	a.short = shortNames(places, c.Book)
	return ports, nil
}

// longPort is from how many bytes on a port is called by its name in the ports file,
// if it has one.
const longPort = 21

// shortNames are how lines for people call ports; JSON has their full names.
func shortNames(places []port.Place, book port.Book) *strings.Replacer {
	var full []string
	for _, at := range places {
		full = append(full, at.Port)
	}
	short := port.Short(full)
	for _, at := range places {
		if names := book.Names(at); len(at.Port) >= longPort && len(names) > 0 {
			short[at.Port] = names[0]
		}
	}
	if slices.Contains(full, "sim:") {
		short["sim::"] = "sim:" // the colon that ends a name is one already
	}
	if len(short) == 0 {
		return nil
	}
	// Of two names of which one begins the other, the longer one is meant.
	var pairs []string
	for _, name := range slices.SortedFunc(maps.Keys(short), func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) }) {
		pairs = append(pairs, name, short[name])
	}
	return strings.NewReplacer(pairs...)
}

// chooseOne is choose for verbs that take one board.
func (f *portFlags) chooseOne(ctx context.Context, a *app, profile *board.Profile) (string, error) {
	ports, err := f.choose(ctx, a, profile)
	if err != nil {
		return "", err
	}
	if len(ports) > 1 {
		return "", &port.Error{Code: port.CodeSeveral, Err: fmt.Errorf("one board at a time, not %s", strings.Join(ports, ", ")), Hint: "give one --port"}
	}
	return ports[0], nil
}

// opener opens the ports that were chosen.
func (f *portFlags) opener(a *app, profile *board.Profile) *port.Opener {
	o := &port.Opener{Baud: f.baud, ResetOf: f.resetOf, Sim: a.simulate(profile),
		Warn: func(message string) { a.reporter.Log(report.Warning, message) }}
	if f.reset != "auto" { // what the command line says counts more than the ports file
		o.Reset, o.ResetOf = f.reset, nil
	}
	return o
}
