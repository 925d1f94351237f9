package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"rules_romfs/packager/board"
	"rules_romfs/packager/port"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
)

// A DFURequest is one deploy through a board's bootloader, by dfu-util.
type DFURequest struct {
	Image     []byte
	Board     *board.Profile
	Partition string // name or index; "": the first
	Serial    string // USB serial number, where several boards are in their bootloader
	Tool      string // dfu-util; "": the one on PATH

	DryRun     bool // only say which commands would run
	VerifyOnly bool // only read back and compare
	Stay       bool // leave the board in its bootloader: another image follows

	Reporter report.Reporter
}

// A DFUResult says what was done.
type DFUResult struct {
	Result
	Commands []string `json:"commands"`
}

// RunDFU writes the image through the bootloader, reads it back and compares.
// The bootloader writes from the first byte to the last, so unlike Run it can
// leave half an image behind when it is cut; it can be run again.
func RunDFU(ctx context.Context, r DFURequest) (*DFUResult, error) {
	res := &DFUResult{Result: Result{Port: "dfu", SHA256: sha256.Sum256(r.Image)}}
	if _, err := romfs.Parse(r.Image); err != nil {
		return res, err
	}
	part, usb, err := r.target()
	if err != nil {
		return res, err
	}
	res.Partition, res.Size = part.Index, part.Size
	dir := ""
	if !r.DryRun {
		if dir, err = os.MkdirTemp("", "romfs-dfu-"); err != nil {
			return res, err
		}
		defer os.RemoveAll(dir)
	}
	image, back := filepath.Join(dir, "image.romfs"), filepath.Join(dir, "read.romfs")
	down, up := r.commands(part, usb, image, back)
	commands := [][]string{down, up}
	if r.VerifyOnly {
		commands = commands[1:]
	}
	for _, c := range commands {
		res.Commands = append(res.Commands, strings.Join(c, " "))
	}
	if r.DryRun {
		res.Status = Planned
		return res, nil
	}
	if err := os.WriteFile(image, r.Image, 0o600); err != nil {
		return res, err
	}
	for i, c := range commands {
		r.Reporter.Log(report.Info, res.Commands[i])
		if err := run(ctx, c); err != nil {
			return res, err
		}
	}
	got, err := os.ReadFile(back)
	if err != nil {
		return res, &port.TransferError{Op: "reading back", Err: err}
	}
	// A plain DFU upload returns the whole partition.
	if !bytes.HasPrefix(got, r.Image) {
		return res, &VerifyError{fmt.Sprintf("what dfu-util read back (%d bytes) is not the image", len(got))}
	}
	res.Status = Deployed
	if r.VerifyOnly {
		res.Status = Verified
	}
	return res, nil
}

// target returns the partition and the USB id of the bootloader.
func (r *DFURequest) target() (*board.Partition, board.USBID, error) {
	var none board.USBID
	if r.Board == nil {
		return nil, none, incompatible("--via dfu needs to know the board: give --board")
	}
	if r.Board.NoROM != "" {
		return nil, none, &board.NoROMError{Board: r.Board}
	}
	part, err := r.Board.Partition(r.Partition)
	if err != nil {
		return nil, none, incompatible("%v", err)
	}
	if part.DFU == nil {
		return nil, none, incompatible("the bootloader of %s does not program %s; deploy over the REPL", r.Board.ID, part.Name)
	}
	if n := int64(len(r.Image)); part.Size > 0 && n > part.Size {
		return nil, none, incompatible("the image has %d bytes, partition %s only %d", n, part.Name, part.Size)
	}
	for _, id := range r.Board.USB {
		if id.Mode == board.ModeBootloader {
			return part, id, nil
		}
	}
	return nil, none, incompatible("the profile of %s has no USB id of its bootloader", r.Board.ID)
}

// commands returns those that write and that read back. The second one starts
// the firmware again, unless the board is to stay in its bootloader.
func (r *DFURequest) commands(part *board.Partition, usb board.USBID, image, back string) (down, up []string) {
	tool := r.Tool
	if tool == "" {
		tool = "dfu-util"
	}
	// The comma: an id that the device has while it is in its bootloader.
	common := []string{tool, "-d", "," + strings.ToLower(usb.String()), "-a", strconv.Itoa(part.DFU.Alt)}
	if r.Serial != "" {
		common = append(common, "-S", ","+r.Serial)
	}
	down = append(down, common...)
	up = append(up, common...)
	if a := part.DFU.Address; a != 0 {
		down = append(down, "-s", fmt.Sprintf("0x%08x", a))
		leave := ""
		if part.DFU.Leave && !r.Stay {
			leave = ":leave"
		}
		up = append(up, "-s", fmt.Sprintf("0x%08x:%d%s", a, len(r.Image), leave))
	} else if !r.Stay {
		up = append(up, "--reset")
	}
	return append(down, "-D", image), append(up, "-U", back)
}

// noDevice is dfu-util's exit code for input and output errors (EX_IOERR),
// which is also what it says when there is no device.
const noDevice = 74

func run(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return &port.TransferError{Op: "starting " + command[0], Err: fmt.Errorf("%w; install it (package dfu-util)", err)}
	}
	said := strings.TrimSpace(string(out))
	if i := strings.LastIndexByte(said, '\n'); i >= 0 {
		said = said[i+1:]
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == noDevice && strings.Contains(string(out), "No DFU capable USB device") {
		return &port.Error{Err: errors.New("no board is in its bootloader; put it there (machine.bootloader(), or its button) and try again")}
	}
	return &port.TransferError{Op: strings.Join(command, " "), Err: fmt.Errorf("%w: %s", err, said)}
}
