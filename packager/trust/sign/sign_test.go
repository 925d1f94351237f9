package sign

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/intoto"
)

var image = artifact.Digest(sha256.Sum256([]byte("image")))

func about(t *testing.T, digest artifact.Digest) *intoto.Statement {
	t.Helper()
	s, err := intoto.New(&artifact.Sidecar{Name: "app", Image: artifact.Image{SHA256: digest}}, intoto.ImageType, map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pair returns the files of a key that openssl made, private and public.
func pair(name string) (private, public string) {
	path := filepath.Join("testdata", "keys", name)
	return path + ".pem", path + ".pub"
}

func keys(env map[string]string) Keys {
	return Keys{Getenv: func(name string) string { return env[name] }}
}

func save(t *testing.T, envelope any) string {
	t.Helper()
	data, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.romfs.dsse.json")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenSSLKeys: keys of each kind sign, and only their own public key accepts.
func TestOpenSSLKeys(t *testing.T) {
	t.Parallel()
	_, stranger := pair("stranger")
	other, err := keys(nil).Public(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ed25519", "p256", "sec1"} {
		private, public := pair(name)
		signer, err := keys(nil).Private(private)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		key, err := keys(nil).Public(public)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e, err := Sign(t.Context(), about(t, image), signer, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := save(t, e)
		if by, err := Check(t.Context(), path, "app.romfs", image, []*PublicKey{other, key}); err != nil || by != key {
			t.Errorf("%s: %v, %v", name, by, err)
		}
		var trust *TrustError
		if _, err := Check(t.Context(), path, "app.romfs", image, []*PublicKey{other}); !errors.As(err, &trust) {
			t.Errorf("%s, by another key: %v", name, err)
		}
		if _, err := Check(t.Context(), path, "app.romfs", artifact.Digest{1}, []*PublicKey{key}); !errors.As(err, &trust) || !strings.Contains(err.Error(), "about another image") {
			t.Errorf("%s, about another image: %v", name, err)
		}
		if _, err := Check(t.Context(), path+"x", "app.romfs", image, []*PublicKey{key}); !errors.As(err, &trust) || !strings.Contains(err.Error(), "not signed") {
			t.Errorf("%s, no envelope: %v", name, err)
		}
	}
}

// TestOpenSSLSigned: what openssl signed of the same statement is a signature, and
// a command gets what there is to sign on its standard input.
func TestOpenSSLSigned(t *testing.T) {
	t.Parallel()
	_, public := pair("p256")
	key, err := keys(nil).Public(public)
	if err != nil {
		t.Fatal(err)
	}
	got := filepath.Join(t.TempDir(), "digest")
	signature, err := filepath.Abs(filepath.Join("testdata", "keys", "p256.sig"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Sign(t.Context(), about(t, image), Command([]string{"sh", "-c", `cat >"$0"; cat "$1"`, got, signature}, key), nil)
	digest, readErr := os.ReadFile(got)
	if err != nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	if _, err := Check(t.Context(), save(t, e), "app.romfs", image, []*PublicKey{key}); err != nil {
		t.Error(err)
	}
	body, err := json.Marshal(about(t, image))
	if err != nil {
		t.Fatal(err)
	}
	// The pre-authentication encoding by hand (DSSE, protocol.md).
	const kind = "application/vnd.in-toto+json"
	want := sha256.Sum256([]byte("DSSEv1 28 " + kind + " " + strconv.Itoa(len(body)) + " " + string(body)))
	if string(digest) != string(want[:]) {
		t.Errorf("the command gets %x, want %x", digest, want)
	}
}

// TestSources of keys: the environment, and cosign's encrypted form.
func TestSources(t *testing.T) {
	t.Parallel()
	private, public := pair("p256")
	text, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cosign := filepath.Join(t.TempDir(), "cosign.key")
	if err := os.WriteFile(cosign, pemOf(t, "ENCRYPTED SIGSTORE PRIVATE KEY", block.Bytes, "secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := keys(nil).Public(public)
	if err != nil {
		t.Fatal(err)
	}
	env := keys(map[string]string{"KEY": string(text), "COSIGN_PASSWORD": "secret"})
	for name, signer := range map[string]func() (*Signer, error){
		"environment": func() (*Signer, error) { return env.Private("env:KEY") },
		"cosign":      func() (*Signer, error) { return env.Private(cosign) },
	} {
		s, err := signer()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := Sign(t.Context(), about(t, image), s, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := Check(t.Context(), save(t, e), "app.romfs", image, []*PublicKey{key}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := keys(nil).Private(cosign); err == nil || !strings.Contains(err.Error(), "COSIGN_PASSWORD") {
		t.Errorf("without the password: %v", err)
	}
	for _, command := range [][]string{{"true"}, {"false"}, {"echo", "no signature"}, {"sh", "-c", "while :; do echo much; done"}} {
		if _, err := Sign(t.Context(), about(t, image), Command(command, key), nil); err == nil {
			t.Errorf("%s signs", command)
		}
	}
}

func pemOf(t *testing.T, kind string, der []byte, password string) []byte {
	t.Helper()
	sealed, err := encrypted.Encrypt(der, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: sealed})
}

// TestBadKeys: each is one sentence that says what to do.
func TestBadKeys(t *testing.T) {
	t.Parallel()
	private, public := pair("p256")
	rsa, rsaPublic := pair("rsa")
	p384, _ := pair("p384")
	locked, _ := pair("locked")
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("no key"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		private    bool
		name, want string
	}{
		{true, public, "a public key, where a private one is wanted"},
		{false, private, "a private key, where a public one is wanted"},
		{true, rsa, "Ed25519 or ECDSA P-256"},
		{false, rsaPublic, "Ed25519 or ECDSA P-256"},
		{true, p384, "P-256"},
		{true, locked, "has a passphrase"},
		{true, junk, "no key in PEM form"},
		{false, junk, "no key in PEM form"},
		{false, "env:NONE", "NONE is not set"},
		{false, filepath.Join(t.TempDir(), "none"), "no such file"},
	} {
		var err error
		if tc.private {
			_, err = keys(nil).Private(tc.name)
		} else {
			_, err = keys(nil).Public(tc.name)
		}
		var key *KeyError
		if !errors.As(err, &key) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestBadEnvelopes: what is no envelope, or one about something else, is said, and
// nothing of it counts.
func TestBadEnvelopes(t *testing.T) {
	t.Parallel()
	private, public := pair("ed25519")
	signer, err := keys(nil).Private(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys(nil).Public(public)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Sign(t.Context(), about(t, image), signer, nil)
	if err != nil {
		t.Fatal(err)
	}
	good, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(good), `"sig":"`, `"sig":"AAAA`, 1)
	foreign := strings.Replace(string(good), intoto.PayloadType, "text/plain", 1)
	for text, want := range map[string]string{
		"":                   "no DSSE envelope",
		"{}":                 "no DSSE envelope",
		"[]":                 "no DSSE envelope",
		`{"payloadType": 1}`: "no DSSE envelope",
		foreign:              "an envelope about something else",
		changed:              "none of the signatures",
		`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AA=="}]}`: "no in-toto statement",
		`{"payloadType":"application/vnd.in-toto+json","payload":"?","signatures":[{"sig":"AA=="}]}`:    "cannot be decoded",
		`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[]}`:               "has no signature",
	} {
		path := filepath.Join(t.TempDir(), "e.json")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Check(t.Context(), path, "app.romfs", image, []*PublicKey{key}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestSeveral: a second key's signature is added, the same key's replaced, and
// those about another image are dropped.
func TestSeveral(t *testing.T) {
	t.Parallel()
	var signers []*Signer
	for _, name := range []string{"ed25519", "stranger"} {
		private, _ := pair(name)
		s, err := keys(nil).Private(private)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, s)
	}
	e, err := Sign(t.Context(), about(t, image), signers[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Signer{signers[1], signers[0], signers[1]} {
		if e, err = Sign(t.Context(), about(t, image), s, e); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.Signatures) != 2 {
		t.Errorf("%d signatures of two keys", len(e.Signatures))
	}
	path := save(t, e)
	for _, s := range signers {
		if by, err := Check(t.Context(), path, "app.romfs", image, []*PublicKey{s.PublicKey()}); err != nil || by.ID() != s.PublicKey().ID() {
			t.Error(err)
		}
	}
	if e, err = Sign(t.Context(), about(t, artifact.Digest{1}), signers[0], e); err != nil || len(e.Signatures) != 1 {
		t.Errorf("about another image: %d signatures, %v", len(e.Signatures), err)
	}
}
