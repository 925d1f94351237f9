package provenance

import (
	"encoding/json"
	"runtime/debug"

	"rules_romfs/packager/trust/intoto"
)

// ReleaseType names what the parameters of a release mean, and Releaser who made it.
const (
	ReleaseType = "urn:rules_romfs:release:v1"
	Releaser    = "urn:rules_romfs:tools/release"
)

// A Release is a set of files that were built from one commit of this project.
type Release struct {
	Parameters ReleaseParameters
	Files      []intoto.Resource
	Commit     string             // of git
	Programs   []*debug.BuildInfo // of the programs among the files
}

// ReleaseParameters are what decides a release besides its commit and Go: the
// arguments of tools/release.
type ReleaseParameters struct {
	Version   string   `json:"version"`
	URL       string   `json:"url"` // where the files will lie
	Platforms []string `json:"platforms"`
}

// Statement says how the files were made, and of what: the commit, Go, and the
// modules of the programs by what go.sum has of them.
func (r *Release) Statement() (*intoto.Statement, error) {
	var pr predicate[ReleaseParameters]
	pr.BuildDefinition.BuildType = ReleaseType
	pr.BuildDefinition.ExternalParameters = r.Parameters
	all := []intoto.Resource{{Name: "rules_romfs", Digest: map[string]string{"gitCommit": r.Commit}}}
	seen := map[string]bool{}
	add := func(path, version, sum string) {
		uri := "pkg:golang/" + path + "@" + version
		if seen[uri] {
			return
		}
		seen[uri] = true
		m := intoto.Resource{Name: path, URI: uri, Annotations: map[string]any{"version": version}}
		if sum != "" {
			m.Annotations["go.sum"] = sum
		}
		all = append(all, m)
	}
	for _, info := range r.Programs {
		add("go", info.GoVersion, "")
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			add(m.Path, m.Version, m.Sum)
		}
	}
	pr.BuildDefinition.ResolvedDependencies = all
	pr.RunDetails.Builder.ID = Releaser
	body, err := json.Marshal(pr)
	if err != nil {
		return nil, err
	}
	return &intoto.Statement{Type: intoto.StatementType, PredicateType: intoto.SLSAType, Subject: r.Files, Predicate: body}, nil
}
