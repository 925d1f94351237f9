package port

import "bytes"

// Telnet commands (RFC 854) and options.
const (
	telnetSE   = 240
	telnetSB   = 250
	telnetWILL = 251
	telnetWONT = 252
	telnetDO   = 253
	telnetDONT = 254
	telnetIAC  = 255

	optionBinary  = 0  // RFC 856
	optionSGA     = 3  // RFC 858: suppress go ahead
	optionComPort = 44 // RFC 2217
)

// Parser states.
const (
	inData = iota
	inCommand
	inOption
	inSub
	inSubCommand
)

func escapeIAC(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte{telnetIAC}, []byte{telnetIAC, telnetIAC})
}

// parse obeys the telnet commands in b and moves the data to its front.
func (p *rfc2217) parse(b []byte) int {
	n := 0
	for _, c := range b {
		switch p.state {
		case inData:
			if c == telnetIAC {
				p.state = inCommand
				continue
			}
			b[n] = c
			n++
		case inCommand:
			switch c {
			case telnetIAC:
				b[n] = c
				n++
				p.state = inData
			case telnetWILL, telnetWONT, telnetDO, telnetDONT:
				p.command, p.state = c, inOption
			case telnetSB:
				p.sub, p.state = p.sub[:0], inSub
			default: // NOP and the like
				p.state = inData
			}
		case inOption:
			p.option(p.command, c)
			p.state = inData
		case inSub:
			if c == telnetIAC {
				p.state = inSubCommand
			} else if len(p.sub) < 256 {
				p.sub = append(p.sub, c)
			}
		case inSubCommand:
			p.state = inSub
			if c == telnetIAC {
				p.sub = append(p.sub, c)
				continue
			}
			p.state = inData
			if len(p.sub) > 1 && p.sub[0] == optionComPort {
				select {
				case p.answers <- bytes.Clone(p.sub[1:]):
				default: // notifications nobody waits for
				}
			}
		}
	}
	return n
}

// option answers what the server asks for. Our own requests went out first, so
// an agreement to one of them needs no answer (RFC 854: no loops).
func (p *rfc2217) option(command, option byte) {
	ours := option == optionBinary || option == optionSGA || option == optionComPort
	switch command {
	case telnetDO:
		if option == optionComPort {
			p.agreed = true
		}
		if !ours {
			p.send(telnetIAC, telnetWONT, option)
		}
	case telnetDONT:
		if option == optionComPort {
			p.refused = true
		}
	case telnetWILL:
		if option != optionBinary && option != optionSGA && option != optionComPort {
			p.send(telnetIAC, telnetDONT, option)
		}
	}
}
