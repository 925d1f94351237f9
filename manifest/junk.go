package manifest

import "strings"

// isJunk reports whether a name is on the built-in junk list: what tools and
// systems leave in a source tree, and what nobody wants on a board.
func isJunk(name string) bool {
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
