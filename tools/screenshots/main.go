// Command screenshots makes the pictures of the report in docs/images: it builds a
// project that has something of everything, draws it with romfs, and opens the page
// in the Chromium of tools/peers.
//
//	go run ./tools/screenshots
package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// pictures are what is made: of which part of the page, in which colours.
var pictures = []struct {
	file   string
	scheme string
	before string // a script that shows what the picture is about
	width  int64
	height int64
}{
	{"report.png", "light", `choose(files.findIndex(f => f.p === 'models/person.tflite')); scrollTo(0, 0)`, 1240, 1010},
	{"report-dark.png", "dark", `choose(files.findIndex(f => f.p === 'app/camera.mpy')); $('views').scrollIntoView()`, 1240, 900},
	{"report-table.png", "light", `$('filter').value = 'app'; refilter(); document.getElementById('files').scrollIntoView()`, 1540, 380},
}

func run() error {
	out, err := output(".", "go", "env", "GOMOD")
	if err != nil {
		return err
	}
	repo := filepath.Dir(out)
	dir, err := os.MkdirTemp("", "romfs-screenshots-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	html, err := demo(repo, dir)
	if err != nil {
		return err
	}
	chromium, err := output(repo, filepath.Join(repo, "tools", "peers"), "chromium")
	if err != nil {
		return err
	}
	images := filepath.Join(repo, "docs", "images")
	if err := os.MkdirAll(images, 0o777); err != nil {
		return err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox,
		chromedp.UserDataDir(filepath.Join(dir, "browser")), chromedp.Flag("hide-scrollbars", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	for _, p := range pictures {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: p.scheme}}}
		settled := chromedp.Evaluate[bool](p.before+`; new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`, chromedp.EvalAwaitPromise)
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(p.width, p.height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, media)
			return err
		}), chromedp.Navigate((&url.URL{Scheme: "file", Path: html}).String())); err != nil {
			return err
		}
		if _, err := chromedp.Run(ctx, settled); err != nil {
			return err
		}
		shot, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (page.CaptureScreenshotResult, error) {
			return cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{})
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(images, p.file), shot.Data, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// output runs a program and returns what it prints.
func output(dir string, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", program, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}

const demoManifest = `version: 1
name: doorbell
board: openmv-n6
layout: stable
mpy: {optimize: 3}
budget: {max: 6MiB, warn: 90%}
files:
  - {src: app/**/*.py, dest: app/, strip: app}
  - {src: [main.py, config.json], dest: /}
  - {src: models/*, dest: models/}
  - {src: sounds/*, dest: sounds/}
`

// demo writes a project and an older state of it, and returns the report's path.
func demo(repo, dir string) (string, error) {
	r := rand.New(rand.NewPCG(1, 1))
	noise := func(head string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.UintN(256))
		}
		copy(b, head)
		return string(b)
	}
	module := func(n int) string {
		var b strings.Builder
		b.WriteString("import time\n\n")
		for i := range n {
			fmt.Fprintf(&b, "def step_%d(frame, limit=%d):\n    total = sum(frame[:limit])\n    return total * %d // (limit + 1)\n\n", i, r.IntN(4000), r.IntN(100000))
		}
		return b.String()
	}
	wave := func(n int) string { return noise("RIFF\x00\x00\x00\x00WAVE", n) }
	tflite := "\x1c\x00\x00\x00TFL3"
	files := map[string]string{
		"romfs.yaml": demoManifest, "main.py": "import app.camera\n", "config.json": `{"name": "doorbell", "sensitivity": 0.7}`,
		"app/__init__.py": "", "app/camera.py": module(60), "app/detect.py": module(40), "app/ring.py": module(12), "app/net/__init__.py": "", "app/net/mqtt.py": module(70), "app/net/wifi.py": module(30),
		"models/face.tflite": noise(tflite, 620_000), "models/labels.txt": strings.Repeat("person\nparcel\ncat\ndog\n", 40), "models/person.tflite": noise(tflite, 2_400_000),
		"sounds/chime.wav": wave(310_000), "sounds/night.wav": wave(180_000),
	}
	romfs := filepath.Join(dir, "romfs")
	if _, err := output(repo, "go", "build", "-o", romfs, "./packager/cmd/romfs"); err != nil {
		return "", err
	}
	older := map[string]string{"app/detect.py": files["app/detect.py"][:1200], "sounds/chime.wav": wave(290_000), "sounds/old.wav": wave(90_000)}
	for _, state := range []struct {
		image string
		edits map[string]string
	}{{"deployed.romfs", older}, {"doorbell.romfs", nil}} {
		top := filepath.Join(dir, strings.TrimSuffix(state.image, ".romfs"))
		for _, from := range []map[string]string{files, state.edits} {
			for name, content := range from {
				path := filepath.Join(top, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					return "", err
				}
				if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
					return "", err
				}
			}
		}
		if _, err := output(top, romfs, "build", "-o", filepath.Join(dir, state.image)); err != nil {
			return "", err
		}
	}
	interpreter, err := output(repo, filepath.Join(repo, "tools", "peers"), "micropython-32")
	if err != nil {
		return "", err
	}
	ledger, err := output(dir, romfs, "ram", "doorbell.romfs", "--interpreter", interpreter, "--output", "json")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "ram.json"), []byte(ledger), 0o666); err != nil {
		return "", err
	}
	_, err = output(dir, romfs, "report", "doorbell.romfs", "--base", "deployed.romfs", "--ram", "ram.json", "--budget", "6MiB")
	return filepath.Join(dir, "doorbell.html"), err
}
