package deploy

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"rules_romfs/packager/deploy/flash"
)

// text writes pieces as "0+32<64 32+8": 32 bytes for 0 copied from 64, and 8 literal
// ones for 32.
func text(pieces []piece) string {
	var all []string
	for _, p := range pieces {
		s := fmt.Sprintf("%d+%d", p.dst, p.n)
		if p.src >= 0 {
			s += fmt.Sprintf("<%d", p.src)
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// bytesOf returns n bytes of which no window is like another.
func bytesOf(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 7))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestPlanPieces: copies are as long as what is known allows, and no longer.
func TestPlanPieces(t *testing.T) {
	t.Parallel()
	old, other := bytesOf(1, 256), bytesOf(2, 256)
	whole := []span{{0, 256}}
	for name, c := range map[string]struct {
		known    []span
		image    []byte
		from, to int64
		want     string
	}{
		"the same":                       {whole, old, 0, 256, "0+256<0"},
		"a part of it":                   {whole, old, 64, 128, "64+64<64"},
		"one window, to its last byte":   {whole, old[:32], 0, 32, "0+32<0"},
		"less than a window":             {whole, old[:31], 0, 31, "0+31"},
		"another":                        {whole, other, 0, 256, "0+256"},
		"nothing is known":               {nil, old, 0, 256, "0+256"},
		"moved":                          {whole, slices.Concat(other[:5], old), 0, 261, "0+5 5+256<0"},
		"moved back":                     {whole, old[5:], 0, 251, "0+251<5"},
		"moved, the next group":          {whole, slices.Concat(other[:5], old), 128, 261, "128+133<123"},
		"literal behind":                 {whole, slices.Concat(old[:100], other[:9]), 0, 109, "0+100<0 100+9"},
		"between":                        {whole, slices.Concat(old[:64], other[:9], old[64:]), 0, 265, "0+64<0 64+9 73+192<64"},
		"changed places":                 {whole, slices.Concat(old[128:], old[:128]), 0, 256, "0+128<128 128+128<0"},
		"before what is known":           {[]span{{32, 256}}, old, 0, 256, "0+32 32+224<32"},
		"known from within a window":     {[]span{{3, 256}}, old, 0, 256, "0+3 3+253<3"},
		"behind what is known":           {[]span{{0, 96}}, old, 0, 256, "0+96<0 96+160"},
		"known to within a window":       {[]span{{0, 100}}, old, 0, 256, "0+100<0 100+156"},
		"two parts are known":            {[]span{{0, 64}, {128, 192}}, old, 0, 256, "0+64<0 64+64 128+64<128 192+64"},
		"known is one window":            {[]span{{64, 96}}, old, 0, 256, "0+64 64+32<64 96+160"},
		"known is less than a window":    {[]span{{64, 95}}, old, 0, 256, "0+256"},
		"a run of one byte":              {whole, bytes.Repeat([]byte{7}, 64), 0, 64, "0+64"},
		"the same twice, the first wins": {whole, slices.Concat(old[:40], old[:40]), 0, 80, "0+40<0 40+40<0"},
	} {
		x := newIndex(contents{old, c.known})
		if got := text(x.pieces(c.image, c.from, c.to)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	// Of equal windows the first that is known is copied, so that plans are the same each time.
	twice := slices.Concat(old[:64], old[:64])
	if got := text(newIndex(contents{twice, []span{{0, 128}}}).pieces(old[:64], 0, 64)); got != "0+64<0" {
		t.Errorf("of two equal windows: %s", got)
	}
}

// TestPlanFalseMatch: a window whose hash is that of another is compared, and not
// copied.
func TestPlanFalseMatch(t *testing.T) {
	t.Parallel()
	old, image := bytesOf(1, 32), bytesOf(2, 32)
	x := newIndex(contents{old, []span{{0, 32}}})
	x.at[hashWindow(image)] = 0
	if got := text(x.pieces(image, 0, 32)); got != "0+32" {
		t.Errorf("%s", got)
	}
}

// groupsOf makes groups of 100 bytes from their pieces: "dst+n<src".
func groupsOf(t *testing.T, texts ...string) []*group {
	t.Helper()
	var all []*group
	for i, s := range texts {
		g := &group{off: int64(100 * i), len: 100, end: int64(100*i + 100)}
		for f := range strings.FieldsSeq(s) {
			p := piece{src: -1}
			if _, err := fmt.Sscanf(f, "%d+%d<%d", &p.dst, &p.n, &p.src); err != nil && !strings.Contains(f, "<") {
				_, err = fmt.Sscanf(f, "%d+%d", &p.dst, &p.n)
				if err != nil {
					t.Fatal(f, err)
				}
			}
			g.pieces = append(g.pieces, p)
		}
		all = append(all, g)
	}
	return all
}

// TestPlanOrder: what is copied is copied before it is overwritten, in an order that
// is the same each time, and what has to be sent for that is the least.
func TestPlanOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		groups []string
		want   string
	}{
		"nothing is copied":                   {[]string{"0+100", "100+100", "200+100"}, "0: 0+100; 100: 100+100; 200: 200+100"},
		"from the next":                       {[]string{"0+100<100", "100+100<200", "200+100"}, "0: 0+100<100; 100: 100+100<200; 200: 200+100"},
		"from the one before":                 {[]string{"0+100", "100+100<0", "200+100<100"}, "200: 200+100<100; 100: 100+100<0; 0: 0+100"},
		"from itself":                         {[]string{"0+50<50 50+50<0"}, "0: 0+50<50 50+50<0"},
		"from behind all groups":              {[]string{"0+100<300", "100+100<900"}, "0: 0+100<300; 100: 100+100<900"},
		"across a border":                     {[]string{"0+100", "100+100", "200+100<50"}, "200: 200+100<50; 0: 0+100; 100: 100+100"},
		"across the end of all":               {[]string{"0+100<150", "100+100"}, "0: 0+100<150; 100: 100+100"},
		"a circle of two, the lesser goes":    {[]string{"0+60 60+40<100", "100+90<0 190+10"}, "100: 100+90<0 190+10; 0: 0+100"},
		"the other way round":                 {[]string{"0+90<100 90+10", "100+40<0 140+60"}, "0: 0+90<100 90+10; 100: 100+100"},
		"equal circles, the first is free":    {[]string{"0+50<100 50+50", "100+50<0 150+50"}, "0: 0+50<100 50+50; 100: 100+100"},
		"a circle of three":                   {[]string{"0+80<100 80+20", "100+70<200 170+30", "200+10<0 210+90"}, "0: 0+80<100 80+20; 100: 100+70<200 170+30; 200: 200+100"},
		"two read one":                        {[]string{"0+100", "100+100<0", "200+100<0"}, "100: 100+100<0; 200: 200+100<0; 0: 0+100"},
		"two read one in a circle":            {[]string{"0+10<100 10+90", "100+30<0 130+70", "200+30<0 230+70"}, "200: 200+30<0 230+70; 100: 100+30<0 130+70; 0: 0+100"},
		"what is copied from elsewhere stays": {[]string{"0+60<100 60+40", "100+50<0 150+40<300 190+10"}, "0: 0+60<100 60+40; 100: 100+50 150+40<300 190+10"},
		"neighbours are joined again":         {[]string{"0+20<150 20+80<170", "100+100"}, "0: 0+100<150; 100: 100+100"},
		"and not what only looks so":          {[]string{"0+20<150 20+80<171", "100+100<300 "}, "0: 0+20<150 20+80<171; 100: 100+100<300"},
	} {
		for n := range 20 { // maps have no order: it must not matter
			groups := groupsOf(t, c.groups...)
			if n%2 == 1 {
				slices.Reverse(groups)
			}
			var got []string
			for _, g := range order(groups) {
				got = append(got, fmt.Sprintf("%d: %s", g.off, text(g.pieces)))
			}
			if s := strings.Join(got, "; "); s != c.want {
				t.Errorf("%s: %s, want %s", name, s, c.want)
			}
		}
	}
	if n := groupsOf(t, "0+60 60+30<0 90+10")[0].literal(); n != 70 {
		t.Errorf("%d bytes are literal of 70", n)
	}
	if n := groupsOf(t, "0+100<0")[0].literal(); n != 0 {
		t.Errorf("%d bytes are literal of 0, copied from 0", n)
	}
}

// TestPlanSplit: a copy is cut where groups begin and end, also where there is none
// between two.
func TestPlanSplit(t *testing.T) {
	t.Parallel()
	groups := []*group{{off: 100, len: 50}, {off: 150, len: 50}, {off: 300, len: 50}}
	for in, want := range map[string]string{
		"0+40":                  "0+40",
		"0+40<0":                "0+40<0",
		"0+100<0":               "0+100<0",
		"0+101<0":               "0+100<0 100+1<100",
		"0+50<100":              "0+50<100",
		"0+51<100":              "0+50<100 50+1<150",
		"0+51<99":               "0+1<99 1+50<100",
		"0+90<110":              "0+40<110 40+50<150",
		"0+91<110":              "0+40<110 40+50<150 90+1<200",
		"0+99<301":              "0+49<301 49+50<350",
		"0+20<400":              "0+20<400",
		"0+9 9+200<120 209+1<0": "0+9 9+30<120 39+50<150 89+100<200 189+20<300 209+1<0",
	} {
		if got := text(splitAt(groupsOf(t, in)[0].pieces, groups)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestPlanJoin: pieces that go on are one, literal or copied, and others are not.
func TestPlanJoin(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0+5 5+5":          "0+10",
		"0+5<10 5+5<15":    "0+10<10",
		"0+5<10 5+5<16":    "0+5<10 5+5<16",
		"0+5<10 5+5":       "0+5<10 5+5",
		"0+5 5+5<0":        "0+5 5+5<0",
		"0+5<0 5+5<5":      "0+10<0",
		"0+5<0 5+5":        "0+5<0 5+5",
		"0+5 5+5 10+5<4":   "0+10 10+5<4",
		"0+1 1+1 2+1":      "0+3",
		"0+5<20 5+5<20":    "0+5<20 5+5<20",
		"0+5<20 5+15<25 ":  "0+20<20",
		"0+5 5+5<10 10+90": "0+5 5+5<10 10+90",
	} {
		if got := text(join(groupsOf(t, in)[0].pieces)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestPlanBlocks: what differs is found block by block, and the last one may be short.
func TestPlanBlocks(t *testing.T) {
	t.Parallel()
	geo := &flash.Geometry{Size: 1 << 20, Erase: 4096, Erasing: flash.EachBlock, Unit: 4, Way: flash.NOR{Unit: 4}}
	sum := func(b []byte) []byte { return []byte{b[0], byte(len(b) >> 8), byte(len(b)), 1, 2} }
	image := bytesOf(1, 3*4096+100)
	p := newPlan(geo, int64(len(image)), 0)
	if p.block != 4096 || p.blocks != 4 || len(p.differs) != 4 {
		t.Fatalf("%+v", p)
	}
	if n := newPlan(geo, 4096, 0).blocks; n != 1 {
		t.Errorf("one block is %d", n)
	}
	if n := newPlan(geo, 4097, 0).blocks; n != 2 {
		t.Errorf("a byte more is %d blocks", n)
	}
	if p := newPlan(geo, 4096, 512); p.block != 512 || p.blocks != 8 {
		t.Errorf("blocks of 512: %+v", p)
	}
	for i, want := range [][2]int64{{0, 4096}, {4096, 8192}, {8192, 12288}, {12288, 12388}} {
		if from, to := p.span(i); from != want[0] || to != want[1] {
			t.Errorf("block %d is %d to %d", i, from, to)
		}
	}
	p.mark(image, sum)
	if p.changed != 4 || !slices.Equal(p.differs, []bool{true, true, true, true}) {
		t.Errorf("without digests: %+v", p)
	}
	p = newPlan(geo, int64(len(image)), 0)
	for i := range p.blocks {
		from, to := p.span(i)
		p.hashes = append(p.hashes, sum(image[from:to])[:3]) // as long as the board's
	}
	p.hashes[2][0] ^= 1
	p.mark(image, sum)
	if p.changed != 1 || !slices.Equal(p.differs, []bool{false, false, true, false}) {
		t.Errorf("with digests: %+v", p)
	}
}

// TestPlanGroups: each way of erasing has its groups, and a buffer where there is room.
func TestPlanGroups(t *testing.T) {
	t.Parallel()
	image := bytesOf(1, 4*4096-96)
	for name, c := range map[string]struct {
		erasing flash.Erasing
		erase   int64
		differs []bool
		room    int
		want    string
		buffer  int64
	}{
		"each block":                 {flash.EachBlock, 4096, []bool{false, false, true, false}, 1 << 20, "0+4096 8192+4096", 4096},
		"the last is short":          {flash.EachBlock, 4096, []bool{true, false, false, true}, 1 << 20, "0+4096 12288+4096", 4096},
		"room enough, exactly":       {flash.EachBlock, 4096, []bool{true, true, false, false}, 4096, "0+4096 4096+4096", 4096},
		"no room":                    {flash.EachBlock, 4096, []bool{true, true, false, false}, 4095, "0+4096 4096+4096", 0},
		"a block device needs it":    {flash.ByWrite, 4096, []bool{false, true, false, false}, 0, "0+4096 4096+4096", 4096},
		"never, the first may stay":  {flash.Never, 0, []bool{false, true, false, false}, 1 << 20, "4096+4096", 4096},
		"never, the first":           {flash.Never, 0, []bool{true, false, false, false}, 1 << 20, "0+4096", 4096},
		"from the start":             {flash.FromStart, 4096, []bool{false, true, false, false}, 1 << 20, "0+8192", 8192},
		"from the start, the first":  {flash.FromStart, 4096, []bool{true, false, false, false}, 1 << 20, "0+4096", 4096},
		"from the start, the last":   {flash.FromStart, 4096, []bool{false, false, false, true}, 1 << 20, "0+16384", 16384},
		"from the start, none":       {flash.FromStart, 4096, []bool{false, false, false, false}, 1 << 20, "0+4096", 4096},
		"from the start, any unit":   {flash.FromStart, 1, []bool{true, false, false, false}, 1 << 20, "0+4096", 4096},
		"from the start, large unit": {flash.FromStart, 12288, []bool{true, true}, 1 << 20, "0+24576", 24576},
		"from the start, unknown":    {flash.FromStart, 0, []bool{true, false, false, false}, 1 << 20, "0+16288", 16288},
	} {
		geo := &flash.Geometry{Size: 1 << 20, Erase: c.erase, Erasing: c.erasing, Unit: 4, Way: flash.NOR{Unit: 4}}
		p := newPlan(geo, int64(len(image)), 0)
		copy(p.differs, c.differs)
		p.group(c.room)
		var got []string
		for _, g := range p.groups {
			got = append(got, fmt.Sprintf("%d+%d", g.off, g.len))
			if g.end != min(g.off+g.len, int64(len(image))) {
				t.Errorf("%s: the group at %d ends at %d", name, g.off, g.end)
			}
		}
		if s := strings.Join(got, " "); s != c.want || p.buffer != c.buffer {
			t.Errorf("%s: groups %s and a buffer of %d, want %s and %d", name, s, p.buffer, c.want, c.buffer)
		}
	}
	// The partition may end within the last block.
	geo := &flash.Geometry{Size: 5000, Erase: 4096, Erasing: flash.EachBlock, Unit: 64, Way: flash.NOR{Unit: 64}}
	p := newPlan(geo, 4999, 0)
	p.markAll()
	p.group(1 << 20)
	if g := p.groups[1]; g.off != 4096 || g.len != 904 || g.end != 4999 {
		t.Errorf("the last group is %+v", g)
	}
	if p.changed != 2 {
		t.Errorf("%d blocks changed", p.changed)
	}
	// What is padded to whole writes has to fit into the buffer.
	p = newPlan(&flash.Geometry{Size: 1 << 20, Erasing: flash.FromStart, Unit: 64, Way: flash.NOR{Unit: 64}}, 4999, 0)
	p.markAll()
	p.group(1 << 20)
	if p.buffer != 5056 {
		t.Errorf("the buffer has %d bytes, not 4999 in writes of 64", p.buffer)
	}
}

// TestPlanFilled: the pieces of a plan, and that a buffer nobody copies into is not
// asked for.
func TestPlanFilled(t *testing.T) {
	t.Parallel()
	image := bytesOf(1, 8192)
	plan := func(erasing flash.Erasing) *plan {
		geo := &flash.Geometry{Size: 1 << 20, Erase: 4096, Erasing: erasing, Unit: 4, Way: flash.NOR{Unit: 4}}
		p := newPlan(geo, int64(len(image)), 0)
		p.markAll()
		p.group(1 << 20)
		return p
	}
	p := plan(flash.EachBlock)
	p.fill(image, contents{})
	if p.buffer != 4096 || text(p.groups[0].pieces) != "0+4096" || text(p.groups[1].pieces) != "4096+4096" {
		t.Errorf("nothing is known: %+v", p)
	}
	p = plan(flash.EachBlock)
	p.fill(image, contents{slices.Concat(image[4096:], bytesOf(2, 4096)), []span{{0, 8192}}})
	if p.groups[0].off != 4096 || text(p.groups[0].pieces) != "4096+4096<0" {
		t.Errorf("the second block is copied from the first, and that is written before: %+v", p.groups[0])
	}
	p.stream()
	if p.buffer != 0 || text(p.groups[0].pieces) != "4096+4096" {
		t.Errorf("streamed: %+v, %s", p, text(p.groups[0].pieces))
	}
	p = plan(flash.FromStart)
	p.fill(image, contents{})
	if p.buffer != 0 {
		t.Errorf("nothing is copied, and the board is to have %d bytes of RAM for it", p.buffer)
	}
	p = plan(flash.FromStart)
	p.fill(image, contents{slices.Concat(bytesOf(2, 4096), image[4096:]), []span{{0, 8192}}})
	if p.buffer != 8192 || text(p.groups[0].pieces) != "0+4096 4096+4096<4096" {
		t.Errorf("a half is known: %+v, %s", p, text(p.groups[0].pieces))
	}
	p.stream()
	if p.buffer != 0 || text(p.groups[0].pieces) != "0+8192" {
		t.Errorf("streamed: %+v, %s", p, text(p.groups[0].pieces))
	}
}
