package sign

import (
	"crypto/sha256"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
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

// openssl runs the program in a folder.
func openssl(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args, err, out)
	}
}

// pair makes a key with openssl and returns its files, private and public.
func pair(t *testing.T, args ...string) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	openssl(t, dir, append(args, "-out", "key.pem")...)
	openssl(t, dir, "pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem")
	return filepath.Join(dir, "key.pem"), filepath.Join(dir, "pub.pem")
}

var (
	ed25519Key = []string{"genpkey", "-algorithm", "ed25519"}
	p256Key    = []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}
	sec1Key    = []string{"ecparam", "-name", "prime256v1", "-genkey"} // EC PRIVATE KEY, behind its parameters
)

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
	_, stranger := pair(t, ed25519Key...)
	other, err := keys(nil).Public(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{"ed25519": ed25519Key, "p256": p256Key, "sec1": sec1Key} {
		private, public := pair(t, args...)
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

// TestOpenSSLVerifies: openssl accepts the signature of what DSSE says is signed.
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	private, public := pair(t, p256Key...)
	signer, err := keys(nil).Private(private)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Sign(t.Context(), about(t, image), signer, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	signature, err := json.Marshal(e.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	var raw []byte
	if err := json.Unmarshal(signature, &raw); err != nil { // base64
		t.Fatal(err)
	}
	dir := filepath.Dir(private)
	// The pre-authentication encoding by hand (DSSE, protocol.md).
	const kind = "application/vnd.in-toto+json"
	pae := "DSSEv1 28 " + kind + " " + strconv.Itoa(len(body)) + " " + string(body)
	for name, data := range map[string][]byte{"pae": []byte(pae), "sig": raw} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	openssl(t, dir, "dgst", "-sha256", "-verify", public, "-signature", "sig", "pae")
}

// TestSources of keys: the environment, cosign's encrypted form, and a command
// that signs a digest.
func TestSources(t *testing.T) {
	t.Parallel()
	private, public := pair(t, p256Key...)
	text, err := os.ReadFile(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(private)
	openssl(t, dir, "pkcs8", "-topk8", "-nocrypt", "-in", private, "-outform", "DER", "-out", "key.der")
	der, err := os.ReadFile(filepath.Join(dir, "key.der"))
	if err != nil {
		t.Fatal(err)
	}
	cosign := filepath.Join(dir, "cosign.key")
	if err := os.WriteFile(cosign, pemOf(t, "ENCRYPTED SIGSTORE PRIVATE KEY", der, "secret"), 0o600); err != nil {
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
		"command": func() (*Signer, error) {
			return Command([]string{"openssl", "pkeyutl", "-sign", "-inkey", private}, key), nil
		},
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
	for _, command := range [][]string{{"true"}, {"false"}, {"echo", "no signature"}} {
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
	private, public := pair(t, p256Key...)
	rsa, rsaPublic := pair(t, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
	p384, _ := pair(t, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
	locked := filepath.Join(filepath.Dir(private), "locked.pem")
	openssl(t, filepath.Dir(private), "pkcs8", "-topk8", "-in", private, "-passout", "pass:x", "-out", locked)
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
	private, public := pair(t, ed25519Key...)
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
	for range 2 {
		private, _ := pair(t, ed25519Key...)
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
