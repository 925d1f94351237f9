package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"time"
)

// Forever is how long Await waits if nothing bounds it.
const Forever time.Duration = 1<<63 - 1

// lookEvery is how often Await looks for what it waits for.
const lookEvery = 200 * time.Millisecond

// Await is Choose that waits for up to limit until what was asked for is there:
// the board is plugged in, the port answers. waiting is called once, with what is
// missing, if it is not there at once.
func (c *Choice) Await(ctx context.Context, limit time.Duration, waiting func(missing error)) ([]Place, error) {
	begin := time.Now()
	for first := true; ; first = false {
		chosen, err := c.Choose()
		if err == nil && limit > 0 {
			err = c.missing(ctx, chosen)
		}
		var e *Error
		if err == nil || limit <= 0 || !errors.As(err, &e) || e.Code != CodeAbsent {
			return chosen, err
		}
		if first { // also where looking took longer than the limit
			waiting(e.Err)
		}
		if time.Since(begin) >= limit {
			return nil, &Error{Port: e.Port, Code: e.Code, Err: fmt.Errorf("waited for %v: %w", limit, e.Err), Hint: e.Hint}
		}
		if err := sleep(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
}

// missing returns the error for the first of the places that is not there.
func (c *Choice) missing(ctx context.Context, chosen []Place) error {
	for _, at := range chosen {
		if err := c.there(ctx, at.Port); err != nil {
			return &Error{Port: at.Port, Code: CodeAbsent, Err: err, Hint: "plug it in"}
		}
	}
	return nil
}

// settleLimit bounds how long the system may take to give the user a device that
// was just plugged in.
const settleLimit = 2 * time.Second

// there tells why a port cannot be opened yet.
func (c *Choice) there(ctx context.Context, name string) error {
	switch kind, _ := scheme(name); kind {
	case execScheme, simScheme:
		return nil
	case socketScheme, rfc2217Scheme:
		conn, err := dial(ctx, name)
		var refused net.Error
		if err == nil {
			return conn.Close()
		}
		if errors.As(err, &refused) {
			return refused
		}
		return nil // what is wrong with it, opening it will say
	}
	if runtime.GOOS == "windows" { // its ports are no files
		list, err := c.list()
		if err != nil || slices.ContainsFunc(list, func(p Info) bool { return Same(p.Name, name) }) {
			return nil
		}
		return errors.New("there is no such port")
	}
	if _, err := os.Stat(name); err != nil {
		return errors.New("there is no such port")
	}
	for begin := time.Now(); !accessible(name) && time.Since(begin) < settleLimit; {
		if err := sleep(ctx, lookEvery); err != nil {
			return nil
		}
	}
	return nil
}
