// Package selftest tries a board's ROM partition: it deploys images that are made
// for the purpose, changes them, cuts the link in the middle of one, and compares
// what is there with what should be. What it reports is what the owner of a board
// can send to those who have none.
package selftest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"rules_romfs/packager/board"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/deploy/flash"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A Request is one test of one partition, whose content is lost.
type Request struct {
	Opener    *port.Opener
	Port      string
	Board     *board.Profile // nil: not known
	Partition string         // name or index; "": the first
	Size      int64          // bytes of the images, about; 0: DefaultSize, or what fits
	OtherCore bool           // write a partition that another core runs from: it was stopped
	Reporter  report.Reporter
}

// DefaultSize is the size of the images unless something else is asked for.
const DefaultSize = 96 << 10

// A Report is what a test found.
type Report struct {
	Romfs     string `json:"romfs"` // version of the tool
	Port      string `json:"port"`
	Machine   string `json:"machine"`
	Firmware  string `json:"firmware"`
	Platform  string `json:"platform"`
	ID        string `json:"board_id,omitempty"`
	USBSerial string `json:"usb_serial,omitempty"`
	Profile   string `json:"profile,omitempty"`

	Partition int               `json:"partition"`
	Kind      board.SegmentKind `json:"segment"`
	Size      int64             `json:"partition_size"`
	Erase     int64             `json:"erase"` // 0: unknown
	Write     int64             `json:"write"`
	Flash     string            `json:"flash"` // how it is written

	Steps  []Step `json:"steps"`
	Passed bool   `json:"passed"`
}

// A Step is one thing that was tried.
type Step struct {
	Name    string  `json:"name"`
	Passed  bool    `json:"passed"`
	Seconds float64 `json:"seconds"`
	Note    string  `json:"note,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Run tests. The report is there also with an error, which is that of the first
// step that failed, or why there is none.
func Run(ctx context.Context, r Request, version string) (*Report, error) {
	history, err := os.MkdirTemp("", "romfs-selftest-")
	if err != nil {
		return &Report{Romfs: version, Port: r.Port, Steps: []Step{}}, err
	}
	defer os.RemoveAll(history)
	t := &test{Request: r, report: &Report{Romfs: version, Port: r.Port, Steps: []Step{}}, cache: deploy.OpenCache(history)}
	if err := t.identify(ctx); err != nil {
		return t.report, err
	}
	if err := t.makeImages(); err != nil {
		return t.report, err
	}
	for _, s := range []struct {
		name string
		do   func(context.Context) (note string, err error)
	}{
		{"a new image, all of it sent", t.fresh},
		{"the same again", t.again},
		{"a file in front grown by 10 bytes", t.grown},
		{"the link cut in the middle, and resumed", t.cut},
		{"compared by digest", t.verify},
		{"read back, byte by byte", t.read},
	} {
		if err := t.step(ctx, s.name, s.do); err != nil {
			return t.report, fmt.Errorf("%s: %s: %w", r.Port, s.name, err)
		}
	}
	t.report.Passed = true
	return t.report, nil
}

// A test is a Request being carried out.
type test struct {
	Request
	report *Report
	geo    flash.Geometry
	images [3][]byte // each other than the one before
	cache  *deploy.Cache
}

func (t *test) step(ctx context.Context, name string, do func(context.Context) (string, error)) error {
	start := time.Now()
	note, err := do(ctx)
	s := Step{Name: name, Passed: err == nil, Seconds: time.Since(start).Seconds(), Note: note}
	if err != nil {
		s.Error = err.Error()
	}
	t.report.Steps = append(t.report.Steps, s)
	return err
}

// identify asks what board and what flash it is.
func (t *test) identify(ctx context.Context) error {
	b, err := device.Connect(ctx, t.Opener, t.Port, true)
	if err != nil {
		return err
	}
	defer b.Close(true)
	r := t.report
	r.Machine, r.Firmware, r.Platform, r.ID, r.USBSerial = b.Info.Machine, b.Info.Name+" "+b.Info.Version, b.Info.Platform, b.Info.ID, b.USBSerial()
	if t.Board != nil {
		r.Profile = t.Board.ID
	}
	seg, part, err := deploy.FindPartition(b, t.Board, t.Partition)
	if err != nil {
		return err
	}
	t.geo = deploy.GeometryOf(b.Info, seg, part)
	r.Partition, r.Kind, r.Size, r.Erase, r.Write, r.Flash = seg.Index, seg.Kind, seg.Size, t.geo.Erase, t.geo.Unit, t.geo.Way.Name()
	return nil
}

// makeImages builds what is deployed.
func (t *test) makeImages() error {
	header := int64(romfs.StableHeader(t.geo.Way.Tears())) + 1024 // and names, and alignments
	room := t.geo.Size - header - t.geo.Unit
	if t.Size == 0 {
		t.Size = min(DefaultSize, room)
	}
	if t.Size < 1024 || t.Size > room {
		return &deploy.IncompatibleError{Reason: fmt.Sprintf("%s: partition %d of %d bytes has no room for images of %d bytes to test it with", t.Port, t.report.Partition, t.geo.Size, t.Size)}
	}
	for i := range t.images {
		front := random(1, int(t.Size/4))
		for range i {
			front = append(front, "ten bytes "...)
		}
		var err error
		last := random(uint64(2+i/2), int(t.Size/2)) // the last image has another one
		if t.images[i], err = t.build(map[string][]byte{"a.bin": front, "b.bin": random(9, int(t.Size/4)), "c.bin": last}); err != nil {
			return err
		}
	}
	return nil
}

func (t *test) build(files map[string][]byte) ([]byte, error) {
	root := &romfs.Node{Dir: true}
	for name, content := range files {
		root.Children = append(root.Children, &romfs.Node{Name: name, Size: int64(len(content)), Sum: sha256.Sum256(content),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }})
	}
	plan, err := romfs.NewPlan(root, romfs.Options{WriteUnit: t.geo.Way.Tears(), EraseUnit: t.geo.Erase, MaxSize: t.geo.Size})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = plan.WriteTo(&b)
	return b.Bytes(), err
}

// random is the same n bytes each time.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// request is a deploy of one of the images.
func (t *test) request(image []byte) deploy.Request {
	return deploy.Request{Image: image, Board: t.Board, Partition: t.Partition, Port: t.Port, Opener: t.Opener,
		OtherCore: t.OtherCore, Cache: t.cache, Reporter: t.Reporter}
}

func (t *test) fresh(ctx context.Context) (string, error) {
	r := t.request(t.images[0])
	r.Full = true
	return t.deploy(ctx, r, deploy.Deployed)
}

func (t *test) again(ctx context.Context) (string, error) {
	return t.deploy(ctx, t.request(t.images[0]), deploy.Unchanged)
}

func (t *test) grown(ctx context.Context) (string, error) {
	return t.deploy(ctx, t.request(t.images[1]), deploy.Deployed)
}

func (t *test) verify(ctx context.Context) (string, error) {
	r := t.request(t.images[2])
	r.VerifyOnly = true
	return t.deploy(ctx, r, deploy.Verified)
}

// deploy deploys, and wants a status.
func (t *test) deploy(ctx context.Context, r deploy.Request, want deploy.Status) (string, error) {
	got, err := deploy.Run(ctx, r)
	if err != nil {
		return "", err
	}
	note := fmt.Sprintf("%d of %d blocks changed, %d erased, %s sent, %s copied, %s on the link", got.Changed, got.Blocks, got.Erased,
		report.Size(got.Literal), report.Size(got.Copied), report.Size(got.Sent+got.Received))
	for _, n := range []struct {
		n         int64
		one, many string
	}{{got.Retries, "frame repeated", "frames repeated"}, {int64(got.Resumed), "reconnect", "reconnects"}} {
		switch n.n {
		case 0:
		case 1:
			note += ", 1 " + n.one
		default:
			note += fmt.Sprintf(", %d %s", n.n, n.many)
		}
	}
	switch {
	case got.Status != want:
		return note, &deploy.VerifyError{Reason: fmt.Sprintf("it ended as %q, not as %q", got.Status, want)}
	case got.Healed:
		return note, &deploy.VerifyError{Reason: "the board did not hold what was written at first; it was written once more"}
	}
	return note, nil
}

// cut deploys over a link that ends after a part of the image, and is there again
// when it is opened anew.
func (t *test) cut(ctx context.Context) (string, error) {
	o := *t.Opener
	left := int64(len(t.images[2])) / 4
	cut := false
	o.Wrap = func(rwc io.ReadWriteCloser) io.ReadWriteCloser {
		if cut {
			return rwc
		}
		return &cutter{rwc, &left, &cut}
	}
	r := t.request(t.images[2])
	r.Opener, r.Full = &o, true // all of it, so that there is something to cut
	note, err := t.deploy(ctx, r, deploy.Deployed)
	if err == nil && !cut {
		err = errors.New("the link was not cut: too little was sent")
	}
	return note, err
}

// A cutter is a link that ends when so many bytes have been sent.
type cutter struct {
	io.ReadWriteCloser
	left *int64
	cut  *bool
}

func (c *cutter) Write(b []byte) (int, error) {
	if *c.left -= int64(len(b)); *c.left > 0 {
		return c.ReadWriteCloser.Write(b)
	}
	*c.cut = true
	c.Close()
	return 0, errors.New("the test has cut the link")
}

// read reads the whole image back.
func (t *test) read(ctx context.Context) (string, error) {
	got, err := deploy.Pull(ctx, t.Opener, t.Port, t.Board, t.Partition, t.Reporter)
	if err == nil && !bytes.Equal(got, t.images[2]) {
		err = &deploy.VerifyError{Reason: fmt.Sprintf("the %d bytes that were read are not the image of %d bytes", len(got), len(t.images[2]))}
	}
	return report.Size(int64(len(got))) + " read", err
}
