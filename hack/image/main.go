// SPDX-License-Identifier: Apache-2.0

// Command image packs one static program, built for one or more architectures, into
// a container image: an OCI image layout in a tar archive, with the program as its
// only file. It needs neither a container runtime nor a base image, and the same
// input gives the same bytes. `make images` calls it; ctr, podman, skopeo and docker
// (from version 25) read the result.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// image is what the flags say.
type image struct {
	programs           []program
	name, version, out string
}

// program is a file, and the architecture that it was built for.
type program struct{ arch, file string }

func main() {
	var i image
	flag.Func("program", "ARCH=FILE, the static program for an architecture (amd64, arm64); once for each", func(text string) error {
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

// write writes the archive, or what was there before stays.
func (i image) write() error {
	if len(i.programs) == 0 || i.name == "" || i.version == "" || i.out == "" {
		return errors.New("every flag is needed: -program -name -version -out")
	}
	folder := filepath.Dir(i.out)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("create folder of the archive: %w", err)
	}
	dir, err := os.MkdirTemp(folder, ".image-")
	if err != nil {
		return fmt.Errorf("create folder of the layout: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	index := filepath.Join(dir, "layout")
	if err := i.layout(index); err != nil {
		return err
	}
	archive := filepath.Join(dir, "archive")
	if err := packFolder(archive, index); err != nil {
		return err
	}
	if err := os.Rename(archive, i.out); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}
