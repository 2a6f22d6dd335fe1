// SPDX-License-Identifier: Apache-2.0

// Package version says which build this is. The Makefile stamps it.
package version

import "runtime"

// Stamped by the linker: -X github.com/gatehouse-sh/gatehouse/internal/version.number=v0.1.0
var (
	number = "v0.0.0-dev"
	commit = "unknown"
)

// Info is what `version` prints.
type Info struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

// Get returns the build's own facts.
func Get() Info {
	return Info{Version: number, Commit: commit, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
}
