// SPDX-License-Identifier: Apache-2.0

package server

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// TestEverySettingIsOnThePage: docs/gateway.md has each setting in the table of its list,
// once, and none that there is not.
func TestEverySettingIsOnThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gateway.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, all, found := strings.Cut(string(page), "\n## All settings\n")
	all, _, _ = strings.Cut(all, "\n## ")
	if !found {
		t.Fatal("there are no settings on the page")
	}
	written := map[string]int{}
	under := ""
	for line := range strings.Lines(all) {
		switch {
		case strings.HasPrefix(line, "### "):
			under = quoted.FindStringSubmatch(line)[1] + "."
		case strings.HasPrefix(line, "| `"):
			cell, _, _ := strings.Cut(line[1:], "|")
			for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
				written[under+m[1]]++
			}
		}
	}
	paths(reflect.TypeFor[config.Snapshot](), "", "", func(path, _ string) {
		if written[path] != 1 {
			t.Errorf("%s is on the page %d times", path, written[path])
		}
		delete(written, path)
	})
	for path := range written {
		t.Errorf("there is no setting %s", path)
	}
}
