//go:build unix

package port

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
)

// A cancelling output ends the monitor when it has seen a text.
type cancelling struct {
	strings.Builder
	until  string
	cancel func()
}

func (c *cancelling) Write(b []byte) (int, error) {
	n, err := c.Builder.Write(b)
	if strings.Contains(c.String(), c.until) {
		c.cancel()
	}
	return n, err
}

// TestMonitorGoesOn: a board that goes away is waited for, and shown further.
func TestMonitorGoesOn(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for _, text := range []string{"before the reset\n", "after it\n"} {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte(text))
			conn.Close()
		}
	}()
	m, err := Watch(t.Context(), &Opener{}, "socket://"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	_, err = Watch(t.Context(), &Opener{}, "socket://"+l.Addr().String())
	wantCode(t, err, CodeBusy)
	ctx, cancel := context.WithCancel(t.Context())
	out := &cancelling{until: "after it\n", cancel: cancel}
	told := 0
	if err := m.Copy(ctx, out, func(string) { told++ }); err != nil {
		t.Error(err)
	}
	if out.String() != "before the reset\nafter it\n" || told < 2 {
		t.Errorf("%q; told %d times", out.String(), told)
	}
}

// TestMonitorEnds: a program that has ended does not come back, and an output that
// fails ends it, too.
func TestMonitorEnds(t *testing.T) {
	t.Parallel()
	m, err := Watch(t.Context(), &Opener{}, "exec:echo gone")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var out strings.Builder
	if err := m.Copy(t.Context(), &out, func(string) {}); !errors.Is(err, ErrLost) || out.String() != "gone\n" {
		t.Errorf("%v after %q", err, out.String())
	}
	m, err = Watch(t.Context(), &Opener{}, "exec:echo text; cat")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	full := errors.New("disk full")
	if err := m.Copy(t.Context(), failing{full}, func(string) {}); err != full {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
