// SPDX-License-Identifier: Apache-2.0

package checkdoc

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
)

// TestPagesAreUpToDate compares docs/checks with what would be written.
func TestPagesAreUpToDate(t *testing.T) {
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := fixture.LoadAll(filepath.Join("..", "..", "checks"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "docs", "checks")
	pages := Pages(set, cases)
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if string(got) != want {
			t.Errorf("docs/checks/%s is out of date: run `make generate`", name)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(pages) {
		t.Errorf("%d files in docs/checks, want %d", len(files), len(pages))
	}
}
