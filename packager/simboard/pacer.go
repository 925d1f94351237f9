package simboard

import (
	"sync"
	"sync/atomic"
	"time"
)

// A sender may be ahead of the line by its transmit buffer: so many bytes, but
// on fast lines, as USB, what the line carries in so long a time. The latter
// keeps a fast line busy when this process does not run for a moment.
const (
	backlogBytes = 256
	backlogTime  = 4 * time.Millisecond
)

// fifo is how many bytes a slow line hands over at once, as UARTs do: it saves
// a wake-up for each byte.
const fifo = 16

// A pacer carries bytes in one direction at the line's speed and latency.
type pacer struct {
	perByte time.Duration
	latency time.Duration
	deliver func([]byte)
	queue   chan packet
	quit    chan struct{}
	ended   chan struct{}

	plug atomic.Int32 // which connection the line belongs to: what an older one sent is lost

	mu   sync.Mutex
	free time.Time // when the line can take the next byte
}

type packet struct {
	plug  int32 // of the pacer, when the sender connected
	data  []byte
	start time.Time // when its first bit goes on the line
	then  func()    // what happens when its last byte has arrived; may be nil
}

func newPacer(baud int, latency time.Duration, deliver func([]byte)) *pacer {
	p := &pacer{latency: latency, deliver: deliver, queue: make(chan packet, 64), quit: make(chan struct{}), ended: make(chan struct{})}
	if baud > 0 {
		p.perByte = time.Second * 10 / time.Duration(baud)
	}
	go p.run()
	return p
}

// push puts data on the line for whoever connected at a plug. It waits while the transmit buffer is
// full, until stop is closed.
func (p *pacer) push(data []byte, plug int32, stop <-chan struct{}) {
	for len(data) > 0 && plug == p.plug.Load() {
		n := len(data)
		if p.perByte > 0 {
			n = min(n, backlogBytes)
		}
		select {
		case p.queue <- packet{plug: plug, data: data[:n], start: p.reserve(n)}:
		case <-stop:
			return
		case <-p.quit:
			return
		}
		data = data[n:]
		if !p.rest(stop) {
			return
		}
	}
}

// unplug loses what is on the line, or is still to be sent by who was connected.
func (p *pacer) unplug() { p.plug.Add(1) }

// after calls then when all that was pushed has arrived, unless stop is closed before.
func (p *pacer) after(then func(), stop <-chan struct{}) {
	select {
	case p.queue <- packet{then: then}:
	case <-stop:
	case <-p.quit:
	}
}

// reserve takes the line for n bytes and returns when they begin.
func (p *pacer) reserve(n int) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := time.Now()
	if p.free.After(start) {
		start = p.free
	}
	p.free = start.Add(time.Duration(n) * p.perByte)
	return start
}

// rest waits until no more than the transmit buffer is ahead of the line.
func (p *pacer) rest(stop <-chan struct{}) bool {
	p.mu.Lock()
	ahead := time.Until(p.free) - max(backlogBytes*p.perByte, backlogTime)
	p.mu.Unlock()
	if ahead <= 0 {
		return true
	}
	select {
	case <-time.After(ahead):
		return true
	case <-stop:
	case <-p.quit:
	}
	return false
}

func (p *pacer) run() {
	defer close(p.ended)
	for {
		select {
		case <-p.quit:
			return
		case k := <-p.queue:
			if !p.carry(k) {
				return
			}
		}
	}
}

// carry delivers a packet's bytes when they have arrived; false once the line is closed.
func (p *pacer) carry(k packet) bool {
	for len(k.data) > 0 && k.plug == p.plug.Load() {
		n := len(k.data)
		since := time.Since(k.start) - p.latency
		if p.perByte > 0 {
			n = min(n, int(since/p.perByte))
		}
		if since < 0 || n <= 0 {
			burst := time.Duration(min(len(k.data), fifo)) * p.perByte
			select {
			case <-time.After(max(burst-since, 50*time.Microsecond)):
				continue
			case <-p.quit:
				return false
			}
		}
		p.deliver(k.data[:n])
		k.data = k.data[n:]
		k.start = k.start.Add(time.Duration(n) * p.perByte)
	}
	if k.then != nil {
		k.then()
	}
	return true
}

func (p *pacer) close() {
	close(p.quit)
	<-p.ended
}
