// Package provenance says what an image was made from and how, as an in-toto
// statement with SLSA's provenance predicate, version 1
// (slsa.dev/spec/v1.0/provenance), and reads it again to build the same image.
//
// There is no time in it and no host: builds are reproducible, so whoever has the
// sources checks the statement by building again.
package provenance

import (
	"bytes"
	"encoding/json"
	"fmt"

	"rules_romfs/packager/artifact"
	"rules_romfs/packager/pack"
	"rules_romfs/packager/trust/intoto"
)

// BuildType names what the parameters mean, and Builder who built.
const (
	BuildType = "urn:rules_romfs:build:v1"
	Builder   = "urn:rules_romfs:romfs"
)

// Path returns where the provenance of an image lies: beside it.
func Path(image string) string { return image + ".provenance.json" }

// Parameters are what decided the image besides its materials: the arguments of
// the build.
type Parameters struct {
	Path                  string `json:"path"` // of the manifest or directory, relative to where the build was started
	Board                 string `json:"board,omitempty"`
	Partition             string `json:"partition,omitempty"`
	PartitionSize         int64  `json:"partition_size,omitempty"`
	Compile               *bool  `json:"compile,omitempty"`
	Arch                  string `json:"arch,omitempty"`
	SkipMissingTransforms bool   `json:"skip_missing_transforms,omitempty"`
}

// A Tool is a program that took part.
type Tool struct {
	Name, Version, URI string
	SHA256             *artifact.Digest // nil: not known
}

// predicate is the part of SLSA's that is used here; P are the parameters of a type
// of build.
type predicate[P any] struct {
	BuildDefinition struct {
		BuildType            string            `json:"buildType"`
		ExternalParameters   P                 `json:"externalParameters"`
		ResolvedDependencies []intoto.Resource `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID      string            `json:"id"`
			Version map[string]string `json:"version,omitempty"`
		} `json:"builder"`
	} `json:"runDetails"`
}

// New says how an image was made. The compiler is nil where nothing was compiled.
func New(s *artifact.Sidecar, p Parameters, materials []pack.Material, compiler *Tool, packager Tool) (*intoto.Statement, error) {
	var pr predicate[Parameters]
	pr.BuildDefinition.BuildType = BuildType
	pr.BuildDefinition.ExternalParameters = p
	all := []intoto.Resource{}
	for _, m := range materials {
		all = append(all, intoto.Resource{Name: m.Name, Digest: intoto.SHA256(m.Digest)})
	}
	for _, t := range []*Tool{compiler, &packager} {
		if t != nil {
			all = append(all, t.resource())
		}
	}
	pr.BuildDefinition.ResolvedDependencies = all
	pr.RunDetails.Builder.ID = Builder
	if packager.Version != "" {
		pr.RunDetails.Builder.Version = map[string]string{packager.Name: packager.Version}
	}
	return intoto.New(s, intoto.SLSAType, pr)
}

func (t *Tool) resource() intoto.Resource {
	r := intoto.Resource{Name: t.Name, URI: t.URI}
	if t.SHA256 != nil {
		r.Digest = intoto.SHA256(*t.SHA256)
	}
	if t.Version != "" {
		r.Annotations = map[string]any{"version": t.Version}
	}
	return r
}

// A Recipe is what a statement says about how to build its image again.
type Recipe struct {
	Parameters Parameters
	Image      artifact.Digest
	Materials  []intoto.Resource
}

// Read returns the recipe in a statement.
func Read(s *intoto.Statement) (*Recipe, error) {
	if s.PredicateType != intoto.SLSAType {
		return nil, fmt.Errorf("the statement does not say how the image was made: its predicateType is %.80q, not %s", s.PredicateType, intoto.SLSAType)
	}
	var pr predicate[Parameters]
	dec := json.NewDecoder(bytes.NewReader(s.Predicate))
	if err := dec.Decode(&pr); err != nil {
		return nil, fmt.Errorf("the statement's predicate: %w", err)
	}
	d := pr.BuildDefinition
	if d.BuildType != BuildType {
		return nil, fmt.Errorf("the image was not made by romfs: the statement's buildType is %.80q, not %s", d.BuildType, BuildType)
	}
	if d.ExternalParameters.Path == "" {
		return nil, fmt.Errorf("the statement does not name the manifest")
	}
	r := &Recipe{Parameters: d.ExternalParameters, Materials: d.ResolvedDependencies}
	if err := r.Image.UnmarshalText([]byte(s.Subject[0].Digest["sha256"])); err != nil {
		return nil, fmt.Errorf("the statement's subject: %w", err)
	}
	return r, nil
}

// A Difference is a material that is another one now.
type Difference struct {
	Name   string `json:"name"`
	Change string `json:"change"` // changed, added or removed
}

// Compare names the materials that are not those of the recipe. Tools are
// compared by digest where both have one.
func (r *Recipe) Compare(now []intoto.Resource) []Difference {
	was := map[string]intoto.Resource{}
	for _, m := range r.Materials {
		was[m.Name] = m
	}
	diff := []Difference{}
	for _, m := range now {
		old, ok := was[m.Name]
		delete(was, m.Name)
		switch a, b := old.Digest["sha256"], m.Digest["sha256"]; {
		case !ok:
			diff = append(diff, Difference{m.Name, "added"})
		case a != b && a != "" && b != "":
			diff = append(diff, Difference{m.Name, "changed"})
		}
	}
	for _, m := range r.Materials {
		if _, gone := was[m.Name]; gone {
			delete(was, m.Name)
			diff = append(diff, Difference{m.Name, "removed"})
		}
	}
	return diff
}

// Resources returns the materials of a statement of this package's.
func Resources(s *intoto.Statement) ([]intoto.Resource, error) {
	r, err := Read(s)
	if err != nil {
		return nil, err
	}
	return r.Materials, nil
}
