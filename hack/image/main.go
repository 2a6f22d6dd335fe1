// SPDX-License-Identifier: Apache-2.0

// Command image packs one static program, built for one or more architectures, into
// a container image: an OCI image layout in a tar archive, with the program as its
// only file. It needs neither a container runtime nor a base image, and the same
// input gives the same bytes. `make images` calls it; docker, podman, ctr and skopeo
// read the result.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Media types and file names are those of the OCI image specification 1.1:
// https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// user is nobody in particular, and not root.
const user = "65532:65532"

// source is where the image comes from.
const source = "https://github.com/gatehouse-sh/gatehouse"

// image is what the flags say.
type image struct {
	programs           []program
	name, version, out string
}

// program is a file, and the architecture that it was built for.
type program struct{ arch, file string }

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platform         `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type config struct {
	platform
	Created time.Time     `json:"created"`
	Config  runtimeConfig `json:"config"`
	RootFS  rootFS        `json:"rootfs"`
}

type runtimeConfig struct {
	User       string            `json:"User"`
	Entrypoint []string          `json:"Entrypoint"`
	WorkingDir string            `json:"WorkingDir"`
	Labels     map[string]string `json:"Labels"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// legacy is manifest.json, which `docker load` before version 25 reads.
type legacy struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// file is one entry of an archive.
type file struct {
	name    string
	mode    int64
	content []byte
}

func main() {
	var i image
	flag.Func("program", "ARCH=FILE, the static program for an architecture (amd64, arm64); once for each, the first one being what old versions of docker load", func(text string) error {
		arch, file, ok := strings.Cut(text, "=")
		if !ok || arch == "" || file == "" {
			return errors.New("is not ARCH=FILE")
		}
		i.programs = append(i.programs, program{arch, file})
		return nil
	})
	flag.StringVar(&i.name, "name", "", "name of the image, without tag")
	flag.StringVar(&i.version, "version", "", "tag of the image")
	flag.StringVar(&i.out, "out", "", "archive to write")
	flag.Parse()
	if err := i.write(); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func (i image) write() error {
	if len(i.programs) == 0 || i.name == "" || i.version == "" || i.out == "" {
		return errors.New("every flag is needed: -program -name -version -out")
	}
	files, err := i.layout()
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := pack(&archive, files); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(i.out), 0o750); err != nil {
		return fmt.Errorf("create folder of the archive: %w", err)
	}
	if err := os.WriteFile(i.out, archive.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

// layout returns the files of the image layout. For several architectures its index
// names one image, which is an index itself: readers take what is theirs.
func (i image) layout() ([]file, error) {
	reference := i.name + ":" + i.version
	var blobs []blob
	var entries []descriptor
	var old []legacy
	known := map[string]bool{}
	for _, p := range i.programs {
		if known[p.arch] {
			return nil, fmt.Errorf("two programs for %s", p.arch)
		}
		known[p.arch] = true
		settings, layer, description, err := i.pack(p)
		if err != nil {
			return nil, err
		}
		if old == nil {
			old = []legacy{{Config: settings.path(), RepoTags: []string{reference}, Layers: []string{layer.path()}}}
		}
		blobs = append(blobs, settings, description, layer)
		entry := description.descriptor()
		entry.Platform = &platform{Architecture: p.arch, OS: "linux"}
		entries = append(entries, entry)
	}
	top := entries[0]
	if len(entries) > 1 {
		all, err := encode(indexType, index{SchemaVersion: 2, MediaType: indexType, Manifests: entries})
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, all)
		top = all.descriptor()
	}
	top.Annotations = map[string]string{"org.opencontainers.image.ref.name": i.version, "io.containerd.image.name": reference}
	list, err := encode(indexType, index{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{top}})
	if err != nil {
		return nil, err
	}
	first, err := encode("", old)
	if err != nil {
		return nil, err
	}
	files := []file{
		{"oci-layout", 0o444, []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{"index.json", 0o444, list.content},
		{"manifest.json", 0o444, first.content},
	}
	for _, b := range blobs {
		if f := (file{b.path(), 0o444, b.content}); !slices.ContainsFunc(files, func(other file) bool { return other.name == f.name }) {
			files = append(files, f)
		}
	}
	return files, nil
}

// pack returns the configuration, the layer and the manifest for one architecture.
func (i image) pack(p program) (settings, layer, description blob, err error) {
	content, err := os.ReadFile(p.file)
	if err != nil {
		return blob{}, blob{}, blob{}, fmt.Errorf("read program: %w", err)
	}
	base := "/" + filepath.Base(p.file)
	var plain, compressed bytes.Buffer
	if err := pack(&plain, []file{{base[1:], 0o555, content}}); err != nil {
		return blob{}, blob{}, blob{}, err
	}
	writer := gzip.NewWriter(&compressed)
	if _, err := writer.Write(plain.Bytes()); err != nil {
		return blob{}, blob{}, blob{}, fmt.Errorf("compress layer: %w", err)
	}
	if err := writer.Close(); err != nil {
		return blob{}, blob{}, blob{}, fmt.Errorf("compress layer: %w", err)
	}
	layer = blob{layerType, compressed.Bytes()}
	settings, err = encode(configType, config{
		platform: platform{Architecture: p.arch, OS: "linux"}, Created: time.Unix(0, 0).UTC(),
		Config: runtimeConfig{
			User: user, Entrypoint: []string{base}, WorkingDir: "/",
			Labels: map[string]string{"org.opencontainers.image.source": source, "org.opencontainers.image.version": i.version},
		},
		RootFS: rootFS{Type: "layers", DiffIDs: []string{"sha256:" + digest(plain.Bytes())}},
	})
	if err != nil {
		return blob{}, blob{}, blob{}, err
	}
	description, err = encode(manifestType, manifest{
		SchemaVersion: 2, MediaType: manifestType,
		Config: settings.descriptor(), Layers: []descriptor{layer.descriptor()},
	})
	return settings, layer, description, err
}

// blob is content that is named by its digest.
type blob struct {
	mediaType string
	content   []byte
}

func encode(mediaType string, value any) (blob, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return blob{}, fmt.Errorf("encode image: %w", err)
	}
	return blob{mediaType, content}, nil
}

func (b blob) path() string { return "blobs/sha256/" + digest(b.content) }

func (b blob) descriptor() descriptor {
	return descriptor{MediaType: b.mediaType, Digest: "sha256:" + digest(b.content), Size: len(b.content)}
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// pack writes a tar archive whose entries belong to root and have no age.
func pack(w io.Writer, files []file) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.content)),
			ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := archive.Write(f.content); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	return archive.Close()
}
