// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	first, second := build(t, "amd64", "arm64"), build(t, "amd64", "arm64")
	if !bytes.Equal(first, second) {
		t.Error("the same input gave different archives")
	}
	if bytes.Equal(first, build(t, "arm64", "amd64")) {
		t.Error("other programs gave the same archive")
	}
}

func TestAnImageForOneArchitectureIsNamedByTheLayout(t *testing.T) {
	t.Parallel()
	index := open(t, build(t, "arm64"))
	top := one(t, index)
	if got := top.Annotations["io.containerd.image.name"]; got != "example.org/tool:v1" {
		t.Errorf("the image is named %q", got)
	}
	if top.MediaType != types.OCIManifestSchema1 {
		t.Errorf("the layout names %s", top.MediaType)
	}
	holds(t, index, top, "arm64", "program")
}

func TestEachArchitectureHasItsProgram(t *testing.T) {
	t.Parallel()
	index := open(t, build(t, "amd64", "arm64"))
	top := one(t, index)
	if top.MediaType != types.OCIImageIndex {
		t.Fatalf("the layout names %s", top.MediaType)
	}
	all, err := index.ImageIndex(top.Digest)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := all.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.Manifests) != 2 {
		t.Fatalf("got %d images", len(listed.Manifests))
	}
	for n, want := range []struct{ arch, content string }{{"amd64", "program"}, {"arm64", "program+"}} {
		if p := listed.Manifests[n].Platform; p == nil || p.OS != "linux" || p.Architecture != want.arch {
			t.Errorf("image %d is for %+v", n, p)
		}
		holds(t, all, listed.Manifests[n], want.arch, want.content)
	}
}

func TestTwoProgramsForOneArchitectureAreAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := writeProgram(t, dir, "program")
	i := image{programs: append(programs("amd64", program), programs("amd64", program)...), name: "n", version: "v", out: filepath.Join(dir, "o", "o.tar")}
	if err := i.write(); err == nil || !strings.Contains(err.Error(), "amd64") {
		t.Errorf("got error %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(i.out)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestMissingInputIsAnError(t *testing.T) {
	t.Parallel()
	if err := (image{programs: programs("arm64", "x")}).write(); err == nil || !strings.Contains(err.Error(), "-out") {
		t.Errorf("missing flags: got error %v", err)
	}
	absent := image{programs: programs("amd64", filepath.Join(t.TempDir(), "absent")), name: "n", version: "v", out: filepath.Join(t.TempDir(), "o")}
	if err := absent.write(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing program: got error %v", err)
	}
}

// build packs programs of different content for the architectures.
func build(t *testing.T, arches ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	i := image{name: "example.org/tool", version: "v1", out: filepath.Join(dir, "sub", "tool.tar")}
	for n, arch := range arches {
		i.programs = append(i.programs, programs(arch, writeProgram(t, filepath.Join(dir, arch), "program"+strings.Repeat("+", n)))...)
	}
	if err := i.write(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(i.out)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func programs(arch, file string) []program { return []program{{arch, file}} }

func writeProgram(t *testing.T, dir, content string) string {
	t.Helper()
	path := filepath.Join(dir, "tool")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open unpacks an archive and holds every digest, size and media type in it against
// what is named by it.
func open(t *testing.T, archive []byte) v1.ImageIndex {
	t.Helper()
	dir := t.TempDir()
	for name, content := range unpack(t, bytes.NewReader(archive)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	return index
}

// one is the only thing that an index names.
func one(t *testing.T, index v1.ImageIndex) v1.Descriptor {
	t.Helper()
	listed, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.Manifests) != 1 {
		t.Fatalf("it names %+v", listed.Manifests)
	}
	return listed.Manifests[0]
}

// holds fails unless an image runs a program of that content as its only file.
func holds(t *testing.T, index v1.ImageIndex, d v1.Descriptor, arch, content string) {
	t.Helper()
	img, err := index.Image(d.Digest)
	if err != nil {
		t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.Architecture != arch || c.OS != "linux" || c.Config.User != user || len(c.Config.Entrypoint) != 1 || c.Config.Entrypoint[0] != "/tool" {
		t.Errorf("got configuration %+v", c)
	}
	files := mutate.Extract(img)
	defer func() { _ = files.Close() }()
	if got := unpack(t, files); len(got) != 1 || string(got["tool"]) != content {
		t.Errorf("%s: the image holds %q", arch, got)
	}
}

func unpack(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}
