// SPDX-License-Identifier: Apache-2.0

package tutorial

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	fenced  = regexp.MustCompile("(?s)```.*?```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	named   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	text := named.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "$1")
	return strings.ReplaceAll(dropped.ReplaceAllString(text, ""), " ", "-")
}

// dead are the links of a page that lead nowhere, those to other sites left out.
func dead(t *testing.T, page string) (out []string, links int) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
		if strings.Contains(m[1], ":") {
			continue
		}
		links++
		path, fragment, _ := strings.Cut(m[1], "#")
		target := page
		if path != "" {
			target = filepath.Join(filepath.Dir(page), path)
		}
		if _, err := os.Stat(target); err != nil {
			out = append(out, m[1])
			continue
		}
		if fragment == "" || filepath.Ext(target) != ".md" {
			continue
		}
		other, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, h := range heading.FindAllStringSubmatch(string(other), -1) {
			found = found || anchor(h[1]) == fragment
		}
		if !found {
			out = append(out, m[1])
		}
	}
	return out, links
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, page := range pages {
		gone, links := dead(t, page)
		total += links
		for _, l := range gone {
			t.Errorf("%s: %s leads nowhere", page, l)
		}
	}
	if total < 100 {
		t.Errorf("only %d links were found on %d pages", total, len(pages))
	}
}

func TestDeadLinksAreFound(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	const text = "# What is `this`, then\n[a](page.md) [b](#what-is-this-then) [c](gone.md) [d](page.md#gone) [e](https://example.com/gone)\n```\n[f](gone.md)\n```\n"
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if gone, links := dead(t, page); links != 4 || strings.Join(gone, " ") != "gone.md page.md#gone" {
		t.Errorf("%d links, of which %q lead nowhere", links, gone)
	}
}
