//go:build linux

package deploy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/device"
	"rules_romfs/packager/port"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/simtest"
)

// A link is a way to a board, and how long its flash takes to erase a block.
type link struct {
	name   string
	faults simboard.Faults
}

var (
	uart     = link{"115200baud", simboard.Faults{Baud: 115200}}
	uartSlow = link{"115200baud-55ms-flash", simboard.Faults{Baud: 115200, EraseTime: 55 * time.Millisecond}}
	usb      = link{"usb", simboard.Faults{Baud: 10_000_000, Latency: time.Millisecond}} // USB CDC, with what its host adds
	usbSlow  = link{"usb-55ms-flash", simboard.Faults{Baud: 10_000_000, Latency: time.Millisecond, EraseTime: 55 * time.Millisecond}}
)

// A scenario is what is on the board, and what is deployed to it.
type scenario struct {
	name          string
	before, after []byte
	prefix        bool // firmware that erases from the partition's start only
	heap          int  // bytes; 0: plenty
}

// A row is one line of the benchmark, with the goals that it is held against:
// how many times faster than mpremote, with how many times fewer bytes on the
// link, for which share of the time the link carries bytes, and in how many
// times the time that the link needs for the image's bytes, beside the board's
// resets. 0: no goal.
type row struct {
	link          link
	scenario      scenario
	faster, fewer float64
	busy          float64 // percent
	within        float64 // times the image's bytes by the link's rate
}

func rows(t testing.TB) []row {
	base := benchImage(t, 0, 0)
	fresh := scenario{name: "new", after: base}
	same := scenario{name: "unchanged", before: base, after: base}
	changed := scenario{name: "one-changed", before: base, after: benchImage(t, 0, 1)}
	grown := scenario{name: "grown-10-bytes", before: base, after: benchImage(t, 10, 0)}
	prefix := scenario{name: "grown-prefix", before: prefixImage(t, 0), after: prefixImage(t, 10), prefix: true}
	small := prefix
	small.name, small.heap = "grown-prefix-small-heap", 96<<10 // holds no whole prefix: the layout alone helps
	return []row{
		{link: uart, scenario: fresh, faster: 1.5, busy: 95},
		{link: uart, scenario: same},
		{link: uart, scenario: changed},
		{link: uart, scenario: grown, faster: 10, fewer: 15},
		{link: uart, scenario: prefix, fewer: 4},
		{link: uart, scenario: small, fewer: 4},
		{link: uartSlow, scenario: fresh},
		{link: uartSlow, scenario: grown},
		{link: usb, scenario: fresh, faster: 10, within: 1.6},
		{link: usb, scenario: same},
		{link: usb, scenario: grown},
		{link: usbSlow, scenario: fresh},
		{link: usbSlow, scenario: grown},
	}
}

// benchImage is about 400 KB: 80 modules, and data of which three quarters are
// incompressible. grow lengthens the first module by so many bytes; another
// variant has other content of the same size in one module.
func benchImage(t testing.TB, grow, variant int) []byte {
	files := map[string][]byte{"model.bin": deploytest.Random(9, 300_000)}
	for i := range 80 {
		files[fmt.Sprintf("m%02d.py", i)] = deploytest.Code(uint64(i), 1250)
	}
	files["m00.py"] = append(files["m00.py"], bytes.Repeat([]byte{'#'}, grow)...)
	files["m40.py"] = deploytest.Code(uint64(40+1000*variant), 1250)
	return deploytest.Image(t, romfs.Options{}, files)
}

// prefixImage is 300 KB of models behind 60 KB of code, in layout stable.
func prefixImage(t testing.TB, grow int) []byte {
	files := map[string][]byte{"model.bin": deploytest.Random(9, 300_000)}
	for i := range 48 {
		files[fmt.Sprintf("m%02d.py", i)] = deploytest.Code(uint64(i), 1250)
	}
	files["m00.py"] = append(files["m00.py"], bytes.Repeat([]byte{'#'}, grow)...)
	return deploytest.Image(t, romfs.Options{Layout: romfs.Stable, EraseUnit: 4096, MaxSize: 1 << 20}, files)
}

// prefixBoard is the profile of the board with such firmware: it must know the
// erase unit, which the firmware does not tell.
const prefixBoard = `version: 1
id: bench
name: Simulated board
machines: ["Simulated board with unix MicroPython"]
mpy: {arch: none}
partitions:
  - {name: romfs0, index: 0, size: 1MiB, erase: 4KiB, write: 4, segment: memoryview, medium: nor}
`

// BenchmarkDeploy deploys beside mpremote: the same images, boards and links,
// whole processes, one round after the other and in each both, the other first
// each time. Its metrics are of the medians:
//
//	romfs-s, mpremote-s   from start to end of the process
//	flash-s               what romfs waited in that time for the flash
//	times-faster          mpremote-s / romfs-s
//	times-fewer-bytes     of both directions of the link
//	resets-s              the resets of the board in that time
//	times-the-link        romfs-s - resets-s, in what the link takes for the image
//	busy-%                for how much of romfs-s - flash-s the link carried bytes
//	image-bytes, erases   what romfs sent of the image, and erased
//
// It says below a row which goals it missed: on a busy computer, the times.
func BenchmarkDeploy(b *testing.B) {
	romfs := buildRomfs(b)
	for _, r := range rows(b) {
		b.Run(r.link.name+"/"+r.scenario.name, func(b *testing.B) {
			var ours, theirs []sample
			for round := 0; b.Loop(); round++ {
				both := []func(){
					func() { ours = append(ours, r.deploy(b, romfs)) },
					func() { theirs = append(theirs, r.deploy(b, "")) },
				}
				if round%2 == 1 {
					slices.Reverse(both)
				}
				both[0]()
				both[1]()
			}
			r.report(b, ours, theirs)
		})
	}
}

// A sample is one measured deploy.
type sample struct {
	wall, flash, carried time.Duration
	resets               time.Duration // of the board, in wall
	bytes                int64         // of both directions of the link
	literal              int64         // of the image
	erases               int
}

// deploy measures one deploy: of the romfs program at that path, or of
// mpremote.
func (r *row) deploy(b *testing.B, romfs string) sample {
	s := r.scenario
	o := simboard.Options{Faults: r.link.faults}
	o.Faults.Heap = s.heap
	if s.prefix {
		o.Generation = simboard.Old
	}
	board := deploytest.Start(b, o)
	defer board.Close()
	board.Load(0, s.before)
	board.Reset()
	dir := b.TempDir()
	image := filepath.Join(dir, "image.romfs")
	writeFile(b, image, s.after)
	cmd := exec.Command(peer.Mpremote(b), "connect", board.Addr(), "romfs", "deploy", image)
	if romfs != "" {
		if s.before != nil { // it was deployed from here, so it is kept
			if err := OpenCache(filepath.Join(dir, "cache", "deployed")).put(sha256.Sum256(s.before), s.before, nil); err != nil {
				b.Fatal(err)
			}
		}
		cmd = exec.Command(romfs, "deploy", image, "--port", board.Addr(), "--output", "json")
		if s.prefix {
			profile := filepath.Join(dir, "board.yaml")
			writeFile(b, profile, []byte(prefixBoard))
			cmd.Args = append(cmd.Args, "--board", profile)
		}
		cmd.Env = append(os.Environ(), "ROMFS_CACHE="+filepath.Join(dir, "cache"))
	}
	board.ResetStats()
	start := time.Now()
	out := output(b, cmd)
	m := sample{wall: time.Since(start)}
	if !bytes.HasPrefix(board.Contents(0), s.after) {
		b.Fatalf("%s: the image did not arrive\n%s", cmd, out)
	}
	if romfs != "" {
		var result struct{ Boards []Result }
		if err := json.Unmarshal(out, &result); err != nil {
			b.Fatal(err)
		}
		m.literal = result.Boards[0].Literal
	}
	stats := board.Stats()
	m.bytes, m.erases = stats.HostToBoard+stats.BoardToHost, stats.Erases
	m.resets = time.Duration(stats.Boots) * resetTime(b, board)
	m.carried = simtest.LinkTime(stats, r.link.faults.Baud, 0)
	m.flash = simtest.FlashTime(stats, r.link.faults.EraseTime, 0)
	return m
}

// resetTime is how long a soft reset of a board takes until it is at its prompt.
func resetTime(b *testing.B, board *simboard.Board) time.Duration {
	ctx := context.Background()
	d, err := device.Connect(ctx, &port.Opener{}, board.Addr(), false)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close(false)
	start := time.Now()
	if err := d.SoftReset(ctx); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// report prints the row's metrics and the goals that it missed.
func (r *row) report(b *testing.B, ours, theirs []sample) {
	wall := func(s sample) time.Duration { return s.wall }
	traffic := func(s sample) int64 { return s.bytes }
	flash := median(ours, func(s sample) time.Duration { return s.flash })
	net := median(ours, wall) - flash
	faster := float64(median(theirs, wall)) / float64(median(ours, wall))
	fewer := float64(median(theirs, traffic)) / float64(median(ours, traffic))
	busy := 100 * float64(median(ours, func(s sample) time.Duration { return s.carried })) / float64(net)
	b.ReportMetric(0, "ns/op") // of both programs, with the starts of their boards
	b.ReportMetric(median(ours, wall).Seconds(), "romfs-s")
	b.ReportMetric(median(theirs, wall).Seconds(), "mpremote-s")
	b.ReportMetric(flash.Seconds(), "flash-s")
	b.ReportMetric(faster, "times-faster")
	b.ReportMetric(fewer, "times-fewer-bytes")
	b.ReportMetric(busy, "busy-%")
	b.ReportMetric(float64(median(ours, func(s sample) int64 { return s.literal })), "image-bytes")
	b.ReportMetric(float64(median(ours, func(s sample) int { return s.erases })), "erases")
	for _, g := range []struct {
		what      string
		got, goal float64
	}{{"times faster", faster, r.faster}, {"times fewer bytes", fewer, r.fewer}, {"% of what the link carries", busy, r.busy}} {
		if g.got < g.goal {
			b.Logf("below the goal: %.2f %s, not %g", g.got, g.what, g.goal)
		}
	}
	if r.within > 0 {
		link := time.Duration(len(r.scenario.after)) * 10 * time.Second / time.Duration(r.link.faults.Baud)
		resets := median(ours, func(s sample) time.Duration { return s.resets })
		times := float64(median(ours, wall)-resets) / float64(link)
		b.ReportMetric(resets.Seconds(), "resets-s")
		b.ReportMetric(times, "times-the-link")
		if times > r.within {
			b.Logf("above the goal: %.2f times the link's time for the image, not %g", times, r.within)
		}
	}
	if bytes.Equal(r.scenario.before, r.scenario.after) {
		for _, s := range ours {
			if s.literal > 0 || s.erases > 0 {
				b.Errorf("nothing changed, but %d bytes of the image were sent and %d blocks erased", s.literal, s.erases)
			}
		}
	}
}

// BenchmarkQuery asks for the partitions beside mpremote, as BenchmarkDeploy
// deploys.
func BenchmarkQuery(b *testing.B) {
	romfsProgram := buildRomfs(b)
	for _, link := range []link{uart, usb} {
		b.Run(link.name, func(b *testing.B) {
			board := deploytest.Start(b, simboard.Options{Faults: link.faults})
			board.Load(0, deploytest.Image(b, romfs.Options{}, map[string][]byte{"a.py": deploytest.Code(1, 3000)}))
			var ours, theirs []time.Duration
			cache := "ROMFS_CACHE=" + b.TempDir()
			for round := 0; b.Loop(); round++ {
				query := exec.Command(romfsProgram, "query", "--port", board.Addr(), "--no-run")
				query.Env = append(os.Environ(), cache)
				both := []struct {
					cmd   *exec.Cmd
					times *[]time.Duration
				}{
					{query, &ours},
					{exec.Command(peer.Mpremote(b), "connect", board.Addr(), "romfs", "query"), &theirs},
				}
				if round%2 == 1 {
					slices.Reverse(both)
				}
				for _, each := range both {
					start := time.Now()
					output(b, each.cmd)
					*each.times = append(*each.times, time.Since(start))
				}
			}
			same := func(d time.Duration) time.Duration { return d }
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ours, same).Seconds(), "romfs-s")
			b.ReportMetric(median(theirs, same).Seconds(), "mpremote-s")
			b.ReportMetric(float64(median(theirs, same))/float64(median(ours, same)), "times-faster")
		})
	}
}

// median returns the median of what is wanted of the samples.
func median[S any, T cmp.Ordered](samples []S, of func(S) T) T {
	var all []T
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// buildRomfs returns the path of the program, built for this benchmark.
func buildRomfs(b *testing.B) string {
	program := filepath.Join(b.TempDir(), "romfs")
	output(b, exec.Command("go", "build", "-o", program, "rules_romfs/packager/cmd/romfs"))
	return program
}

// output runs a command and returns what it prints.
func output(b *testing.B, cmd *exec.Cmd) []byte {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%s: %v\n%s%s", cmd, err, out, &stderr)
	}
	return out
}

func writeFile(b *testing.B, path string, content []byte) {
	if err := os.WriteFile(path, content, 0o644); err != nil {
		b.Fatal(err)
	}
}
