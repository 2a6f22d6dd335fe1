// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// images is how the manifests name images, up to the program.
const images = "ghcr.io/gatehouse-sh/gatehouse-"

// manifests writes install.yaml and the chart, which name the images of this
// version.
func (r *release) manifests() error {
	chart := filepath.Join(r.root, "manifests", "chart")
	raw, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		return fmt.Errorf("read chart: %w", err)
	}
	var about struct {
		Version    string `json:"version"`
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(raw, &about); err != nil {
		return fmt.Errorf("parse Chart.yaml: %w", err)
	}
	if about.Version == "" || about.AppVersion == "" {
		return errors.New("the file Chart.yaml lacks version or appVersion")
	}
	install, err := os.ReadFile(filepath.Join(r.root, "manifests", "install.yaml"))
	if err != nil {
		return fmt.Errorf("read manifests: %w", err)
	}
	if install, err = r.tagged(install, about.AppVersion); err != nil {
		return fmt.Errorf("install.yaml: %w", err)
	}
	if err := r.put("install.yaml", install); err != nil {
		return err
	}
	number := strings.TrimPrefix(r.version, "v")
	raw = bytes.Replace(raw, []byte("\nversion: "+about.Version+"\n"), []byte("\nversion: "+number+"\n"), 1)
	raw = bytes.Replace(raw, []byte("\nappVersion: "+about.AppVersion+"\n"), []byte("\nappVersion: "+r.version+"\n"), 1)
	files := []file{{"gatehouse/Chart.yaml", 0o644, raw}}
	folder := os.DirFS(chart)
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "Chart.yaml" {
			return err
		}
		content, err := fs.ReadFile(folder, name)
		files = append(files, file{"gatehouse/" + name, 0o644, content})
		return err
	})
	if err != nil {
		return fmt.Errorf("read chart: %w", err)
	}
	archive, err := tarball(files, r.when)
	if err != nil {
		return err
	}
	return r.put("gatehouse-"+number+".tgz", archive)
}

// tagged gives images the version of the release in place of another. Every
// image has to have the other one.
func (r *release) tagged(manifest []byte, other string) ([]byte, error) {
	var out bytes.Buffer
	found := 0
	for line := range strings.Lines(string(manifest)) {
		if before, rest, is := strings.Cut(line, images); is && strings.HasSuffix(before, "image: ") {
			program, tag, _ := strings.Cut(strings.TrimSpace(rest), ":")
			if tag != other {
				return nil, fmt.Errorf("image %s%s is not of version %s", images, rest, other)
			}
			line = before + images + program + ":" + r.version + "\n"
			found++
		}
		out.WriteString(line)
	}
	if found == 0 {
		return nil, errors.New("no image is named")
	}
	return out.Bytes(), nil
}
