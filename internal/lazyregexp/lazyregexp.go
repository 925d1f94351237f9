// Package lazyregexp has regular expressions that are compiled when they are first
// used: a program that is started for every file of a build uses few of its own.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New is regexp.MustCompile at the first call of what it returns.
func New(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
