// Package intoto has the statement of in-toto's attestation framework, version 1
// (github.com/in-toto/attestation, spec/v1/statement.md): what is said about a
// ROMFS image, and about which one.
package intoto

import (
	"encoding/json"
	"fmt"
	"path"

	"rules_romfs/packager/artifact"
)

// Names of types that the framework defines.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PayloadType   = "application/vnd.in-toto+json" // in a DSSE envelope
	SLSAType      = "https://slsa.dev/provenance/v1"
)

// ImageType is the predicate of a statement that says nothing but which image is
// meant, by name: what is signed where there is no provenance.
const ImageType = "urn:rules_romfs:image:v1"

// A Statement says something, the predicate, about its subjects.
type Statement struct {
	Type          string          `json:"_type"`
	Subject       []Resource      `json:"subject"`
	PredicateType string          `json:"predicateType"`
	Predicate     json.RawMessage `json:"predicate,omitempty"`
}

// A Resource is a file by its digest (spec/v1/resource_descriptor.md).
type Resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"` // by algorithm
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// SHA256 returns the digest of a resource as the framework writes it.
func SHA256(d artifact.Digest) map[string]string { return map[string]string{"sha256": d.String()} }

// New makes a statement about the image of a sidecar.
func New(s *artifact.Sidecar, predicateType string, predicate any) (*Statement, error) {
	body, err := json.Marshal(predicate)
	if err != nil {
		return nil, err
	}
	return &Statement{
		Type: StatementType, PredicateType: predicateType, Predicate: body,
		Subject: []Resource{{Name: path.Base(s.Name) + ".romfs", Digest: SHA256(s.Image.SHA256)}},
	}, nil
}

// maxSubjects bounds what a statement may be about.
const maxSubjects = 1000

// Parse reads a statement and checks its form.
func Parse(data []byte) (*Statement, error) {
	var s Statement
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("no in-toto statement: %w", err)
	}
	switch {
	case s.Type != StatementType:
		return nil, fmt.Errorf("no in-toto statement of version 1: its _type is %.80q", s.Type)
	case len(s.Subject) == 0:
		return nil, fmt.Errorf("the statement is about nothing: it has no subject")
	case len(s.Subject) > maxSubjects:
		return nil, fmt.Errorf("the statement has %d subjects, more than %d", len(s.Subject), maxSubjects)
	}
	return &s, nil
}

// About reports whether the statement is about the image of that digest.
func (s *Statement) About(image artifact.Digest) bool {
	for _, r := range s.Subject {
		if r.Digest["sha256"] == image.String() {
			return true
		}
	}
	return false
}

// Names returns what the statement is about, for people.
func (s *Statement) Names() string {
	r := s.Subject[0]
	var digest artifact.Digest
	short := fmt.Sprintf("%.40q", r.Digest["sha256"])
	if digest.UnmarshalText([]byte(r.Digest["sha256"])) == nil {
		short = digest.Short()
	}
	text := fmt.Sprintf("%.80q (sha256 %s)", r.Name, short)
	if n := len(s.Subject) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// Encode returns the statement as JSON, indented, with a newline at its end. The
// same statement gives the same bytes.
func (s *Statement) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}
