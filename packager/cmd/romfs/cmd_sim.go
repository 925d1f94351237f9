package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/report"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/drivers"
)

// A simResult is where a running simulated board is found.
type simResult struct {
	Board   string `json:"board"`
	Machine string `json:"machine"`
	PTY     string `json:"pty"`
	Link    string `json:"link,omitempty"`
	Socket  string `json:"socket,omitempty"`
	Flash   string `json:"flash"`
	Ready   bool   `json:"ready"`
}

func (r simResult) print(w io.Writer) error {
	link := ""
	if r.Link != "" {
		link = fmt.Sprintf(" (%s)", r.Link)
	}
	socket := ""
	if r.Socket != "" {
		socket = "socket: " + r.Socket + "\n"
	}
	_, err := fmt.Fprintf(w, "board:  %s\npty:    %s%s\n%sflash:  %s\nready; Ctrl-C ends it\n", r.Board, r.PTY, link, socket, r.Flash)
	return err
}

func newSimCmd(a *app) *cobra.Command {
	var o simboard.Options
	var boardID, size, driver string
	var faults, files []string
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run a simulated board",
		Long: `Run a simulated board: a real MicroPython interpreter behind a pseudo-terminal
of your own, with ROM partitions in a file. It serves the REPL, raw REPL and
vfs.rom_ioctl as a board does, so that romfs, mpremote and terminals work with
it. It runs until Ctrl-C. A REPL has no password: a TCP port, which every user
of the machine can reach, is opened only with --listen.

The interpreter is $ROMFS_MICROPYTHON or micropython on PATH; it needs VfsRom,
as Debian's has from 1.25 on. Linux only.

Faults make the board or its link misbehave; romfs sim --fault help lists them.`,
		Example: `  romfs sim
  romfs sim --board openmv-n6 --flash n6.flash --link /tmp/n6
  romfs sim --listen 127.0.0.1:0
  romfs sim --board rp2 --fault baud=115200 --fault lose=1000 --fault seed=7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if driver == "help" {
				return a.help("drivers", drivers.Help())
			}
			if driver != "" {
				if err := o.SetDriver(driver); err != nil {
					return err
				}
			}
			for _, f := range faults {
				if f == "help" {
					return a.help("faults", simboard.FaultHelp())
				}
				if err := o.SetFault(f); err != nil {
					return err
				}
			}
			for _, f := range files {
				if err := o.AddFile(f); err != nil {
					return &inputError{err}
				}
			}
			if err := o.SetBoard(boardID, size); err != nil {
				return &inputError{err}
			}
			o.Notify = func(event string) {
				a.reporter.Event("board", map[string]any{"what": event})
				if a.events == "" {
					a.reporter.Log(report.Info, "board: "+event)
				}
			}
			return a.runBoard(cmd, o, boardID)
		},
	}
	f := cmd.Flags()
	f.StringVar(&boardID, "board", "", "simulate this `board`: an id or a board file (default: one with 1 MiB of flash)")
	f.StringVar(&size, "partition-size", "", "`size` of the partition, for boards that leave it open (256KiB)")
	f.StringVar(&driver, "driver", "", "write flash as this `port` of MicroPython does; help lists them (default: the board's)")
	f.StringVar(&o.Flash, "flash", "", "keep the flash contents in this `file` (default: a temporary one)")
	f.StringArrayVar(&faults, "fault", nil, "misbehave: `NAME[=VALUE]`; repeatable; help lists them")
	f.StringArrayVar(&files, "file", nil, "put a file into the board's file system: `NAME:PATH`; repeatable")
	f.StringArrayVar(&o.Stubs, "stub", nil, "`directory` of modules that stand in for the board's hardware; repeatable")
	f.StringVar(&o.Listen, "listen", "", "open a TCP port too, at this loopback `address` (127.0.0.1:0 for a free one)")
	f.StringVar(&o.Link, "link", "", "make a symlink to the pty at this `path`")
	f.StringVar(&o.Interpreter, "interpreter", "", "MicroPython `program` to run (default: $ROMFS_MICROPYTHON, then micropython on PATH)")
	a.complete(cmd, "board", boardIDs()...)
	return cmd
}

// help prints a list that an option's value "help" asks for.
func (a *app) help(name, text string) error {
	return a.result(map[string]string{name: text}, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// runBoard runs a simulated board until the command is interrupted, which is its regular end.
func (a *app) runBoard(cmd *cobra.Command, o simboard.Options, id string) error {
	b, err := simboard.Start(cmd.Context(), o)
	if err != nil {
		return err
	}
	defer b.Close()
	r := simResult{Board: id, Machine: b.Machine(), PTY: b.PTY(), Link: o.Link, Socket: b.Addr(), Flash: b.FlashFile(), Ready: true}
	if err := a.result(r, r.print); err != nil {
		return err
	}
	<-b.Done()
	return b.Close()
}
