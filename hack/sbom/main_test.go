// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func TestDocumentNamesEveryModuleOfTheProgram(t *testing.T) {
	t.Parallel()
	// The test itself is a Go program that links a library.
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Join(t.TempDir(), "sub", "a.json"), filepath.Join(t.TempDir(), "b.json")
	for _, out := range []string{first, second} {
		if err := run(program, "v1.2.3", out); err != nil {
			t.Fatal(err)
		}
	}
	content, again := read(t, first), read(t, second)
	if !bytes.Equal(content, again) {
		t.Error("the same program gave different documents")
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(content), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if got := bom.Metadata.Component.Version; got != "v1.2.3" {
		t.Errorf("the program has version %q", got)
	}
	found := map[string]cdx.Component{}
	for _, c := range *bom.Components {
		found[c.Name] = c
	}
	library := found["github.com/CycloneDX/cyclonedx-go"]
	if !strings.HasPrefix(library.PackageURL, "pkg:golang/github.com/CycloneDX/cyclonedx-go@v") || library.Hashes == nil || len((*library.Hashes)[0].Value) != 64 {
		t.Errorf("the library that the program links is described as %+v", library)
	}
	if std := found["std"]; std.Version == "" || strings.HasPrefix(std.Version, "go") {
		t.Errorf("the Go release is described as %+v", std)
	}
	if got := len(*(*bom.Dependencies)[0].Dependencies); got != len(found) {
		t.Errorf("the program depends on %d modules, want all %d", got, len(found))
	}
}

func TestWhatCannotBeDescribedIsAnError(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(text, "v1", filepath.Join(t.TempDir(), "o")); err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("a file that is no program: got error %v", err)
	}
	if err := run(filepath.Join(t.TempDir(), "absent"), "v1", "o"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing program: got error %v", err)
	}
	if err := run(text, "", "o"); err == nil || !strings.Contains(err.Error(), "-version") {
		t.Errorf("no version: got error %v", err)
	}
	for name, deps := range map[string][]*debug.Module{
		"a program without modules": nil,
		"a sum of an unknown kind":  {{Path: "example.org/m", Version: "v1.0.0", Sum: "h9:AAAA"}},
		"a sum that is no sum":      {{Path: "example.org/m", Version: "v1.0.0", Sum: "h1:?"}},
	} {
		if document, err := describe(&debug.BuildInfo{Deps: deps}, "v1", ""); err == nil {
			t.Errorf("%s: got document %s", name, document)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
