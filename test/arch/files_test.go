// SPDX-License-Identifier: Apache-2.0

package arch

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxLines bounds a file, comments and blank lines not counted; 250 is the aim.
const maxLines = 500

// sources yields every Go file of the repository that a person wrote.
func sources(t *testing.T) map[string][]byte {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "bin" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasPrefix(d.Name(), "zz_generated") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		out[rel] = raw
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 100 {
		t.Fatalf("only %d Go files found: the walk is wrong", len(out))
	}
	return out
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for path, raw := range sources(t) {
		n := 0
		lines := bufio.NewScanner(bytes.NewReader(raw))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "//") {
				n++
			}
		}
		if err := lines.Err(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if n > maxLines && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines of code, more than %d", path, n, maxLines)
		}
	}
}

func TestFilesNameTheirLicence(t *testing.T) {
	t.Parallel()
	const line = "// SPDX-License-Identifier: Apache-2.0\n"
	for path, raw := range sources(t) {
		if !bytes.HasPrefix(raw, []byte(line)) {
			t.Errorf("%s does not begin with %q", path, strings.TrimSpace(line))
		}
	}
}

// TestNothingIsPromised finds words that stand for work not done.
func TestNothingIsPromised(t *testing.T) {
	t.Parallel()
	words := []string{"TO" + "DO", "FIX" + "ME", "not " + "implemented"}
	for path, raw := range sources(t) {
		for _, word := range words {
			if bytes.Contains(raw, []byte(word)) {
				t.Errorf("%s says %q", path, word)
			}
		}
	}
}
