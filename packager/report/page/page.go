// Package page draws what is known of an image as one HTML page that needs
// nothing else: no network, no server, no clock. The same findings give the same
// bytes.
//
// Package inspect finds everything out. [Input] holds its results, [Write] turns
// them into a model, which is JSON in the page, and the scripts in assets draw
// that. A policy in the page (CSP) allows these scripts and styles alone, by
// their digests, and nothing to be loaded.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"rules_romfs/packager/inspect"
	"rules_romfs/packager/ram"
	"rules_romfs/packager/report"
)

// An Input is what a page is drawn from.
type Input struct {
	Name         string                // of the image, for people
	Listing      *inspect.Listing      // with Digests and Details
	Verification *inspect.Verification // its findings
	Budget       Budget
	RAM          *ram.Ledger // of this image; nil: not measured
	Base         *Base       // nil: compared with nothing
}

// A Budget is what an image may take, besides its partition. 0: no limit.
type Budget struct {
	Max, Warn int64 // bytes
}

// A Base is an older image that this one is compared with.
type Base struct {
	Name       string              // for people
	Difference *inspect.Difference // with Map and Transfers
}

//go:embed assets
var assets embed.FS

// scripts in the order in which they need each other.
var scripts = []string{"base.js", "colours.js", "map.js", "treemap.js", "table.js", "details.js", "main.js"}

// pageTemplate is parsed when a page is written: other verbs start without that.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page.html").Funcs(template.FuncMap{
		"size":   report.Size,
		"plural": func(n int, noun string) string { return report.Plural(int64(n), noun) },
		"name":   showPath,
	}).ParseFS(assets, "assets/page.html"))
})

// Write writes the page. The error is a [*ram.LedgerError], where the RAM figures
// are of another image, or w's.
func Write(w io.Writer, in Input) error {
	m, err := newModel(in)
	if err != nil {
		return err
	}
	script, style := asset(scripts...), asset("page.css")
	return pageTemplate().Execute(w, struct {
		Summary *summary
		Model   *model
		Script  template.JS
		Style   template.CSS
		Policy  string
	}{
		newSummary(in, m), m, template.JS(script), template.CSS(style),
		fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; base-uri 'none'; form-action 'none'", digest(script), digest(style)),
	})
}

// asset reads files of ours and joins them.
func asset(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is in this program
		}
		b.Write(text)
	}
	return b.String()
}

// digest names a text as a policy does.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// showPath writes a path so that each of its names is text.
func showPath(path string) string {
	names := strings.Split(path, "/")
	for i, name := range names {
		names[i] = report.Name(name)
	}
	return strings.Join(names, "/")
}
