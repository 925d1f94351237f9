//go:build linux

package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"rules_romfs/internal/peer"
	"rules_romfs/internal/trees"
	"rules_romfs/packager/inspect"
	"rules_romfs/packager/report"
	"rules_romfs/packager/report/page"
)

// TestBrowser opens pages in a real Chromium.
func TestBrowser(t *testing.T) {
	t.Parallel()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(peer.Chromium(t)), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1400, 1000))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	rich, many := richPage(t), manyPage(t, 5000)
	t.Run("sort", func(t *testing.T) { testSort(t, open(t, browser, rich)) })
	t.Run("filter", func(t *testing.T) { testFilter(t, open(t, browser, rich)) })
	t.Run("keys", func(t *testing.T) { testKeys(t, open(t, browser, rich)) })
	t.Run("numbers", func(t *testing.T) { testNumbers(t, open(t, browser, rich), rich) })
	t.Run("sizes", func(t *testing.T) { testSizes(t, open(t, browser, rich)) })
	t.Run("colours", func(t *testing.T) { testColours(t, open(t, browser, rich)) })
	t.Run("accessible", func(t *testing.T) { testAccessible(t, open(t, browser, rich)) })
	t.Run("print", func(t *testing.T) { testPrint(t, open(t, browser, rich)) })
	t.Run("treemap", func(t *testing.T) { testTreemap(t, open(t, browser, rich)) })
	t.Run("many", func(t *testing.T) { testMany(t, open(t, browser, many), 5000) })
	t.Run("many, accessible", func(t *testing.T) { testAccessible(t, open(t, browser, many)) })
	t.Run("hostile", func(t *testing.T) { testHostile(t, open(t, browser, write(t, input(t, hostileImage(t))))) })
	t.Run("empty", func(t *testing.T) {
		testAccessible(t, open(t, browser, write(t, input(t, build(t, trees.Tree{Name: "none"}, "")))))
	})
	t.Run("no network", func(t *testing.T) { testNoNetwork(t, browser, rich) })
}

// richPage has everything that a page can have.
func richPage(t testing.TB) string {
	t.Helper()
	inner := build(t, trees.Tree{Name: "inner", Entries: []trees.Entry{{Path: "deep/in.txt", Content: "inside"}, {Path: "in.py", Content: "y = 1\n"}}}, "")
	nested := make([]byte, inner.Size())
	if _, err := inner.Data.ReadAt(nested, 0); err != nil {
		t.Fatal(err)
	}
	model := strings.Repeat("model of 16 byte", 600)
	tree := trees.Tree{Name: "rich", Entries: []trees.Entry{
		{Path: "app.py", Content: "x = 1\n"}, {Path: "lib/a.py", Content: strings.Repeat("a = 1\n", 50)}, {Path: "lib/b/c.txt", Content: "c"},
		{Path: "models/one.bin", Content: model}, {Path: "models/two.bin", Content: model}, {Path: "models/net.tflite", Content: "\x1c\x00\x00\x00TFL3" + model}, {Path: "other.romfs", Content: string(nested)}, {Path: "empty", Content: ""},
	}}
	im := build(t, tree, "openmv-n6")
	old := slices.Clone(tree.Entries)
	old[0].Content = "x = 10\n"
	old = append(old[:2:2], old[3:]...)
	old = append(old, trees.Entry{Path: "removed.txt", Content: "gone"})
	d, err := inspect.Diff(t.Context(), build(t, trees.Tree{Name: "older", Entries: old}, "openmv-n6"), im, inspect.DiffOptions{Map: true, Transfers: true})
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, im)
	in.Base = &page.Base{Name: "older.romfs", Difference: d}
	in.Budget = page.Budget{Max: 64 << 10, Warn: 48 << 10}
	in.Verification.Findings = append(in.Verification.Findings, inspect.Finding{Code: "misaligned", Severity: "error", Path: "app.py", Offset: 7, Message: "as a test wants it"},
		inspect.Finding{Code: "odd-size", Severity: "warning", Path: ".", Message: "as a test wants it"})
	return write(t, in)
}

// manyPage is about an image of so many files.
func manyPage(t testing.TB, n int) string {
	t.Helper()
	tree := trees.Tree{Name: "many"}
	for i := range n {
		tree.Entries = append(tree.Entries, trees.Entry{Path: fmt.Sprintf("d%02d/s%d/f%04d.bin", i/100, i%7, i), Content: strings.Repeat(strconv.Itoa(i)+" ", i%97*10+1)})
	}
	return write(t, input(t, build(t, tree, "openmv-n6")))
}

// open opens a page in a tab of its own. The test fails if the page reports an
// error, opens a dialog or asks for anything but itself.
func open(t testing.TB, browser context.Context, text string) context.Context {
	t.Helper()
	return visit(t, browser, text, func(address, what string) {
		if what != "request "+address {
			t.Error(what)
		}
	})
}

// visit opens a page in a tab, and tells what it does that it should not, and each
// of its requests.
func visit(t testing.TB, browser context.Context, text string, tell func(address, what string)) context.Context {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: path}).String()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(watch(func(what string) { tell(address, what) })))
	t.Cleanup(cancel)
	do(t, ctx, call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), chromedp.Navigate(address))
	return ctx
}

func watch(tell func(string)) func(event any) {
	return func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			tell("console " + string(e.Type))
		case *runtime.EventExceptionThrown:
			tell(fmt.Sprintf("exception %+v", e.ExceptionDetails))
		case *log.EventEntryAdded:
			tell("log " + e.Entry.Text)
		case *pages.EventJavascriptDialogOpening:
			tell("dialog " + e.Message)
		case *network.EventRequestWillBeSent:
			tell("request " + e.Request.URL)
		}
	}
}

// An action returns nothing.
type action = chromedp.Action[chromedp.Void]

// call is a command of the browser's protocol.
func call[P, R any](c cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// script runs in the page.
func script(text string) action { return chromedp.Evaluate[chromedp.Void](text) }

func do(t testing.TB, ctx context.Context, actions ...action) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of an expression in the page.
func eval[T any](t testing.TB, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// column returns the texts of a column of the rows that are in the document.
func column(t testing.TB, ctx context.Context, key string) []string {
	t.Helper()
	return eval[[]string](t, ctx, fmt.Sprintf(`(() => { const i = [...document.querySelectorAll('#table thead th')].findIndex(th => th.dataset.key === %q);
		return [...document.querySelectorAll('#table tbody tr[data-at]')].map(tr => tr.cells[i].textContent); })()`, key))
}

func testSort(t *testing.T, ctx context.Context) {
	if paths := column(t, ctx, "p"); !slices.IsSorted(paths) || len(paths) != 11 {
		t.Errorf("at first: %q", paths)
	}
	for _, tc := range []struct{ key, first string }{{"s", "descending"}, {"k", "ascending"}, {"o", "descending"}, {"d", "ascending"}} {
		for range 2 {
			do(t, ctx, chromedp.Click(chromedp.CSS(fmt.Sprintf("th[data-key=%s] button", tc.key))))
			if sort := eval[[]string](t, ctx, `[...document.querySelectorAll('th[aria-sort]')].filter(th => th.getAttribute('aria-sort') !== 'none').map(th => th.dataset.key + ' ' + th.getAttribute('aria-sort'))`); !slices.Equal(sort, []string{tc.key + " " + tc.first}) {
				t.Errorf("%s: aria-sort %q, want %s", tc.key, sort, tc.first)
			}
			values := column(t, ctx, tc.key)
			less := func(a, b string) int {
				if tc.key == "s" {
					x, _ := strconv.Atoi(strings.ReplaceAll(a, ",", ""))
					y, _ := strconv.Atoi(strings.ReplaceAll(b, ",", ""))
					return x - y
				}
				return strings.Compare(a, b)
			}
			if tc.first == "descending" {
				slices.Reverse(values)
			}
			if !slices.IsSortedFunc(values, less) {
				t.Errorf("%s %s: %q", tc.key, tc.first, values)
			}
			tc.first = map[string]string{"ascending": "descending", "descending": "ascending"}[tc.first]
		}
	}
}

func testFilter(t *testing.T, ctx context.Context) {
	set := func(id, value string) {
		t.Helper()
		eval[bool](t, ctx, fmt.Sprintf(`(() => { const e = document.getElementById(%q); e.value = %q; e.dispatchEvent(new Event('input', {bubbles: true})); return true; })()`, id, value))
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#filter"), "MODELS one"))
	if paths := column(t, ctx, "p"); !slices.Equal(paths, []string{"models/one.bin"}) {
		t.Errorf("by words: %q", paths)
	}
	if count := eval[string](t, ctx, `document.querySelector('[role=status]').textContent`); !strings.HasPrefix(count, "1 of 11 files, 9.4 KiB stored") {
		t.Errorf("count: %q", count)
	}
	set("filter", "")
	set("kind", "source")
	if paths := column(t, ctx, "p"); !slices.Equal(paths, []string{"app.py", "lib/a.py", "other.romfs/in.py"}) {
		t.Errorf("by kind: %q", paths)
	}
	set("kind", "")
	for only, want := range map[string][]string{
		"removed": {"removed.txt"}, "added": {"lib/b/c.txt"}, "finding": {"app.py"},
		"aligned": {"models/net.tflite", "models/one.bin", "models/two.bin"},
	} {
		set("only", only)
		if paths := column(t, ctx, "p"); !slices.Equal(paths, want) {
			t.Errorf("%s: %q, want %q", only, paths, want)
		}
	}
	set("only", "")
	set("filter", "no such file")
	if paths := column(t, ctx, "p"); len(paths) != 0 {
		t.Errorf("of nothing: %q", paths)
	}
}

// active is what a screen reader is told of a widget: the text of the element that
// is its active descendant, and whether the focus is on the widget.
func active(id string) string {
	return fmt.Sprintf(`(() => { const w = document.getElementById(%q), a = document.getElementById(w.getAttribute('aria-activedescendant'));
		return document.activeElement === w && a ? (a.cells ? a.cells[0].textContent : a.textContent.split(',')[0]) : ''; })()`, id)
}

// testKeys goes with the Tab key to each widget, and with arrow keys to each file.
func testKeys(t *testing.T, ctx context.Context) {
	reached := map[string]bool{}
	for range 60 {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		id := eval[string](t, ctx, `document.activeElement.id`)
		if reached[id] || id != "map-list" && id != "tree-list" && id != "table" {
			continue
		}
		reached[id] = true
		files := eval[[]string](t, ctx, `files.filter(f => f.k !== 'gone' || '`+id+`' === 'table').filter(f => !f.nested || '`+id+`' !== 'tree-list').map(f => f.p)`)
		do(t, ctx, chromedp.KeyEvent(kb.Home))
		seen := map[string]bool{}
		for range files {
			seen[eval[string](t, ctx, active(id))] = true
			key := kb.ArrowRight
			if id == "table" {
				key = kb.ArrowDown
			}
			do(t, ctx, chromedp.KeyEvent(key))
		}
		for _, f := range files {
			if !seen[f] {
				t.Errorf("%s: %s is not reached by the keyboard: %v", id, f, seen)
			}
		}
	}
	if len(reached) != 3 {
		t.Fatalf("the Tab key reaches %v alone", reached)
	}
	// Enter leads from the map to the file's row, even where the filter hides it.
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#filter"), "nothing"), chromedp.Focus(chromedp.CSS("#map-list")), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.Enter))
	if at := eval[string](t, ctx, active("table")); at != "app.py" {
		t.Errorf("Enter in the map leads to %q", at)
	}
	if details := eval[string](t, ctx, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done($('details').textContent))))`); !strings.Contains(details, "app.py") {
		t.Errorf("the details are of %q", details)
	}
}

// testNumbers holds the table's cells against the model's numbers, and the model
// is held against inspect's by TestNumbers.
func testNumbers(t *testing.T, ctx context.Context, text string) {
	s := read(t, text)
	paths, sizes, stored, given := column(t, ctx, "p"), column(t, ctx, "s"), column(t, ctx, "st"), column(t, ctx, "gv")
	for _, f := range s.Files {
		i := slices.Index(paths, f.P)
		if i < 0 {
			t.Errorf("%s has no row", f.P)
			continue
		}
		plain := func(cell string) string { return strings.TrimPrefix(strings.ReplaceAll(cell, ",", ""), "⚠ ") }
		if f.K != "gone" && (plain(sizes[i]) != fmt.Sprint(f.S) || f.Sh == "" && plain(stored[i]) != fmt.Sprint(f.St) || f.Gv > 0 && plain(given[i]) != fmt.Sprint(f.Gv)) {
			t.Errorf("%+v has the cells %q %q %q", f, sizes[i], stored[i], given[i])
		}
	}
}

// testSizes: the page writes sizes as package report does.
func testSizes(t *testing.T, ctx context.Context) {
	values := []int64{1048524, 1048525, 1<<20 - 1, 1073689395, 1073689396, 1<<30 - 1, 1 << 40}
	for _, unit := range []int64{1 << 10, 1 << 20, 1 << 30} {
		for tenths := range int64(400) {
			for d := int64(-2); d <= 2; d++ {
				values = append(values, max(0, unit*tenths/20+d))
			}
		}
	}
	list, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range eval[[]string](t, ctx, string(list)+`.map(size)`) {
		if want := report.Size(values[i]); got != want {
			t.Errorf("%d is %q, report.Size says %q", values[i], got, want)
		}
	}
}

func scheme(name string) action {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

// testColours: text that is drawn, which axe does not see, is readable in both
// schemes.
func testColours(t *testing.T, ctx context.Context) {
	for _, name := range []string{"light", "dark"} {
		do(t, ctx, scheme(name), script(`readColours()`))
		colours := eval[map[string]string](t, ctx, `colours`)
		pairs := [][2]string{{"ink", "paper"}}
		for _, kind := range []string{"mpy", "source", "data", "image", "skipped", "beyond"} {
			pairs = append(pairs, [2]string{"ontop", kind})
		}
		for _, p := range pairs {
			if c := contrast(t, colours[p[0]], colours[p[1]]); c < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.1f", name, p[0], p[1], c)
			}
		}
	}
}

// contrast is WCAG's ratio of two colours.
func contrast(t testing.TB, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) (l float64) {
		n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		for shift, weight := range map[int]float64{16: 0.2126, 8: 0.7152, 0: 0.0722} {
			v := float64(n>>shift&255) / 255
			if v <= 0.04045 {
				l += weight * v / 12.92
			} else {
				l += weight * math.Pow((v+0.055)/1.055, 2.4)
			}
		}
		return l
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// A violation is what axe-core finds.
type violation struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// testAccessible has axe-core look at the page in both schemes and in a narrow
// window, with a file chosen.
func testAccessible(t *testing.T, ctx context.Context) {
	axe, err := os.ReadFile(peer.AxeCore(t))
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, script(string(axe)+"; 0"))
	for _, width := range []int64{1400, 360} {
		for _, name := range []string{"light", "dark"} {
			do(t, ctx, chromedp.EmulateViewport(width, 900), scheme(name), script(`drawAll(); if (files.length) choose(0); 0`))
			for _, v := range eval[[]violation](t, ctx, `axe.run().then(r => r.violations)`) {
				t.Errorf("%s, %d pixels: %s: %s: %+v", name, width, v.ID, v.Help, v.Nodes[0])
			}
		}
	}
}

// testPrint: on paper are all rows, and dark colours are not.
func testPrint(t *testing.T, ctx context.Context) {
	do(t, ctx, scheme("dark"))
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		t.Fatal(err)
	}
	if len(pdf) < 10_000 {
		t.Errorf("%d bytes are printed", len(pdf))
	}
	do(t, ctx, script(`dispatchEvent(new Event('beforeprint'))`))
	if paper := eval[string](t, ctx, `colours.paper`); paper != "#ffffff" {
		t.Errorf("the paper is %s", paper)
	}
	if rows := len(column(t, ctx, "p")); rows != 11 {
		t.Errorf("%d rows are printed", rows)
	}
	do(t, ctx, script(`dispatchEvent(new Event('afterprint'))`))
	if paper := eval[string](t, ctx, `colours.paper`); paper == "#ffffff" {
		t.Error("the screen stays white")
	}
}

// testTreemap: areas are in proportion, and rectangles lie in their folder's.
func testTreemap(t *testing.T, ctx context.Context) {
	for _, metric := range []string{"length", "size"} {
		do(t, ctx, script(fmt.Sprintf(`$('metric').value = %q; drawTree()`, metric)))
		boxes := eval[[][5]float64](t, ctx, `treeRoot.sorted.filter(n => n.box).map(n => [...n.box, n.area])`)
		var area, weight float64
		for _, b := range boxes {
			area += b[2] * b[3]
			weight += b[4]
		}
		for _, b := range boxes {
			if got, want := b[2]*b[3]/area, b[4]/weight; math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: a share of %v is drawn as %v", metric, want, got)
			}
		}
		if outside := eval[int](t, ctx, `(function count(n) { return n.sorted.reduce((sum, k) => sum + count(k) + (k.box && n.box && (k.box[0] < n.box[0] - 1e-6 || k.box[1] < n.box[1] - 1e-6 ||
			k.box[0] + k.box[2] > n.box[0] + n.box[2] + 1e-6 || k.box[1] + k.box[3] > n.box[1] + n.box[3] + 1e-6) ? 1 : 0), 0); })(treeRoot)`); outside != 0 {
			t.Errorf("%s: %d rectangles leave their folder's", metric, outside)
		}
	}
	// Into a folder and back.
	do(t, ctx, script(`enter(tree.children.get('models'))`))
	if n := eval[int](t, ctx, `treeOrder.length`); n != 3 {
		t.Errorf("models has %d files", n)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS("#crumbs button")))
	if eval[bool](t, ctx, `treeRoot !== tree`) {
		t.Error("the way back does not lead to the top")
	}
}

// testMany: of many files few rows are in the document at a time. Keys reach every
// file in the map and in the treemap; in the table, where each step takes the
// browser longest, a thousand from either end.
func testMany(t *testing.T, ctx context.Context, n int) {
	if rows := len(column(t, ctx, "p")); rows == 0 || rows > 100 {
		t.Errorf("%d rows are in the document", rows)
	}
	for _, tc := range []struct {
		id, from, key string
		steps         int
	}{{"map-list", "Home", "ArrowRight", n}, {"tree-list", "End", "ArrowLeft", n}, {"table", "Home", "ArrowDown", 1000}, {"table", "End", "ArrowUp", 1000}} {
		seen := eval[int](t, ctx, fmt.Sprintf(`(() => { const w = $(%q), seen = new Set();
			const press = key => w.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
			w.focus(); press(%q);
			for (let i = 0; i < %d; i++) { seen.add(chosen); const a = $(w.getAttribute('aria-activedescendant'));
				if (!a || !a.textContent.includes(files[chosen].p.split('/').pop())) return -i; press(%q); }
			return seen.size; })()`, tc.id, tc.from, tc.steps, tc.key))
		if seen != tc.steps {
			t.Errorf("%s: %d of %d files are reached from %s", tc.id, seen, tc.steps, tc.from)
		}
	}
	do(t, ctx, chromedp.Focus(chromedp.CSS("#table")), chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.End))
	if at := eval[string](t, ctx, active("table")); !strings.HasPrefix(at, "d49/s6/") {
		t.Errorf("End leads to %q", at)
	}
	do(t, ctx, chromedp.SendKeys(chromedp.CSS("#filter"), "d31/ f3142"))
	if paths := column(t, ctx, "p"); len(paths) != 1 {
		t.Errorf("filtered: %q", paths)
	}
}

// quoted writes a text as a script does.
func quoted(t testing.TB, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// testHostile: names are shown as text, and do nothing.
func testHostile(t *testing.T, ctx context.Context) {
	for _, want := range []string{"</script><script>alert(1)</script>", `"quoted" & 'so'`, "שלום.py", "__proto__", `"\u202egnp.exe"`, `"line\nbreak"`, `"\xff\xfe"`} {
		shown := eval[[]string](t, ctx, fmt.Sprintf(`(() => { const f = files.find(f => f.p === %[1]s); choose(f.i); drawRows(); showDetails();
			return [$('row-' + f.i).cells[0].textContent, $('details').querySelector('bdi').textContent, $(%[2]q).textContent]; })()`, quoted(t, want), "map-list"))
		if shown[0] != want || shown[1] != want || !strings.HasPrefix(shown[2], want+", ") {
			t.Errorf("%q is shown as %q", want, shown)
		}
	}
	do(t, ctx, script(`for (const f of files) choose(f.i); 0`))
	if n := eval[int](t, ctx, `document.scripts.length`); n != 2 {
		t.Errorf("%d scripts", n)
	}
}

// testNoNetwork: what a script in the page asks for is refused, and the watch that
// all tests have would see it.
func testNoNetwork(t *testing.T, browser context.Context, text string) {
	var mu sync.Mutex
	var seen []string
	ctx := visit(t, browser, text, func(_, what string) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, what)
	})
	for _, ask := range []string{
		`fetch('http://127.0.0.1:9/').then(() => false, () => true)`,
		`new Promise(done => { const i = new Image(); i.onerror = () => done(true); i.onload = () => done(false); i.src = 'http://127.0.0.1:9/x.png'; })`,
	} {
		if !eval[bool](t, ctx, ask) {
			t.Errorf("not refused: %s", ask)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if n := len(slices.DeleteFunc(seen, func(s string) bool { return !strings.Contains(s, "Content Security Policy") })); n < 2 {
		t.Errorf("the policy has refused %d requests: %q", n, seen)
	}
}
