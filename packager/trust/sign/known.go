package sign

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"rules_romfs/internal/filecache"
	"rules_romfs/packager/artifact"
)

// Known keeps the envelopes that were met on this machine, by the sha256 of the
// image that they are about, so that somebody who meets the image alone, on a
// board, can be told whose signature it has. An envelope proves nothing by being
// kept: it is checked each time it is used, as any other.
//
// It is a cache: what cannot be kept or read is not known, and no error.
type Known struct{ cache *filecache.Cache }

// maxKnown is how many envelopes of one image are kept, the latest first.
const maxKnown = 8

var knownLimits = filecache.Limits{Entry: 8 << 20, Total: 64 << 20}

// OpenKnown uses the folder dir, which need not exist. An empty dir keeps nothing.
func OpenKnown(dir string) *Known {
	if dir == "" {
		return &Known{}
	}
	cache, err := filecache.Open(dir, knownLimits)
	if err != nil {
		return &Known{}
	}
	return &Known{cache}
}

func knownKey(image artifact.Digest) filecache.Key {
	return filecache.KeyOf("envelopes 1", image.String())
}

// Keep remembers an envelope about an image.
func (k *Known) Keep(image artifact.Digest, e *dsse.Envelope) {
	if k.cache == nil {
		return
	}
	all := []*dsse.Envelope{e}
	for _, old := range k.Of(image) {
		same := old.Payload == e.Payload && slices.Equal(old.Signatures, e.Signatures)
		if !same && len(all) < maxKnown {
			all = append(all, old)
		}
	}
	// A large one is not kept at the price of those that are there.
	content, err := json.Marshal(all)
	for err == nil && int64(len(content)) > knownLimits.Entry && len(all) > 1 {
		all = all[:len(all)-1]
		content, err = json.Marshal(all)
	}
	if err != nil {
		return
	}
	k.cache.Put(knownKey(image), content, sha256.Sum256(content))
	k.cache.Trim(time.Now())
}

// KeepFile remembers the envelope in a file, if it is one about the image.
func (k *Known) KeepFile(image artifact.Digest, path string) {
	if k.cache == nil {
		return
	}
	if e, s, err := Load(path); err == nil && s.About(image) {
		k.Keep(image, e)
	}
}

// Of returns the envelopes about an image, the latest first.
func (k *Known) Of(image artifact.Digest) []*dsse.Envelope {
	if k.cache == nil {
		return nil
	}
	content, _, ok := k.cache.Get(knownKey(image))
	if !ok {
		return nil
	}
	var all []*dsse.Envelope
	if json.Unmarshal(content, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(e *dsse.Envelope) bool {
		if e == nil {
			return true
		}
		s, err := statement(e)
		return err != nil || !s.About(image)
	})
}

// A Finding is what the envelopes that are known say about an image.
type Finding struct {
	Status Status   `json:"status"`
	Key    string   `json:"key,omitempty"`      // sha256 of the key that has signed it
	Name   string   `json:"key_name,omitempty"` // as that key was named
	Others []string `json:"others,omitempty"`   // what the signatures that were not checked name as their keys
}

// A Status is one of those below.
type Status string

const (
	Signed    Status = "signed"    // by a key that was named
	Unsigned  Status = "other"     // there are signatures, and none is by a key that was named
	Unchecked Status = "unchecked" // there are signatures, and no key was named
	Unknown   Status = "unknown"   // no signature is known here
)

// Find says which of the keys has signed an image, by the envelopes that are kept.
func (k *Known) Find(ctx context.Context, image artifact.Digest, keys []*PublicKey) Finding {
	f := Finding{Status: Unknown}
	for _, e := range k.Of(image) {
		if key := signedBy(ctx, e, keys); key != nil {
			return Finding{Status: Signed, Key: key.id, Name: key.name}
		}
		f.Status = Unchecked
		if len(keys) > 0 {
			f.Status = Unsigned
		}
		for _, s := range e.Signatures {
			if !slices.Contains(f.Others, s.KeyID) {
				f.Others = append(f.Others, s.KeyID)
			}
		}
	}
	return f
}
