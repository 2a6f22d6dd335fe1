// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is nobody in particular, and not root.
const user = "65532:65532"

// source is where the image comes from.
const source = "https://github.com/gatehouse-sh/gatehouse"

// layout writes the image layout (OCI image specification 1.1, image-layout.md) into
// a new folder. For several architectures its index names one image, which is an
// index itself: readers take what is theirs.
func (i image) layout(dir string) error {
	known := map[string]bool{}
	var images []mutate.IndexAddendum
	for _, p := range i.programs {
		if known[p.arch] {
			return fmt.Errorf("two programs for %s", p.arch)
		}
		known[p.arch] = true
		one, err := i.pack(p)
		if err != nil {
			return err
		}
		images = append(images, mutate.IndexAddendum{Add: one, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: p.arch}}})
	}
	top := images[0]
	if len(images) > 1 {
		top = mutate.IndexAddendum{Add: mutate.AppendManifests(empty.Index, images...)}
	}
	// The tag alone is what the specification names, the whole reference what containerd goes by.
	top.Annotations = map[string]string{"org.opencontainers.image.ref.name": i.version, "io.containerd.image.name": i.name + ":" + i.version}
	if _, err := layout.Write(dir, mutate.AppendManifests(empty.Index, top)); err != nil {
		return fmt.Errorf("write image layout: %w", err)
	}
	return nil
}

// pack returns the image for one architecture.
func (i image) pack(p program) (v1.Image, error) {
	content, err := os.ReadFile(p.file)
	if err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	base := filepath.Base(p.file)
	var plain bytes.Buffer
	if err := pack(&plain, []file{{base, 0o555, content}}); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(plain.Bytes())), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("make layer of %s: %w", p.file, err)
	}
	one, err := mutate.ConfigFile(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), &v1.ConfigFile{
		Architecture: p.arch, OS: "linux", Created: v1.Time{Time: noAge},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: user, Entrypoint: []string{"/" + base}, WorkingDir: "/",
			Labels: map[string]string{"org.opencontainers.image.source": source, "org.opencontainers.image.version": i.version},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("configure image of %s: %w", p.file, err)
	}
	one, err = mutate.Append(one, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: noAge}, CreatedBy: "hack/image"}})
	if err != nil {
		return nil, fmt.Errorf("make image of %s: %w", p.file, err)
	}
	return one, nil
}

// noAge is when everything was made: the same input gives the same bytes.
var noAge = time.Unix(0, 0).UTC()
