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
	first := build(t)
	if second := build(t); !bytes.Equal(first, second) {
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

func TestMissingInputIsAnError(t *testing.T) {
	t.Parallel()
	if err := (image{program: "x"}).write(); err == nil || !strings.Contains(err.Error(), "-out") {
		t.Errorf("missing flags: got error %v", err)
	}
	absent := image{program: filepath.Join(t.TempDir(), "absent"), name: "n", version: "v", arch: "amd64", out: filepath.Join(t.TempDir(), "o")}
	if err := absent.write(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing program: got error %v", err)
	}
}

func build(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	program, out := filepath.Join(dir, "tool"), filepath.Join(dir, "sub", "tool.tar")
	if err := os.WriteFile(program, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (image{program: program, name: "example.org/tool", version: "v1", arch: "arm64", out: out}).write(); err != nil {
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
