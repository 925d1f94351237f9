package deploy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/report"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
)

// links are the two links that boards have: a UART, and USB CDC with what its
// host adds; and each with flash that takes as long as serial NOR does to
// erase a block.
var links = []struct {
	name   string
	faults simboard.Faults
}{
	{"115200baud", simboard.Faults{Baud: 115200}},
	{"usb", simboard.Faults{Baud: 10_000_000, Latency: time.Millisecond}},
	{"115200baud-55ms-flash", simboard.Faults{Baud: 115200, EraseTime: 55 * time.Millisecond}},
	{"usb-55ms-flash", simboard.Faults{Baud: 10_000_000, Latency: time.Millisecond, EraseTime: 55 * time.Millisecond}},
}

// benchImage is about 400 KB: 80 modules, and data of which three quarters are
// incompressible. grow lengthens the first module, change alters one.
func benchImage(t testing.TB, o romfs.Options, grow int, change bool) []byte {
	files := map[string][]byte{"model.bin": random(9, 300_000)}
	for i := range 80 {
		files[fmt.Sprintf("m%02d.py", i)] = code(uint64(i), 1250)
	}
	files["m00.py"] = append(files["m00.py"], bytes.Repeat([]byte{'#'}, grow)...)
	if change {
		files["m40.py"] = code(999, 1250)
	}
	return build(t, o, files)
}

// prefixImage is 300 KB of models behind 60 KB of code, in layout stable.
func prefixImage(t testing.TB, grow int) []byte {
	files := map[string][]byte{"model.bin": random(9, 300_000)}
	for i := range 48 {
		files[fmt.Sprintf("m%02d.py", i)] = code(uint64(i), 1250)
	}
	files["m00.py"] = append(files["m00.py"], bytes.Repeat([]byte{'#'}, grow)...)
	return build(t, romfs.Options{Layout: romfs.Stable, EraseUnit: 4096, MaxSize: 1 << 20}, files)
}

// A scenario is what is on the board, and what is deployed to it.
type scenario struct {
	name          string
	before, after []byte
	old           bool
	small         bool // the heap holds no whole prefix
}

func scenarios(t testing.TB) []scenario {
	o := romfs.Options{}
	base := benchImage(t, o, 0, false)
	return []scenario{
		{name: "new", after: base},
		{name: "unchanged", before: base, after: base},
		{name: "one-changed", before: base, after: benchImage(t, o, 0, true)},
		{name: "grown", before: base, after: benchImage(t, o, 10, false)},
		{name: "grown-prefix", before: prefixImage(t, 0), after: prefixImage(t, 10), old: true},
		{name: "grown-prefix-small-heap", before: prefixImage(t, 0), after: prefixImage(t, 10), old: true, small: true},
	}
}

// BenchmarkDeploy deploys beside mpremote: the same images, boards and links.
// linkbytes are both directions'. flash-s is what the board waited for its
// flash, net-s the rest. busy-% is for how much of net-s the link carried
// bytes: bytes * 10 / baud / net-s.
func BenchmarkDeploy(b *testing.B) {
	for _, link := range links {
		for _, s := range scenarios(b) {
			o := simboard.Options{Faults: link.faults}
			if s.old {
				o.Generation = simboard.Old
			}
			if s.small {
				o.Faults.Heap = 96 << 10
			}
			f := flavours[2]
			run := func(b *testing.B, once func(b *testing.B, board *simboard.Board, cache *Cache)) {
				var linkBytes int64
				var carried, flash time.Duration
				for range b.N {
					b.StopTimer()
					board := startBoard(b, o)
					board.Load(0, s.before)
					cache := OpenCache(b.TempDir())
					if s.before != nil {
						if err := cache.put(sha256.Sum256(s.before), s.before, nil); err != nil {
							b.Fatal(err)
						}
					}
					board.Reset()
					board.ResetStats()
					b.StartTimer()
					once(b, board, cache)
					b.StopTimer()
					if !bytes.HasPrefix(board.Contents(0), s.after) {
						b.Fatal("the image did not arrive")
					}
					stats := board.Stats()
					linkBytes += stats.HostToBoard + stats.BoardToHost
					carried += stats.LinkTime(link.faults.Baud, 0)
					flash += stats.FlashTime(link.faults.EraseTime, 0)
					board.Close()
				}
				net := b.Elapsed() - flash
				b.ReportMetric(float64(linkBytes)/float64(b.N), "linkbytes/op")
				b.ReportMetric(flash.Seconds()/float64(b.N), "flash-s/op")
				b.ReportMetric(net.Seconds()/float64(b.N), "net-s/op")
				b.ReportMetric(100*carried.Seconds()/net.Seconds(), "busy-%")
			}
			b.Run(link.name+"/"+s.name+"/romfs", func(b *testing.B) {
				run(b, func(b *testing.B, board *simboard.Board, cache *Cache) {
					r := request(b, board, s.after)
					r.Reporter, r.Cache = report.Discard(), cache
					if s.old {
						r.Board = f.profile()
						r.Board.Partitions[0].Size = 1 << 20
					}
					if _, err := Run(context.Background(), r); err != nil {
						b.Fatal(err)
					}
				})
			})
			b.Run(link.name+"/"+s.name+"/mpremote", func(b *testing.B) {
				file := filepath.Join(b.TempDir(), "image.romfs")
				if err := os.WriteFile(file, s.after, 0o644); err != nil {
					b.Fatal(err)
				}
				run(b, func(b *testing.B, board *simboard.Board, _ *Cache) {
					cmd := exec.Command(peer.Mpremote(b), "connect", board.Addr(), "romfs", "deploy", file)
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
				})
			})
		}
	}
}

// BenchmarkQuery asks for the partitions beside mpremote.
func BenchmarkQuery(b *testing.B) {
	for _, link := range links {
		image := build(b, romfs.Options{}, map[string][]byte{"a.py": code(1, 3000)})
		board := startBoard(b, simboard.Options{Faults: link.faults})
		board.Load(0, image)
		b.Run(link.name+"/romfs", func(b *testing.B) {
			for range b.N {
				if _, err := Ask(context.Background(), request(b, board, nil).Opener, board.Addr(), nil, OpenCache(""), true); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(link.name+"/mpremote", func(b *testing.B) {
			for range b.N {
				if out, err := exec.Command(peer.Mpremote(b), "connect", board.Addr(), "romfs", "query").CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
}
