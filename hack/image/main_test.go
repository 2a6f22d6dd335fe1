// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestArchiveHoldsTheProgramBehindADigestChain(t *testing.T) {
	t.Parallel()
	first := build(t, "arm64")
	if second := build(t, "arm64"); !bytes.Equal(first, second) {
		t.Error("the same input gave different archives")
	}
	files := unpack(t, bytes.NewReader(first))
	var list index
	decode(t, files["index.json"], &list)
	if got := list.Manifests[0].Annotations["io.containerd.image.name"]; got != "example.org/tool:v1" {
		t.Errorf("the image is named %q", got)
	}
	var m manifest
	decode(t, follow(t, files, list.Manifests[0]), &m)
	var c config
	decode(t, follow(t, files, m.Config), &c)
	if c.Architecture != "arm64" || c.OS != "linux" || c.Config.User != user || c.Config.Entrypoint[0] != "/tool" {
		t.Errorf("got configuration %+v", c)
	}
	reader, err := gzip.NewReader(bytes.NewReader(follow(t, files, m.Layers[0])))
	if err != nil {
		t.Fatal(err)
	}
	layer, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if want := "sha256:" + digest(layer); c.RootFS.DiffIDs[0] != want {
		t.Errorf("diff id is %s, want %s", c.RootFS.DiffIDs[0], want)
	}
	if got := unpack(t, bytes.NewReader(layer)); len(got) != 1 || string(got["tool"]) != "program" {
		t.Errorf("the layer holds %q", got)
	}
	var old []legacy
	decode(t, files["manifest.json"], &old)
	if files[old[0].Config] == nil || files[old[0].Layers[0]] == nil {
		t.Errorf("manifest.json names blobs that are not there: %+v", old)
	}
}

func TestEachArchitectureHasItsProgram(t *testing.T) {
	t.Parallel()
	files := unpack(t, bytes.NewReader(build(t, "amd64", "arm64")))
	var list, all index
	decode(t, files["index.json"], &list)
	if len(list.Manifests) != 1 || list.Manifests[0].MediaType != indexType {
		t.Fatalf("the layout does not name one index, but %+v", list.Manifests)
	}
	decode(t, follow(t, files, list.Manifests[0]), &all)
	for n, want := range []struct{ arch, content string }{{"amd64", "program"}, {"arm64", "program+"}} {
		if got := *all.Manifests[n].Platform; got != (platform{Architecture: want.arch, OS: "linux"}) {
			t.Errorf("image %d is for %+v", n, got)
		}
		var m manifest
		decode(t, follow(t, files, all.Manifests[n]), &m)
		var c config
		decode(t, follow(t, files, m.Config), &c)
		reader, err := gzip.NewReader(bytes.NewReader(follow(t, files, m.Layers[0])))
		if err != nil {
			t.Fatal(err)
		}
		if got := unpack(t, reader)["tool"]; c.Architecture != want.arch || string(got) != want.content {
			t.Errorf("%s: the image for %s holds %q", want.arch, c.Architecture, got)
		}
	}
}

func TestTwoProgramsForOneArchitectureAreAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(file, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := image{programs: []program{{"amd64", file}, {"amd64", file}}, name: "n", version: "v", out: filepath.Join(t.TempDir(), "o")}
	if err := i.write(); err == nil || !strings.Contains(err.Error(), "amd64") {
		t.Errorf("got error %v", err)
	}
}

func TestMissingInputIsAnError(t *testing.T) {
	t.Parallel()
	if err := (image{programs: []program{{"arm64", "x"}}}).write(); err == nil || !strings.Contains(err.Error(), "-out") {
		t.Errorf("missing flags: got error %v", err)
	}
	absent := image{programs: []program{{"amd64", filepath.Join(t.TempDir(), "absent")}}, name: "n", version: "v", out: filepath.Join(t.TempDir(), "o")}
	if err := absent.write(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing program: got error %v", err)
	}
}

// build packs programs of different content for the architectures.
func build(t *testing.T, arches ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "sub", "tool.tar")
	i := image{name: "example.org/tool", version: "v1", out: out}
	for n, arch := range arches {
		folder := filepath.Join(dir, arch)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		p := program{arch, filepath.Join(folder, "tool")}
		if err := os.WriteFile(p.file, []byte("program"+strings.Repeat("+", n)), 0o600); err != nil {
			t.Fatal(err)
		}
		i.programs = append(i.programs, p)
	}
	if err := i.write(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// follow returns the blob that a descriptor names and checks what it promises.
func follow(t *testing.T, files map[string][]byte, d descriptor) []byte {
	t.Helper()
	content := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
	if len(content) != d.Size || "sha256:"+digest(content) != d.Digest {
		t.Fatalf("blob %s has %d bytes, want %d", d.Digest, len(content), d.Size)
	}
	return content
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

func decode(t *testing.T, content []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}
