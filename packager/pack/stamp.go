package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rules_romfs/packager/artifact"
)

// StampName is the file in which an image says what it is.
const StampName = artifact.StampName

// stamp adds the file to the inputs. Its content is decided by the other files
// alone, so that the same inputs give the same bytes.
func (im *Image) stamp(ctx context.Context, contents []digested) ([]digested, error) {
	var lines []string
	for i := range im.Spec.Inputs {
		in := &im.Spec.Inputs[i]
		if in.Dest == StampName {
			return nil, in.fail(fmt.Errorf("stamp: true makes the file %s, and this is another one of that name; rename it, or remove stamp", StampName))
		}
		if err := in.digestOnce(ctx); err != nil {
			return nil, err
		}
		lines = append(lines, hex.EncodeToString(in.sum[:])+"  "+in.Dest+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) }) // by path: behind the digest
	content := sha256.Sum256([]byte(strings.Join(lines, "")))
	text, err := json.Marshal(artifact.Stamp{Name: im.Spec.Name, Release: im.Spec.Release, Content: content})
	if err != nil {
		return nil, err
	}
	// It has no source but the manifest, which says so by its rule.
	in := Input{Dest: StampName, Kind: artifact.KindData, Source: StampName, Rule: "stamp", Code: append(text, '\n'), Why: "stamp: true"}
	found := in.statContent(in.Code)
	im.Spec.Inputs = append(slices.Clip(im.Spec.Inputs), in)
	return append(contents, found), nil
}

// digestOnce makes the sha256 of a content known.
func (in *Input) digestOnce(ctx context.Context) error {
	switch {
	case in.known:
		return nil
	case in.Nested == nil:
		return in.digest(ctx)
	}
	h := sha256.New()
	if _, err := in.Nested.Plan.WriteTo(h); err != nil {
		return in.Nested.writeError(err)
	}
	in.sum = [32]byte(h.Sum(nil))
	return ctx.Err()
}
