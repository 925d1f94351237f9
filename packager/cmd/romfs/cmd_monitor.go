package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rules_romfs/packager/device"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
)

func newMonitorCmd(a *app) *cobra.Command {
	var p portFlags
	var boardID string
	var restart bool
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Show what a board prints, until Ctrl-C",
		Long: `Show what a board prints, tracebacks as they come, until Ctrl-C. Nothing is sent
to it. A board that resets or is unplugged is waited for.`,
		Example: `  romfs monitor
  romfs monitor --restart --port /dev/ttyACM0
  romfs deploy --monitor`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.checkMonitor("monitor"); err != nil {
				return err
			}
			profile, err := lookupBoard(boardID)
			if err != nil {
				return err
			}
			name, err := p.chooseOne(cmd.Context(), a, profile)
			if err != nil {
				return err
			}
			m, err := openMonitor(cmd.Context(), p.opener(a, profile), name, restart)
			if err != nil {
				return err
			}
			return a.monitor(cmd.Context(), name, m)
		},
	}
	p.add(cmd, false)
	cmd.Flags().StringVar(&boardID, "board", "", "`board` id or board file, by which the port is found")
	cmd.Flags().BoolVar(&restart, "restart", false, "interrupt the board first and start main.py anew, to see all that it prints")
	a.completeBoard(cmd, "board")
	return cmd
}

// openMonitor opens a port to see what the board there prints.
func openMonitor(ctx context.Context, o *port.Opener, name string, restart bool) (*port.Monitor, error) {
	if !restart {
		return port.Watch(ctx, o, name)
	}
	b, err := device.Connect(ctx, o, name, false)
	if err != nil {
		return nil, err
	}
	m, err := b.HandOver(true)
	if m == nil && err == nil {
		err = &port.Error{Port: name, Err: port.ErrLost}
	}
	if err != nil && m != nil {
		m.Close()
	}
	return m, err
}

// checkMonitor refuses to mix what a board prints with a JSON result.
func (a *app) checkMonitor(what string) error {
	if a.output == "json" {
		return &usageError{what + " shows what the board prints as it is, which --output json cannot hold"}
	}
	return nil
}

// monitor shows what a board prints until Ctrl-C, which is its proper end.
func (a *app) monitor(ctx context.Context, name string, m *port.Monitor) error {
	defer m.Close()
	a.closeBars()
	a.reporter.Log(report.Info, fmt.Sprintf("%s: what the board prints follows; Ctrl-C ends it", name))
	out := &shown{w: a.stdout}
	err := m.Copy(ctx, out, func(message string) { a.reporter.Log(report.Info, name+": "+message) })
	out.endLine()
	if out.err != nil {
		return &pack.OutputError{Err: out.err}
	}
	return err
}

// shown is an output that knows whether it failed itself.
type shown struct {
	w    io.Writer
	err  error
	open bool // within a line
}

func (s *shown) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.err = err
	if n > 0 {
		s.open = b[n-1] != '\n'
	}
	return n, err
}

// endLine has what is printed next begin on a line of its own, not behind a prompt.
func (s *shown) endLine() {
	if s.open && s.err == nil {
		s.Write([]byte("\n"))
	}
}
