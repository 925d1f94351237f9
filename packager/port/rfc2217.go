package port

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Sub-options of COM-PORT that a client sends; the server answers with the
// same number plus 100.
const (
	comSetBaud     = 1
	comSetDataSize = 2
	comSetParity   = 3
	comSetStopSize = 4
	comSetControl  = 5
	comAnswer      = 100
)

// Values of comSetControl.
const (
	controlDTROn  = 8
	controlDTROff = 9
	controlRTSOn  = 11
	controlRTSOff = 12
)

// rfc2217 is a serial port behind a telnet server, after RFC 2217.
type rfc2217 struct {
	net.Conn
	wmu sync.Mutex // the reader answers options while the user writes

	state   int
	command byte
	sub     []byte

	agreed  bool
	refused bool
	answers chan []byte // sub-negotiations of COM-PORT, as they arrive
}

// openRFC2217 negotiates 8N1 at baud without flow control. It takes conn over.
func openRFC2217(ctx context.Context, conn net.Conn, baud int) (io.ReadWriteCloser, error) {
	p := &rfc2217{Conn: conn, answers: make(chan []byte, 16)}
	if err := p.negotiate(ctx, baud); err != nil {
		conn.Close()
		return nil, fmt.Errorf("RFC 2217 negotiation: %w", err)
	}
	return p, nil
}

func (p *rfc2217) negotiate(ctx context.Context, baud int) error {
	limit := time.Now().Add(dialLimit)
	if d, ok := ctx.Deadline(); ok && d.Before(limit) {
		limit = d
	}
	stop := context.AfterFunc(ctx, func() { p.SetReadDeadline(time.Now()) })
	defer stop()
	p.SetReadDeadline(limit)
	defer p.SetReadDeadline(time.Time{})
	err := p.send(
		telnetIAC, telnetWILL, optionComPort,
		telnetIAC, telnetWILL, optionBinary, telnetIAC, telnetDO, optionBinary,
		telnetIAC, telnetWILL, optionSGA, telnetIAC, telnetDO, optionSGA)
	if err != nil {
		return err
	}
	if err := p.until(func() bool { return p.agreed || p.refused }); err != nil {
		return err
	}
	if p.refused {
		return errors.New("the server does not control a serial port; use socket:// for a plain connection")
	}
	rate := binary.BigEndian.AppendUint32(nil, uint32(baud))
	for _, set := range []struct {
		command byte
		value   []byte
	}{
		{comSetBaud, rate},
		{comSetDataSize, []byte{8}},
		{comSetParity, []byte{1}},   // none
		{comSetStopSize, []byte{1}}, // one
		{comSetControl, []byte{1}},  // no flow control
	} {
		if err := p.set(set.command, set.value); err != nil {
			return err
		}
		var got []byte
		err := p.until(func() bool {
			for len(p.answers) > 0 {
				if a := <-p.answers; len(a) > 1 && a[0] == set.command+comAnswer {
					got = a[1:]
					return true
				}
			}
			return false
		})
		if err != nil {
			return err
		}
		if !bytes.Equal(got, set.value) {
			return fmt.Errorf("the server set %d to %v, not %v", set.command, got, set.value)
		}
	}
	return nil
}

// set asks the server to change a setting.
func (p *rfc2217) set(command byte, value []byte) error {
	sub := append([]byte{telnetIAC, telnetSB, optionComPort, command}, escapeIAC(value)...)
	return p.send(append(sub, telnetIAC, telnetSE)...)
}

// SetDTR sets the line at the server's port.
func (p *rfc2217) SetDTR(on bool) error {
	if on {
		return p.control(controlDTROn)
	}
	return p.control(controlDTROff)
}

// SetRTS sets the line at the server's port.
func (p *rfc2217) SetRTS(on bool) error {
	if on {
		return p.control(controlRTSOn)
	}
	return p.control(controlRTSOff)
}

// controlLimit bounds how long a server takes to set a line.
const controlLimit = 10 * time.Second

// control sets a line and waits until the server says so. Somebody has to read
// meanwhile.
func (p *rfc2217) control(value byte) error {
	for len(p.answers) > 0 {
		<-p.answers
	}
	if err := p.set(comSetControl, []byte{value}); err != nil {
		return err
	}
	late := time.After(controlLimit)
	for {
		select {
		case a := <-p.answers:
			if len(a) != 2 || a[0] != comSetControl+comAnswer {
				continue // a notification
			}
			if a[1] != value {
				return errors.New("the server refuses")
			}
			return nil
		case <-late:
			return errors.New("the server does not answer")
		}
	}
}

// until reads until done. Data of the board in between is from before we were
// connected, so it is dropped.
func (p *rfc2217) until(done func() bool) error {
	buf := make([]byte, 256)
	for !done() {
		n, err := p.Conn.Read(buf)
		if err != nil {
			return err
		}
		p.parse(buf[:n])
	}
	return nil
}

func (p *rfc2217) send(b ...byte) error {
	p.wmu.Lock()
	defer p.wmu.Unlock()
	_, err := p.Conn.Write(b)
	return err
}

// Read returns the board's bytes without the telnet commands between them.
func (p *rfc2217) Read(b []byte) (int, error) {
	for {
		n, err := p.Conn.Read(b)
		if n = p.parse(b[:n]); n > 0 || err != nil {
			return n, err
		}
	}
}

// Write sends b; a byte 255 is doubled.
func (p *rfc2217) Write(b []byte) (int, error) {
	if err := p.send(escapeIAC(b)...); err != nil {
		return 0, err
	}
	return len(b), nil
}
