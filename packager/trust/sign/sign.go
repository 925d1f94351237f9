// Package sign signs ROMFS images and checks signatures: DSSE envelopes
// (github.com/secure-systems-lab/dsse) around in-toto statements about an image's
// sha256, by Ed25519 and ECDSA P-256 keys as openssl and cosign make them.
//
// Nothing is trusted on first use: a signature counts only by a key that the
// caller names.
package sign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"rules_romfs/internal/lazyregexp"
	"rules_romfs/internal/smallfile"
	"rules_romfs/internal/syserr"
	"rules_romfs/packager/artifact"
	"rules_romfs/packager/trust/intoto"
)

// Path returns where the envelope of an image lies: beside it.
func Path(image string) string { return image + ".dsse.json" }

// maxSignatures bounds how many signatures an envelope may have: each is tried by
// each key.
const maxSignatures = 100

// An EnvelopeError says that a file is no envelope about an image.
type EnvelopeError struct {
	Path string
	Err  error
}

func (e *EnvelopeError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }
func (e *EnvelopeError) Unwrap() error { return e.Err }

// A TrustError says that an image is not signed by any of the keys that count.
type TrustError struct {
	Image  string // file or name
	Reason string
	Remedy string
}

func (e *TrustError) Error() string { return fmt.Sprintf("%s: %s; %s", e.Image, e.Reason, e.Remedy) }

// Sign puts a statement into an envelope. Earlier, if not nil, is an envelope of
// the same image: with the same statement in it the signature is added to its
// own, and that of the same key is replaced.
func Sign(ctx context.Context, s *intoto.Statement, signer *Signer, earlier *dsse.Envelope) (*dsse.Envelope, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	es, err := dsse.NewEnvelopeSigner(signer)
	if err != nil {
		return nil, err
	}
	e, err := es.SignPayload(ctx, intoto.PayloadType, body)
	if err != nil {
		return nil, err
	}
	if earlier != nil && earlier.Payload == e.Payload && earlier.PayloadType == e.PayloadType {
		for _, old := range earlier.Signatures {
			if old.KeyID != signer.public.id {
				e.Signatures = append(e.Signatures, old)
			}
		}
	}
	return e, nil
}

// Load reads an envelope and the statement in it. A file that is not there is an
// fs.ErrNotExist, anything else an [*EnvelopeError].
func Load(path string) (*dsse.Envelope, *intoto.Statement, error) {
	data, _, err := smallfile.Read(path, intoto.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, err
	case errors.Is(err, smallfile.ErrLarge):
		return nil, nil, &EnvelopeError{path, fmt.Errorf("it has more than %d MiB, so it is no envelope about an image", intoto.MaxSize>>20)}
	case err != nil:
		return nil, nil, &EnvelopeError{path, syserr.Reason(err)}
	}
	var e dsse.Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, nil, &EnvelopeError{path, fmt.Errorf("no DSSE envelope: %w", err)}
	}
	s, err := statement(&e)
	if err != nil {
		return nil, nil, &EnvelopeError{path, err}
	}
	return &e, s, nil
}

func statement(e *dsse.Envelope) (*intoto.Statement, error) {
	switch {
	case e.PayloadType == "" && len(e.Signatures) == 0:
		return nil, errors.New("no DSSE envelope: it has no payloadType and no signatures")
	case e.PayloadType != intoto.PayloadType:
		return nil, fmt.Errorf("an envelope about something else: its payloadType is %.80q", e.PayloadType)
	case len(e.Signatures) == 0:
		return nil, errors.New("the envelope has no signature")
	case len(e.Signatures) > maxSignatures:
		return nil, fmt.Errorf("the envelope has %d signatures, more than %d", len(e.Signatures), maxSignatures)
	}
	body, err := e.DecodeB64Payload()
	if err != nil {
		return nil, fmt.Errorf("the envelope's payload cannot be decoded: %w", err)
	}
	return intoto.Parse(body)
}

// Check reports by which of the keys an image is signed in the envelope at path:
// the first that is in order. That there is none is a [*TrustError].
func Check(ctx context.Context, path, image string, digest artifact.Digest, keys []*PublicKey) (*PublicKey, error) {
	e, s, err := Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &TrustError{image, "it is not signed: there is no " + path, "sign it with `romfs sign`, or name its envelope with --signature"}
	}
	if err != nil {
		return nil, err
	}
	if !s.About(digest) {
		return nil, &TrustError{image, fmt.Sprintf("%s is about another image, %s, and not sha256 %s", path, s.Names(), digest.Short()), "sign this one; it was built or changed after the other was signed"}
	}
	if k := signedBy(ctx, e, keys); k != nil {
		return k, nil
	}
	return nil, &TrustError{image, fmt.Sprintf("none of the signatures in %s is by the key that is asked for (%s); they name %s", path, ShortIDs(keyIDs(keys)), ShortIDs(signers(e))), "have it signed by that key"}
}

// signedBy returns the first of the keys that has signed an envelope, or nil. The
// names of keys in an envelope are hints, which other tools make otherwise: each
// signature is tried.
func signedBy(ctx context.Context, e *dsse.Envelope, keys []*PublicKey) *PublicKey {
	bare := dsse.Envelope{PayloadType: e.PayloadType, Payload: e.Payload}
	for _, s := range e.Signatures {
		bare.Signatures = append(bare.Signatures, dsse.Signature{Sig: s.Sig})
	}
	for _, k := range keys {
		ev, err := dsse.NewEnvelopeVerifier(verifier{k})
		if err != nil {
			continue // of no verifier, and there is one
		}
		if _, err := ev.Verify(ctx, &bare); err == nil {
			return k
		}
	}
	return nil
}

func keyIDs(keys []*PublicKey) (all []string) {
	for _, k := range keys {
		all = append(all, k.id)
	}
	return all
}

func signers(e *dsse.Envelope) (all []string) {
	for _, s := range e.Signatures {
		all = append(all, s.KeyID)
	}
	return all
}

// ShortIDs names keys by the digits that people tell them apart by. What an
// envelope names is quoted where it is no such id.
func ShortIDs(names []string) string {
	var short []string
	for _, n := range names {
		switch {
		case n == "":
			n = "no key"
		case !hexadecimal().MatchString(n):
			n = fmt.Sprintf("%.40q", n)
		case len(n) > 12:
			n = n[:12]
		}
		short = append(short, n)
	}
	return strings.Join(short, ", ")
}

var hexadecimal = lazyregexp.New(`^[0-9a-fA-F]+$`)

// ShortID returns the digits by which people tell keys apart.
func (k *PublicKey) ShortID() string { return k.id[:12] }
