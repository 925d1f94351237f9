//go:build linux

package deploy

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/flashsim"
	"rules_romfs/packager/simboard/simtest"
)

// soak is how many deploys TestSoak makes; soakSeed decides which.
var (
	soak     = flag.Int("soak", 12, "`deploys` that TestSoak makes")
	soakSeed = flag.Uint64("soak-seed", 1, "the `number` that decides which deploys and faults")
)

// TestSoak deploys one image after another to the same few boards, each another
// change of the one before, and most with a fault by chance: the power goes at a
// byte of the link or in a step of the flash, the line loses, flips and doubles
// bytes, or a page does not take its bits at first. Whatever comes of it, the board
// then mounts the image before, the new one, or none; and after the faults have
// ended a deploy brings the new one. It prints the seed, by which all of that happens
// again:
//
//	go test ./packager/deploy -run '^TestSoak$' -v -args -soak 500 -soak-seed 7
func TestSoak(t *testing.T) {
	t.Parallel()
	t.Logf("%d deploys, seed %d", *soak, *soakSeed)
	const boards = 4
	each := (*soak + boards - 1) / boards
	seen := make(chan map[string]int, boards)
	for i := range boards {
		t.Run(fmt.Sprint("board", i), func(t *testing.T) {
			t.Parallel()
			s := newSoaker(t, rand.New(rand.NewPCG(*soakSeed, uint64(i))), i)
			defer func() { seen <- s.seen }() // also of what a failure ends
			for n := range each {
				s.step(n)
			}
		})
	}
	t.Cleanup(func() {
		close(seen)
		all := map[string]int{}
		for one := range seen {
			for what, n := range one {
				all[what] += n
			}
		}
		for _, what := range slices.Sorted(maps.Keys(all)) {
			t.Logf("%s: %d", what, all[what])
		}
	})
}

// soakPartitions are what the boards have: each is written in its own way.
var soakPartitions = []simboard.Partition{
	{Size: 128 * kib}, {Driver: "rp2", Size: 128 * kib}, {Driver: "stm32-ospi", Size: 128 * kib}, {Size: 128 * kib, Erase: 32 * kib},
}

// A soaker deploys to one board again and again.
type soaker struct {
	t         *testing.T
	r         *rand.Rand
	options   simboard.Options
	board     *simboard.Board
	inspector *simtest.Inspector
	cache     *Cache
	files     map[string][]byte // of the image that the board holds
	seen      map[string]int
}

func newSoaker(t *testing.T, r *rand.Rand, i int) *soaker {
	inspector, err := simtest.NewInspector(peer.MicroPython(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { inspector.Close() })
	s := &soaker{t: t, r: r, inspector: inspector, cache: OpenCache(t.TempDir()), seen: map[string]int{},
		options: simboard.Options{Partitions: []simboard.Partition{soakPartitions[i]}}}
	s.files = map[string][]byte{"app.py": deploytest.Code(r.Uint64(), 4000), "data.bin": deploytest.Random(r.Uint64(), 9000)}
	return s
}

// change returns the files of the next image: some of the last, some others.
func (s *soaker) change() map[string][]byte {
	next := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(s.files)) { // so that chance meets the same file each time
		content := bytes.Clone(s.files[name])
		switch s.r.IntN(4) {
		case 0: // moves everything behind it
			at := s.r.IntN(len(content))
			content = slices.Insert(content, at, deploytest.Random(s.r.Uint64(), 1+s.r.IntN(400))...)
		case 1:
			content[s.r.IntN(len(content))] ^= 1
		case 2:
			content = content[:1+s.r.IntN(len(content))]
		}
		if len(content) > 20_000 || len(s.files) > 6 && s.r.IntN(2) == 0 {
			continue
		}
		next[name] = content
	}
	next[fmt.Sprintf("new%d.bin", s.r.IntN(5))] = deploytest.Random(s.r.Uint64(), 1+s.r.IntN(6000))
	return next
}

// spoil gives a board a fault, and says of which kind.
func (s *soaker) spoil(o *simboard.Options) (kind string, cut bool) {
	about := func(n int) int { return n/2 + s.r.IntN(n) }
	o.Seed = s.r.Uint64()
	switch s.r.IntN(6) {
	case 0:
		return "no fault", false
	case 1:
		o.Faults.CutAtByte = 1 + int64(s.r.IntN(20_000))
		return "power cut at a byte of the link", true
	case 2, 3:
		o.Faults.Cut = &flashsim.Cut{Step: s.r.IntN(30), Bytes: int64(s.r.IntN(256)), Bits: s.r.IntN(8), Seed: s.r.Uint64()}
		return "power cut in a step of the flash", true
	case 4:
		o.Faults.ToBoard = simboard.Disturbance{Flip: about(6000), Lose: about(8000), Double: about(20_000)}
		o.Faults.ToHost = simboard.Disturbance{Flip: about(6000)}
		return "wrong bytes on the line", false
	}
	o.Faults.WeakBlock = []int{s.r.IntN(3)}
	return "a page that does not take its bits", false
}

// step deploys one image with a fault, looks at what the board mounts, and deploys
// again without.
func (s *soaker) step(n int) {
	t := s.t
	before := s.files
	after := s.change()
	image := deploytest.Image(t, romfs.Options{}, after)
	o := s.options
	o.Faults.USB = time.Millisecond // the port goes with the power, so that no deploy waits for it
	kind, cut := s.spoil(&o)
	flash := deploytest.Image(t, romfs.Options{}, before)
	if s.board != nil {
		flash = s.board.Contents(0)
		s.board.Close()
	}
	s.board = deploytest.Start(t, o)
	s.board.Load(0, flash)
	failed := s.deploy(image, cut)
	if cut && failed != nil {
		ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
		defer cancel()
		if s.board.WaitOff(ctx) != nil {
			t.Fatalf("deploy %d, %s: %v", n, kind, failed)
		}
	}
	what := s.mounted(deploytest.Digests(before), deploytest.Digests(after))
	if what == "" || failed == nil && what != "the new image" {
		t.Errorf("deploy %d, %s, ended with %v, and the board mounts neither image, or not the new one: %s", n, kind, failed, what)
	}
	s.seen[kind+": "+what]++
	// The same flash in a board without faults.
	flash = s.board.Contents(0)
	s.board.Close()
	s.board = deploytest.Start(t, s.options)
	s.board.Load(0, flash)
	if err := s.deploy(image, false); err != nil {
		t.Fatalf("deploy %d, after %s: %v", n, kind, err)
	}
	if s.mounted(nil, deploytest.Digests(after)) == "" {
		t.Fatalf("deploy %d, after %s: the board does not mount the new image", n, kind)
	}
	s.files = after
}

func (s *soaker) deploy(image []byte, cut bool) error {
	r := request(s.t, s.board, image)
	r.Reporter, r.Cache = nil, s.cache
	ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
	defer cancel()
	if cut {
		ctx = deploytest.UntilOff(s.t, s.board)
	}
	_, err := Run(ctx, r)
	return err
}

// mounted says which image MicroPython's own driver finds in the flash; "" if it is
// neither of both.
func (s *soaker) mounted(before, after map[string]string) string {
	view, err := s.inspector.Partition(context.Background(), s.board, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	switch files := fmt.Sprint(view.Files); {
	case !view.Mounted:
		return "none"
	case view.Error != "":
		return ""
	case files == fmt.Sprint(after):
		return "the new image"
	case before != nil && files == fmt.Sprint(before):
		return "the one before"
	}
	return ""
}
