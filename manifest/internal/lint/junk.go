package lint

import (
	"path"
	"strings"

	"rules_romfs/internal/strictyaml"
	"rules_romfs/manifest/internal/code"
	"rules_romfs/manifest/internal/plan"
)

// LeftOut names the list that a name is on, if any: patterns leave it out.
func LeftOut(name string) string {
	switch {
	case IsJunk(name):
		return "the junk list"
	case IsSecret(name):
		return "the list of secrets"
	}
	return ""
}

// IsJunk reports whether a name is on the built-in junk list: what tools and
// systems leave in a source tree, and what nobody wants on a board.
func IsJunk(name string) bool {
	switch name {
	case "__pycache__", ".git", ".hg", ".svn", ".DS_Store", "Thumbs.db", "desktop.ini":
		return true
	}
	for _, suffix := range []string{".pyc", ".pyo", "~", ".swp", ".swo"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(name, ".#") || len(name) > 1 && strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}

// IsSecret reports whether a name is that of a key or password file. A
// pattern leaves those out with a warning; a certificate that is meant to be
// packed is named literally.
func IsSecret(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env", ".netrc", ".npmrc", ".pypirc":
		return true
	}
	for _, suffix := range []string{".pem", ".key", ".p12", ".pfx", ".jks", ".keystore"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// Private returns a finding for each entry of a plain directory that a manifest's
// patterns would leave out as private: keys and passwords, and the history that
// git keeps.
func Private(entries []plan.Entry) []Finding {
	const remedy = "move it out of the directory, or build from a manifest, which leaves it out (romfs init)"
	var out []Finding
	for i := range entries {
		e := &entries[i]
		switch base := path.Base(e.Dest); {
		case e.Kind == plan.Dir && base == ".git":
			out = append(out, Finding{i, code.LintGit, strictyaml.Quote(e.Dest) + " is packed: all that the repository ever held goes onto the board", remedy})
		case e.Kind == plan.File && IsSecret(base):
			out = append(out, Finding{i, code.LintSecret, strictyaml.Quote(e.Dest) + " looks like a key or a password, and is packed", remedy})
		}
	}
	return out
}
