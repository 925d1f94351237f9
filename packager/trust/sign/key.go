package sign

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"rules_romfs/internal/child"
	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/syserr"
)

// A KeyError says that a key cannot be used.
type KeyError struct {
	Key string // as it was given: a file, or env:NAME
	Err error
}

func (e *KeyError) Error() string { return fmt.Sprintf("key %s: %v", e.Key, e.Err) }
func (e *KeyError) Unwrap() error { return e.Err }

// Bounds of what is read as a key or printed by a signer, in bytes.
const (
	maxKey       = 64 << 10
	maxSignature = 4 << 10
)

// A PublicKey checks signatures.
type PublicKey struct {
	key  crypto.PublicKey // ed25519.PublicKey or *ecdsa.PublicKey
	id   string
	name string // as it was named
}

// ID is the sha256 of the key's DER form in hexadecimal: what an envelope names
// it by.
func (k *PublicKey) ID() string { return k.id }

// Name is what the key was read from: a file, or env:NAME.
func (k *PublicKey) Name() string { return k.name }

func newPublicKey(name string, key crypto.PublicKey) (*PublicKey, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return nil, fmt.Errorf("an ECDSA key on the curve %s; it has to be P-256", k.Curve.Params().Name)
		}
	default:
		return nil, wrongKind(key)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return &PublicKey{key, fmt.Sprintf("%x", sha256.Sum256(der)), name}, nil
}

// wrongKind is the error for a key, private or public, that makes no signatures
// which are checked here.
func wrongKind(key any) error {
	kind := fmt.Sprintf("of kind %T", key)
	switch key.(type) {
	case *rsa.PublicKey, *rsa.PrivateKey:
		kind = "of RSA"
	case *ecdh.PublicKey, *ecdh.PrivateKey:
		kind = "for key agreement (X25519)"
	}
	return fmt.Errorf("a key %s; it has to be Ed25519 or ECDSA P-256", kind)
}

// verifier and signer make keys what the envelope's library asks for.
type verifier struct{ *PublicKey }

func (v verifier) KeyID() (string, error)   { return v.id, nil }
func (v verifier) Public() crypto.PublicKey { return v.key }

func (v verifier) Verify(_ context.Context, data, signature []byte) error {
	ok := false
	switch k := v.key.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, data, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(data)
		ok = ecdsa.VerifyASN1(k, sum[:], signature)
	}
	if !ok {
		return errors.New("the signature is not by this key, or not of this content")
	}
	return nil
}

// A Signer makes signatures: with a private key, or through a command.
type Signer struct {
	public *PublicKey
	sign   func(ctx context.Context, data []byte) ([]byte, error)
}

// PublicKey returns the key that its signatures are checked with.
func (s *Signer) PublicKey() *PublicKey { return s.public }

func (s *Signer) KeyID() (string, error) { return s.public.id, nil }

// Sign signs data, and checks the signature: what a command printed may be none.
func (s *Signer) Sign(ctx context.Context, data []byte) ([]byte, error) {
	signature, err := s.sign(ctx, data)
	if err != nil {
		return nil, err
	}
	if err := (verifier{s.public}).Verify(ctx, data, signature); err != nil {
		return nil, fmt.Errorf("what was made as a signature is none: %w", err)
	}
	return signature, nil
}

// Keys reads keys from files, or from the environment as env:NAME.
type Keys struct {
	Getenv func(string) string
}

func (k Keys) read(name string) ([]byte, error) {
	if variable, ok := strings.CutPrefix(name, "env:"); ok {
		value := k.Getenv(variable)
		if value == "" {
			return nil, fmt.Errorf("the variable %s is not set", variable)
		}
		return []byte(value), nil
	}
	data, _, err := smallfile.Read(name, maxKey)
	switch {
	case errors.Is(err, smallfile.ErrLarge):
		return nil, fmt.Errorf("it has more than %d KiB, so it is no key", maxKey>>10)
	case err != nil:
		return nil, syserr.Reason(err)
	}
	return data, nil
}

// block returns the first PEM block of a key that is no parameter of it.
func (k Keys) block(name string) (*pem.Block, error) {
	data, err := k.read(name)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		block, data = pem.Decode(data)
		switch {
		case block == nil:
			return nil, errors.New("no key in PEM form (-----BEGIN …); openssl and cosign write such files")
		case block.Type != "EC PARAMETERS":
			return block, nil
		}
	}
}

// Public reads a public key: PEM, as `openssl pkey -pubout` and cosign write it.
func (k Keys) Public(name string) (*PublicKey, error) {
	public, err := k.public(name)
	if err != nil {
		return nil, &KeyError{name, err}
	}
	return public, nil
}

func (k Keys) public(name string) (*PublicKey, error) {
	block, err := k.block(name)
	if err != nil {
		return nil, err
	}
	switch {
	case block.Type == "PUBLIC KEY":
	case strings.Contains(block.Type, "PRIVATE KEY"):
		return nil, errors.New("a private key, where a public one is wanted: make it with `openssl pkey -in KEY -pubout`, and keep the private one away from here")
	default:
		return nil, wrongBlock(block, "PUBLIC KEY")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, damaged(err)
	}
	return newPublicKey(name, key)
}

// wrongBlock is the error for a PEM block that is no key of the form that is wanted.
func wrongBlock(block *pem.Block, want string) error {
	remedy := ""
	switch {
	case block.Type == "CERTIFICATE" && want == "PUBLIC KEY":
		remedy = "; `openssl x509 -in CERTIFICATE -noout -pubkey` prints the key of a certificate"
	case block.Type == "OPENSSH PRIVATE KEY":
		remedy = "; a key of OpenSSH is no key of openssl: make one with `openssl genpkey -algorithm ed25519`"
	}
	return fmt.Errorf("a PEM block %.40q, where %s is wanted%s", block.Type, want, remedy)
}

func damaged(err error) error { return fmt.Errorf("the key is damaged: %w", err) }

// Private reads a private key: PEM of openssl (PKCS #8, or EC), or of cosign,
// whose password is $COSIGN_PASSWORD.
func (k Keys) Private(name string) (*Signer, error) {
	key, err := k.private(name)
	if err != nil {
		return nil, &KeyError{name, err}
	}
	public, err := newPublicKey(name, key.Public())
	if err != nil {
		return nil, &KeyError{name, err}
	}
	return &Signer{public, func(_ context.Context, data []byte) ([]byte, error) {
		if _, ok := key.(ed25519.PrivateKey); ok {
			return key.Sign(nil, data, crypto.Hash(0))
		}
		sum := sha256.Sum256(data)
		return key.Sign(rand.Reader, sum[:], crypto.SHA256)
	}}, nil
}

func (k Keys) private(name string) (crypto.Signer, error) {
	block, err := k.block(name)
	if err != nil {
		return nil, err
	}
	const locked = "the key has a passphrase, which is not asked for here: give `openssl pkey -in KEY` through env:NAME, or a command with --signer"
	if block.Headers["DEK-Info"] != "" { // openssl's older form
		return nil, errors.New(locked)
	}
	der := block.Bytes
	switch block.Type {
	case "PRIVATE KEY":
	case "EC PRIVATE KEY":
		key, err := x509.ParseECPrivateKey(der)
		if err != nil {
			return nil, damaged(err)
		}
		return key, nil
	case "RSA PRIVATE KEY":
		return nil, wrongKind(&rsa.PrivateKey{})
	case "ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY":
		if der, err = encrypted.Decrypt(der, []byte(k.Getenv("COSIGN_PASSWORD"))); err != nil {
			return nil, fmt.Errorf("cosign's key cannot be opened with the password in $COSIGN_PASSWORD: %w", err)
		}
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New(locked)
	case "PUBLIC KEY":
		return nil, errors.New("a public key, where a private one is wanted")
	default:
		return nil, wrongBlock(block, "PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, damaged(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, wrongKind(key)
	}
	return signer, nil
}

// Command returns a signer that runs a command for each signature, such as one
// that asks a PKCS #11 token or a key service: on its standard input it gets the
// sha256 of what is to be signed (32 bytes; for an Ed25519 key the message
// itself, since that algorithm signs no digests), and it prints the signature:
// ASN.1 of ECDSA, or the 64 bytes of Ed25519.
func Command(command []string, public *PublicKey) *Signer {
	return &Signer{public, func(ctx context.Context, data []byte) ([]byte, error) {
		if _, ok := public.key.(*ecdsa.PublicKey); ok {
			sum := sha256.Sum256(data)
			data = sum[:]
		}
		cmd := child.Command(ctx, command[0], command[1:]...)
		var stdout, stderr bounded
		cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(data), &stdout, &stderr
		err := cmd.Run()
		child.EndGroup(cmd)
		switch {
		case errors.Is(err, exec.ErrWaitDelay):
		case errors.Is(err, errPrinted):
			return nil, fmt.Errorf("the signer %s %w", command[0], errPrinted)
		case err != nil:
			return nil, fmt.Errorf("the signer %s: %w", command[0], child.Error(ctx, err, stderr.b))
		}
		if n := len(stdout.b); n == 0 || n > maxSignature {
			return nil, fmt.Errorf("the signer %s printed %d bytes, which is no signature", command[0], n)
		}
		return stdout.b, nil
	}}
}

// bounded is what a signer prints, which is no more than a few lines.
type bounded struct{ b []byte }

var errPrinted = errors.New("printed too much, which is no signature")

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.b)+len(p) > maxKey {
		return 0, errPrinted
	}
	b.b = append(b.b, p...)
	return len(p), nil
}

var (
	_ dsse.Verifier = verifier{}
	_ dsse.Signer   = (*Signer)(nil)
)
