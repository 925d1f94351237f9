package lint

import "strings"

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
