// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

const root = "../.."

// built is a folder of programs: this test under other names, and a bill of each.
func built(t *testing.T, paths ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, path := range paths {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o755), os.WriteFile(path+billEnding, []byte("{}"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func untar(t *testing.T, archive []byte) map[string]*tar.Header {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*tar.Header{}
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = h
	}
}

func TestReleaseIsTheSameTwice(t *testing.T) {
	t.Parallel()
	build := built(t, "linux-amd64/gatehouse", "linux-amd64/gatehouse-webhook", "windows-arm64/gatehouse.exe")
	var sums [2][]byte
	out := ""
	for i := range sums {
		out = t.TempDir()
		r := release{version: "v1.2.3", build: build, root: root, out: out, when: time.Unix(1_700_000_000, 0).UTC()}
		if err := r.write(); err != nil {
			t.Fatal(err)
		}
		sums[i] = read(t, out, "checksums.txt")
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Errorf("two runs differ:\n%s\n%s", sums[0], sums[1])
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(sums[0])) {
		hash, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		listed[name] = hash
		if got := sum(read(t, out, name)); got != hash {
			t.Errorf("%s has the sum %s, and is listed with %s", name, got, hash)
		}
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != len(listed)+1 || len(listed) != 9 {
		t.Errorf("%d files, %d of them with a sum: %v", len(entries), len(listed), err)
	}

	program := untar(t, read(t, out, "gatehouse_v1.2.3_linux_amd64.tar.gz"))
	if h := program["gatehouse"]; h == nil || h.Mode != 0o755 || h.ModTime.Unix() != 1_700_000_000 || program["LICENSE"] == nil {
		t.Errorf("the archive holds %v", program)
	}
	raw := read(t, out, "gatehouse_v1.2.3_windows_arm64.zip")
	if archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw))); err != nil || archive.File[0].Name != "gatehouse.exe" {
		t.Errorf("the archive for Windows holds something else: %v", err)
	}
	if chart := untar(t, read(t, out, "gatehouse-1.2.3.tgz")); chart["gatehouse/Chart.yaml"] == nil || chart["gatehouse/templates/webhook.yaml"] == nil {
		t.Errorf("the chart holds %v", chart)
	}
	if install := string(read(t, out, "install.yaml")); strings.Count(install, images+"webhook:v1.2.3\n") != 1 || strings.Contains(install, ":v0.1.0") {
		t.Error("the manifests name images of another version")
	}
	krewNames(t, read(t, out, "krew-gatehouse.yaml"), listed)
}

// krewNames holds the manifest of krew to the archives that were made.
func krewNames(t *testing.T, manifest []byte, listed map[string]string) {
	t.Helper()
	var got struct {
		Spec struct {
			Version   string
			Platforms []struct {
				Selector    struct{ MatchLabels map[string]string }
				URI, SHA256 string
				Bin         string
			}
		}
	}
	if err := yaml.Unmarshal(manifest, &got); err != nil {
		t.Fatalf("%v in\n%s", err, manifest)
	}
	if got.Spec.Version != "v1.2.3" || len(got.Spec.Platforms) != 2 {
		t.Fatalf("the manifest of krew has version %s and %d platforms", got.Spec.Version, len(got.Spec.Platforms))
	}
	for _, p := range got.Spec.Platforms {
		want := listed[filepath.Base(p.URI)]
		if want == "" || p.SHA256 != want {
			t.Errorf("%s has the sum %q in the manifest of krew, want %q", p.URI, p.SHA256, want)
		}
		if windows := p.Selector.MatchLabels["os"] == "windows"; windows != (p.Bin == "gatehouse.exe") {
			t.Errorf("%v runs %s", p.Selector, p.Bin)
		}
	}
}

func TestNoReleaseOfAHalf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version string
		paths   []string
		want    string
	}{
		"a version without v":        {"1.2.3", []string{"linux-amd64/gatehouse"}, "is not one like"},
		"a version that is a path":   {"v1/../2", []string{"linux-amd64/gatehouse"}, "is not one like"},
		"nothing that was built":     {"v1.2.3", nil, "no programs"},
		"not the command line":       {"v1.2.3", []string{"linux-amd64/gatehouse-webhook"}, "the command line"},
		"the command line by itself": {"v1.2.3", []string{"linux-amd64/gatehouse"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := release{version: tc.version, build: built(t, tc.paths...), root: root, out: t.TempDir()}
			err := r.write()
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestImagesOfAnotherVersionAreNotReleased(t *testing.T) {
	t.Parallel()
	r := release{version: "v2.0.0"}
	for name, tc := range map[string]struct{ manifest, want string }{
		"the version of the chart": {"  image: " + images + "webhook:v1.0.0\n", "  image: " + images + "webhook:v2.0.0\n"},
		"an older one":             {"  image: " + images + "webhook:v0.9.0\n", ""},
		"no image at all":          {"kind: Namespace\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := r.tagged([]byte(tc.manifest), "v1.0.0")
			if string(got) != tc.want || (err == nil) != (tc.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
