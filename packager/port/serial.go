package port

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.bug.st/serial"
)

// openSerial opens a serial device for ourselves alone.
func openSerial(port string, baud int) (io.ReadWriteCloser, error) {
	p, err := serial.Open(port, &serial.Mode{BaudRate: baud})
	if err != nil {
		return nil, serialError(port, err)
	}
	return p, nil
}

// serialError says what to do about a port that does not open.
func serialError(port string, err error) error {
	var pe *serial.PortError
	if errors.As(err, &pe) {
		switch pe.Code() {
		case serial.PortBusy:
			return fmt.Errorf("another program has it open: %w", err)
		case serial.PermissionDenied:
			return fmt.Errorf("no permission; on Linux, join the group of the device (often dialout): %w", err)
		case serial.InvalidSerialPort:
			return fmt.Errorf("it is no serial port; `romfs ports` lists them: %w", err)
		case serial.PortNotFound:
			return fmt.Errorf("there is no such port; `romfs ports` lists them: %w", err)
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no such port; `romfs ports` lists them: %w", err)
	}
	return err
}
