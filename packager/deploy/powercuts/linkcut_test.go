//go:build linux

package powercuts

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"rules_romfs/internal/peer"
	"rules_romfs/packager/deploy"
	"rules_romfs/packager/deploy/deploytest"
	"rules_romfs/packager/romfs"
	"rules_romfs/packager/simboard"
	"rules_romfs/packager/simboard/simtest"
)

// linkCuts is how many cuts TestLinkCuts makes by default; with deploytest.Full there
// is one at every byte, which takes most of an hour.
const linkCuts = 40

// TestLinkCuts cuts the power when the board has got n bytes of a deploy over
// an old image, for many n. The board then mounts the old image whole, nothing,
// or the new one whole, and the next deploy repairs it.
func TestLinkCuts(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"app.py": deploytest.Code(1, 3000), "data.bin": deploytest.Random(2, 6000)}
	older := deploytest.Image(t, romfs.Options{}, files)
	oldSums := deploytest.Digests(files)
	files["app.py"] = append(files["app.py"], "# changed\n"...)
	newer, newSums := deploytest.Image(t, romfs.Options{}, files), deploytest.Digests(files)

	// A deploy without a cut tells how many bytes there are.
	whole := newLinkCutter(t, older, newer)
	whole.reload()
	if err := whole.deploy(context.Background()); err != nil {
		t.Fatal(err)
	}
	total := whole.board.Stats().HostToBoard

	workers, step := int64(2), total/linkCuts
	if deploytest.Full {
		workers, step = 4, 1
	}
	first := 1 + rand.New(rand.NewPCG(3, 0)).Int64N(step)
	results := make(chan map[string]int, workers)
	for worker := range workers {
		t.Run(fmt.Sprint("worker", worker), func(t *testing.T) {
			t.Parallel()
			c := newLinkCutter(t, older, newer)
			inspector, err := simtest.NewInspector(peer.MicroPython(t))
			if err != nil {
				t.Fatal(err)
			}
			defer inspector.Close()
			seen := map[string]int{}
			for n := first + worker*step; n < total; n += workers * step {
				if !c.cut(n) {
					seen["finished before"]++
					continue
				}
				view, err := inspector.Partition(context.Background(), c.board, 0)
				if err != nil {
					t.Fatal(err)
				}
				switch files := fmt.Sprint(view.Files); {
				case !view.Mounted:
					seen["nothing"]++
				case view.Error == "" && files == fmt.Sprint(oldSums):
					seen["old"]++
				case view.Error == "" && files == fmt.Sprint(newSums):
					seen["new"]++
				default:
					t.Errorf("cut at byte %d: the board mounts neither image but %+v", n, view)
				}
				c.repair(n)
			}
			results <- seen
		})
	}
	t.Cleanup(func() {
		close(results)
		all, tried := map[string]int{}, 0
		for seen := range results {
			for what, n := range seen {
				all[what] += n
				tried += n
			}
		}
		t.Logf("%d cuts tried among the %d bytes of a deploy, what the board mounted: %v", tried, total, all)
		if all["old"] == 0 || all["nothing"] == 0 || all["new"] == 0 {
			t.Errorf("the cuts left %v: they were not everywhere", all)
		}
	})
}

// A linkCutter deploys to one board again and again.
type linkCutter struct {
	t            *testing.T
	board        *simboard.Board
	older, newer []byte
}

func newLinkCutter(t *testing.T, older, newer []byte) *linkCutter {
	o := simboard.Options{Partitions: []simboard.Partition{{Size: 64 * deploytest.KiB}}}
	o.Faults.USB = time.Millisecond // the port goes with the power, so that no deploy waits for it
	return &linkCutter{t, deploytest.Start(t, o), older, newer}
}

// deploy brings the new image.
func (c *linkCutter) deploy(ctx context.Context) error {
	r := request(c.t, c.board, c.newer)
	r.Reporter = nil
	_, err := deploy.Run(ctx, r)
	return err
}

// reload makes the board as it was before the first deploy.
func (c *linkCutter) reload() {
	c.board.Load(0, c.older)
	c.board.ResetStats()
}

// cut begins a deploy over the old image that ends when the board has got n
// bytes; it returns whether it was cut.
func (c *linkCutter) cut(n int64) bool {
	c.reload()
	c.board.SetCutAtByte(n)
	if err := c.deploy(deploytest.UntilOff(c.t, c.board)); err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), deploytest.Patience)
		defer cancel()
		if c.board.WaitOff(ctx) != nil {
			c.t.Fatalf("cut at byte %d: %v", n, err)
		}
		return true
	}
	c.board.SetCutAtByte(0)
	return false
}

// repair gives the power back and deploys once more.
func (c *linkCutter) repair(n int64) {
	c.board.PowerOn()
	if err := c.deploy(context.Background()); err != nil {
		c.t.Fatalf("the deploy after a cut at byte %d: %v", n, err)
	}
	if !bytes.HasPrefix(c.board.Contents(0), c.newer) {
		c.t.Errorf("the deploy after a cut at byte %d did not bring the image", n)
	}
}
