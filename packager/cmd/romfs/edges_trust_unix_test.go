//go:build !windows

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rules_romfs/internal/testprogram"
)

// Keys of openssl's for tests alone: a pair, and what is no key for signatures here.
const (
	privatePEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINyjW3xUKD/n4JGsuoSWgtAsUz/dSJRscoo9SvBurX/Q\n-----END PRIVATE KEY-----\n"
	publicPEM  = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAlnIqxjmUBvkg5oIs09J5TrTQYmHeIs1AXh9opPJ1RfA=\n-----END PUBLIC KEY-----\n"
	otherPEM   = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA4IqH+TsmIRLl/pzIAXEZmh5YAy6XdpUiOVKOZdkbzn4=\n-----END PUBLIC KEY-----\n"
	x25519PEM  = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAEpgQOdvaTGN5UyZ+xPBjbUkkxKyXpLFjrLZ0SpyI5xk=\n-----END PUBLIC KEY-----\n"
)

func block(kind, content string) string {
	return "-----BEGIN " + kind + "-----\n" + content + "\n-----END " + kind + "-----\n"
}

// signedHere makes app.romfs with its envelope, and a board that leaves a file when
// it is opened; then edit changes what is there.
func signedHere(edit func(*testing.T, string)) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		putFile(t, filepath.Join(dir, "app/m.py"), "x = 1\n")
		putFile(t, filepath.Join(dir, "key.pem"), privatePEM)
		putFile(t, filepath.Join(dir, "key.pub"), publicPEM)
		putFile(t, filepath.Join(dir, "other.pub"), otherPEM)
		testprogram.Write(t, filepath.Join(dir, "board"), "#!/bin/sh\ntouch touched\n")
		image := filepath.Join(dir, "app.romfs")
		for _, args := range [][]string{
			{"build", filepath.Join(dir, "app"), "--no-mpy", "-o", image, "--provenance"},
			{"sign", image, "--key", filepath.Join(dir, "key.pem")},
		} {
			var errs bytes.Buffer
			cache := func(name string) string { return map[string]string{"ROMFS_CACHE": filepath.Join(dir, ".cache")}[name] }
			if code := run(t.Context(), args, strings.NewReader(""), io.Discard, &errs, cache); code != 0 {
				t.Fatal(&errs)
			}
		}
		if edit != nil {
			edit(t, dir)
		}
	}
}

// envelope puts one beside the image whose payload is that text, of that type.
func envelope(kind, payload string, more map[string]any) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		e := map[string]any{"payloadType": kind, "payload": base64.StdEncoding.EncodeToString([]byte(payload)), "signatures": []any{map[string]any{"keyid": "", "sig": "AAAA"}}}
		for k, v := range more {
			e[k] = v
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		putFile(t, filepath.Join(dir, "app.romfs.dsse.json"), string(text))
	}
}

func put(name, content string) func(*testing.T, string) {
	return func(t *testing.T, dir string) { t.Helper(); putFile(t, filepath.Join(dir, name), content) }
}

// untouched tells if nothing new was written beside the image, and no board opened.
func untouched(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"touched", "new.json", "app.romfs.cdx.json"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was made", name)
		}
	}
}

const inToto = "application/vnd.in-toto+json"

// statementOn is a statement about the image of that digest.
func statementOn(digest string) string {
	return `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"app.romfs","digest":{"sha256":"` + digest + `"}}],"predicateType":"p","predicate":{}}`
}

// trustEdges are about what others hand over as keys, envelopes, statements and
// sidecars. Whatever it is: exit code 3 or 9, nothing written, nothing sent.
var trustEdges = []edge{
	// Envelopes, before a board is opened.
	{name: "trust: the board of these rows is opened where nothing is wrong", make: signedHere(nil), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 6, stderr: "the connection ended", check: func(t *testing.T, dir string) {
		t.Helper()
		if _, err := os.Lstat(filepath.Join(dir, "touched")); err != nil {
			t.Error("no board was opened, so these rows prove nothing")
		}
	}},
	{name: "trust: no envelope", make: signedHere(remove("app.romfs.dsse.json")), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 9, stderr: "it is not signed: there is no app.romfs.dsse.json; sign it", check: untouched},
	{name: "trust: an empty envelope", make: signedHere(put("app.romfs.dsse.json", "")), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "app.romfs.dsse.json: no DSSE envelope", check: untouched},
	{name: "trust: an envelope cut short", make: signedHere(shorten("app.romfs.dsse.json")), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "no DSSE envelope: unexpected end", check: untouched},
	{name: "trust: a huge envelope", make: signedHere(sparse("app.romfs.dsse.json", 64<<20+1)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "it has more than 64 MiB, so it is no envelope", check: untouched},
	{name: "trust: a directory for an envelope", make: signedHere(nil), args: "deploy app.romfs --port exec:./board --key key.pub --signature app", exit: 3, stderr: "app: not a regular file", check: untouched},
	{name: "trust: a deep envelope", make: signedHere(put("app.romfs.dsse.json", strings.Repeat("[", 1<<20))), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "no DSSE envelope: .*exceeded max depth", check: untouched},
	{name: "trust: an envelope about something else", make: signedHere(envelope("text/plain", "hello", nil)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: `its payloadType is "text/plain"`, check: untouched},
	{name: "trust: a cosign bundle", make: signedHere(put("app.romfs.dsse.json", `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{}}`)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "it has no payloadType and no signatures", check: untouched},
	{name: "trust: a statement of an older version", make: signedHere(envelope(inToto, `{"_type":"https://in-toto.io/Statement/v0.1"}`, nil)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "no in-toto statement of version 1", check: untouched},
	{name: "trust: a statement about nothing", make: signedHere(envelope(inToto, `{"_type":"https://in-toto.io/Statement/v1","subject":[]}`, nil)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "the statement is about nothing", check: untouched},
	{name: "trust: a statement about too much", make: signedHere(envelope(inToto, `{"_type":"https://in-toto.io/Statement/v1","subject":[`+strings.Repeat(`{},`, 1000)+`{}]}`, nil)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "1001 subjects, more than 1000", check: untouched},
	{name: "trust: too many signatures", make: signedHere(envelope(inToto, statementOn("00"), map[string]any{"signatures": make([]struct{}, 101)})), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 3, stderr: "101 signatures, more than 100", check: untouched},
	{name: "trust: about another image", make: signedHere(envelope(inToto, statementOn(strings.Repeat("0", 64)), nil)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 9, stderr: `is about another image, "app.romfs" \(sha256 000000000000\)`, check: untouched},
	{name: "trust: names that would draw on a terminal", make: signedHere(envelope(inToto, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"\u001b[2J","digest":{"sha256":"\u001b[31m"}}]}`, nil)), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 9, stderr: `about another image, "\\x1b\[2J" \(sha256 "\\x1b\[31m"\)`, check: untouched},
	{name: "trust: by another key", make: signedHere(nil), args: "deploy app.romfs --port exec:./board --key other.pub", exit: 9, stderr: "none of the signatures in app.romfs.dsse.json is by the key that is asked for", check: untouched},
	{name: "trust: the image was changed", make: signedHere(func(t *testing.T, dir string) { built("a")(t, dir); rename("img.romfs", "app.romfs")(t, dir) }), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 8, stderr: "sidecar", check: untouched},
	{name: "trust: the image was changed and has no sidecar", make: signedHere(func(t *testing.T, dir string) {
		built("a")(t, dir)
		rename("img.romfs", "app.romfs")(t, dir)
		remove("app.romfs.json")(t, dir)
	}), args: "deploy app.romfs --port exec:./board --key key.pub", exit: 9, stderr: "about another image", check: untouched},

	// Keys.
	{name: "trust: a private key where a public one is wanted", make: signedHere(nil), args: "deploy app.romfs --port exec:./board --key key.pem", exit: 3, stderr: "key key.pem: a private key, where a public one is wanted", check: untouched},
	{name: "trust: a public key where a private one is wanted", make: signedHere(nil), args: "sign app.romfs --key key.pub -o new.json", exit: 3, stderr: "key key.pub: a public key, where a private one is wanted", check: untouched},
	{name: "trust: a certificate", make: signedHere(put("k", block("CERTIFICATE", "AAAA"))), args: "deploy app.romfs --port exec:./board --key k", exit: 3, stderr: `PEM block "CERTIFICATE", where PUBLIC KEY is wanted; .openssl x509 `, check: untouched},
	{name: "trust: a key for key agreement", make: signedHere(put("k", x25519PEM)), args: "deploy app.romfs --port exec:./board --key k", exit: 3, stderr: `X25519.*it has to be Ed25519 or ECDSA P-256`, check: untouched},
	{name: "trust: an RSA key in its own form", make: signedHere(put("k", block("RSA PRIVATE KEY", "AAAA"))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "a key of RSA; it has to be Ed25519 or ECDSA P-256", check: untouched},
	{name: "trust: an SSH key", make: signedHere(put("k", block("OPENSSH PRIVATE KEY", "AAAA"))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "a key of OpenSSH is no key of openssl", check: untouched},
	{name: "trust: a key with a passphrase", make: signedHere(put("k", block("ENCRYPTED PRIVATE KEY", "AAAA"))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "the key has a passphrase", check: untouched},
	{name: "trust: a key with a passphrase, in openssl's older form", make: signedHere(put("k", block("EC PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA"))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "the key has a passphrase", check: untouched},
	{name: "trust: cosign's key without its password", make: signedHere(put("k", block("ENCRYPTED SIGSTORE PRIVATE KEY", "e30="))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: `cannot be opened with the password in \$COSIGN_PASSWORD`, check: untouched},
	{name: "trust: cosign's key that would take all memory", make: signedHere(put("k", block("ENCRYPTED SIGSTORE PRIVATE KEY", base64.StdEncoding.EncodeToString([]byte(`{"kdf":{"name":"scrypt","params":{"N":1073741824,"r":64,"p":64},"salt":"AAAA"},"cipher":{"name":"nacl/secretbox"}}`))))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "unsupported scrypt parameters", check: untouched},
	{name: "trust: a damaged key", make: signedHere(put("k", block("PRIVATE KEY", "AAAA"))), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "key k: the key is damaged", check: untouched},
	{name: "trust: a huge key", make: signedHere(sparse("k", 1<<30)), args: "sign app.romfs --key k -o new.json", exit: 3, stderr: "key k: it has more than 64 KiB, so it is no key", check: untouched},
	{name: "trust: no key", make: signedHere(put("k", "hello")), args: "verify app.romfs --key k", exit: 3, stdout: "app.romfs: ok", stderr: "key k: no key in PEM form", check: untouched},
	{name: "trust: a directory for a key", make: signedHere(nil), args: "sign app.romfs --key app -o new.json", exit: 3, stderr: "key app: not a regular file", check: untouched},

	// Statements.
	{name: "trust: a statement about another image", make: signedHere(put("s.json", statementOn(strings.Repeat("0", 64)))), args: "sign app.romfs --key key.pem --statement s.json -o new.json", exit: 9, stderr: "s.json is about another image", check: untouched},
	{name: "trust: a huge statement", make: signedHere(sparse("s.json", 64<<20+1)), args: "sign app.romfs --key key.pem --statement s.json -o new.json", exit: 3, stderr: "s.json: it has more than 64 MiB", check: untouched},
	{name: "trust: no statement", make: signedHere(nil), args: "sign app.romfs --key key.pem --statement key.pub -o new.json", exit: 3, stderr: "key.pub: no in-toto statement", check: untouched},
	{name: "trust: a statement that is not there", make: signedHere(nil), args: "rebuild s.json", exit: 3, stderr: "^error: s.json: no such file or directory$", check: untouched},
	{name: "trust: a huge statement to build by", make: signedHere(sparse("s.json", 1<<40)), args: "rebuild s.json", exit: 3, stderr: "s.json: it has more than 64 MiB", check: untouched},

	// Bills of materials.
	{name: "trust: a bill by a huge sidecar", make: signedHere(sparse("app.romfs.json", 64<<20+1)), args: "sbom app.romfs -o new.json", exit: 3, stderr: "more than the 67108864 that a sidecar may have", check: untouched},
	{name: "trust: a bill by another image's sidecar", make: signedHere(func(t *testing.T, dir string) { built("a")(t, dir); rename("img.romfs", "app.romfs")(t, dir) }), args: "sbom app.romfs -o new.json", exit: 8, stderr: "sidecar", check: untouched},
	{name: "trust: a package with a huge list of files", make: signedHere(func(t *testing.T, dir string) {
		put("app/p-1.dist-info/METADATA", "Name: p\nVersion: 1\n")(t, dir)
		sparse("app/p-1.dist-info/RECORD", 1<<40)(t, dir)
		put("romfs.yaml", "version: 1\nname: app\nmpy: {compile: false}\nfiles: [{src: app/*.py}]\n")(t, dir)
		remove("app.romfs")(t, dir)
	}), args: "build --sbom cyclonedx", exit: 3, stderr: "app/p-1.dist-info/RECORD: it has more than 16 MiB", check: func(t *testing.T, dir string) {
		untouched(t, dir)
		if _, err := os.Lstat(filepath.Join(dir, "app.romfs")); err == nil {
			t.Error("the image was written")
		}
	}},
	{name: "trust: a huge manifest.py", make: signedHere(func(t *testing.T, dir string) {
		sparse("app/manifest.py", 1<<40)(t, dir)
		put("romfs.yaml", "version: 1\nname: app\nmpy: {compile: false}\nfiles: [{src: app/m.py}]\n")(t, dir)
	}), args: "build --sbom spdx", exit: 3, stderr: "app/manifest.py: it has more than 16 MiB", check: untouched},
}

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func rename(from, to string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
}

func shorten(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		if err := os.Truncate(filepath.Join(dir, name), 40); err != nil {
			t.Fatal(err)
		}
	}
}
