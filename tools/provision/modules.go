//go:build modules

// Package provision pins the Bazel rule sets that are published as Go modules:
// go.sum holds their digests, go mod download fetches them (see provision).
package provision

import (
	_ "github.com/bazelbuild/bazel-gazelle/cmd/gazelle"
	_ "github.com/bazelbuild/rules_go/go/runfiles"
)
