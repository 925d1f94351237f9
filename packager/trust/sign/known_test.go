package sign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"rules_romfs/packager/artifact"
)

// signed returns an envelope about the image, by the pair of keys of that name.
func signed(t *testing.T, name string, digest artifact.Digest) (*dsse.Envelope, *PublicKey) {
	t.Helper()
	private, _ := pair(name)
	s, err := keys(nil).Private(private)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Sign(t.Context(), about(t, digest), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e, s.PublicKey()
}

// TestKnown: what is kept says whose signature an image has, by the keys that are
// named and no others.
func TestKnown(t *testing.T) {
	t.Parallel()
	mine, key := signed(t, "ed25519", image)
	theirs, stranger := signed(t, "stranger", image)
	k := OpenKnown(filepath.Join(t.TempDir(), "envelopes"))
	if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Unknown {
		t.Errorf("nothing is kept: %+v", f)
	}
	k.Keep(image, theirs)
	if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Unsigned || len(f.Others) != 1 || f.Others[0] != stranger.ID() {
		t.Errorf("another's: %+v", f)
	}
	k.Keep(image, mine)
	k.Keep(image, mine)
	if n := len(k.Of(image)); n != 2 {
		t.Errorf("%d envelopes are kept of 2", n)
	}
	if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Signed || f.Key != key.ID() || f.Name != key.Name() {
		t.Errorf("mine: %+v", f)
	}
	if f := k.Find(t.Context(), image, nil); f.Status != Unchecked || len(f.Others) != 2 {
		t.Errorf("no key is named: %+v", f)
	}
	if f := k.Find(t.Context(), artifact.Digest{1}, []*PublicKey{key}); f.Status != Unknown {
		t.Errorf("another image: %+v", f)
	}
}

// TestKnownForeign: what is put under an image without being about it, what names
// a key that did not sign, and what was changed where it is kept count for nothing.
func TestKnownForeign(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k := OpenKnown(dir)
	other, key := signed(t, "ed25519", artifact.Digest{1})
	k.Keep(image, other)
	if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Unknown {
		t.Errorf("about another image: %+v", f)
	}
	forged, stranger := signed(t, "stranger", image)
	forged.Signatures[0].KeyID = key.ID()
	k.Keep(image, forged)
	if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Unsigned {
		t.Errorf("a stranger's that names my key: %+v", f)
	}
	// Names of keys are hints: in-toto's own tools make them otherwise.
	if f := k.Find(t.Context(), image, []*PublicKey{stranger}); f.Status != Signed {
		t.Errorf("a signature whose key is named otherwise: %+v", f)
	}
	for i := range 2 * maxKnown {
		e, _ := signed(t, "p256", image) // no two ECDSA signatures are alike
		e.Signatures[0].KeyID = strings.Repeat("k", i)
		k.Keep(image, e)
	}
	if n := len(k.Of(image)); n != maxKnown {
		t.Errorf("%d envelopes are kept, not %d", n, maxKnown)
	}
	path := k.cache.Path(knownKey(image))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if n := len(k.Of(image)); n != 0 {
		t.Errorf("%d envelopes of a damaged file", n)
	}
}

// TestKnownIsACache: where nothing can be kept, nothing fails.
func TestKnownIsACache(t *testing.T) {
	t.Parallel()
	e, key := signed(t, "ed25519", image)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	large := *e
	large.Signatures = append(large.Signatures, dsse.Signature{Sig: strings.Repeat("A", int(knownLimits.Entry))})
	for name, k := range map[string]*Known{"no folder": OpenKnown(""), "a file": OpenKnown(file), "too large": OpenKnown(t.TempDir())} {
		k.Keep(image, &large)
		k.KeepFile(image, filepath.Join(t.TempDir(), "none"))
		if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Unknown {
			t.Errorf("%s: %+v", name, f)
		}
	}
	// A large one does not drive out what is there, nor the other way round.
	k := OpenKnown(t.TempDir())
	k.Keep(image, e)
	k.Keep(image, &large)
	if f := k.Find(t.Context(), image, []*PublicKey{key}); f.Status != Signed {
		t.Errorf("after a large one: %+v", f)
	}
	path := save(t, e)
	k = OpenKnown(t.TempDir())
	k.KeepFile(artifact.Digest{1}, path)
	k.KeepFile(image, path)
	if len(k.Of(image)) != 1 || len(k.Of(artifact.Digest{1})) != 0 {
		t.Error("a file's envelope is kept under another image than its own")
	}
}
