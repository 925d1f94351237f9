package port

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// parseIoreg reads what macOS's `ioreg -a -r -l -c IOUSBHostDevice` prints: a
// property list of USB devices, each with its children in the registry, somewhere
// among which is the serial port. It returns the ports by their names.
func parseIoreg(list []byte) (map[string]Info, error) {
	d := xml.NewDecoder(bytes.NewReader(list))
	ports := map[string]Info{}
	for {
		t, err := d.Token()
		if err == io.EOF {
			return ports, nil // nothing is plugged in
		}
		if err != nil {
			return ports, fmt.Errorf("ioreg's answer: %w", err)
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local != "plist" {
			root, err := plistValue(d, start)
			if err != nil {
				return ports, fmt.Errorf("ioreg's answer: %w", err)
			}
			entries, _ := root.([]any)
			for _, e := range entries {
				walkIoreg(e, Info{}, ports)
			}
			return ports, nil
		}
	}
}

// walkIoreg collects the ports below one entry of the registry. p is what the
// entries above it say.
func walkIoreg(entry any, p Info, ports map[string]Info) {
	e, ok := entry.(map[string]any)
	if !ok {
		return
	}
	text := func(keys ...string) string {
		for _, key := range keys {
			if s, ok := e[key].(string); ok && s != "" {
				return s
			}
		}
		return ""
	}
	vendor, ok1 := e["idVendor"].(int64)
	product, ok2 := e["idProduct"].(int64)
	if number, isInterface := e["bInterfaceNumber"].(int64); isInterface {
		p.Interface = int(number) // it repeats the ids of its device
	} else if ok1 && ok2 { // a device, perhaps behind a hub
		p = Info{USB: fmt.Sprintf("%04x:%04x", vendor, product),
			Serial: text("kUSBSerialNumberString", "USB Serial Number"), Product: text("kUSBProductString", "USB Product Name")}
		if at, ok := e["locationID"].(int64); ok {
			p.Location = fmt.Sprintf("0x%08x", at)
		}
	}
	if name := text("IOCalloutDevice"); name != "" && p.USB != "" {
		p.Name = name
		ports[name] = p
	}
	children, _ := e["IORegistryEntryChildren"].([]any)
	for _, child := range children {
		walkIoreg(child, p, ports)
	}
}

// plistValue reads the value that begins with start: a dictionary, an array, a
// number, or anything else as its text.
func plistValue(d *xml.Decoder, start xml.StartElement) (any, error) {
	switch start.Name.Local {
	case "dict":
		m := map[string]any{}
		var key string
		err := plistChildren(d, func(child xml.StartElement) error {
			v, err := plistValue(d, child)
			if child.Name.Local == "key" {
				key, _ = v.(string)
			} else {
				m[key] = v
			}
			return err
		})
		return m, err
	case "array":
		var list []any
		err := plistChildren(d, func(child xml.StartElement) error {
			v, err := plistValue(d, child)
			list = append(list, v)
			return err
		})
		return list, err
	}
	var text string
	if err := d.DecodeElement(&text, &start); err != nil {
		return nil, err
	}
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && start.Name.Local == "integer" {
		return n, nil
	}
	return text, nil
}

// plistChildren calls each for the elements up to the end of the one that is open.
func plistChildren(d *xml.Decoder, each func(child xml.StartElement) error) error {
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := each(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}
