// SPDX-License-Identifier: Apache-2.0

// Command checkdocs writes docs/checks from the checks and their fixtures: one
// page for each check and an index. `go generate ./...` runs it, and a test
// fails when a page is not what it would write.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/checkdoc"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
)

func main() { os.Exit(run()) }

func run() int {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: checkdocs DOCS FIXTURES...")
		return 2
	}
	if err := write(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "checkdocs:", err)
		return 1
	}
	return 0
}

func write(docs string, fixtures []string) error {
	set, err := catalog.Set()
	if err != nil {
		return err
	}
	var cases []fixture.Case
	for _, dir := range fixtures {
		some, err := fixture.Load(dir)
		if err != nil {
			return err
		}
		cases = append(cases, some...)
	}
	pages := checkdoc.Pages(set, cases)
	old, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if _, kept := pages[filepath.Base(path)]; !kept {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(docs, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
