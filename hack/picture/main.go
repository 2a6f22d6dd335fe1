// SPDX-License-Identifier: Apache-2.0

// Command picture draws the pictures of the documentation: NAME.svg from each
// NAME.txt of a folder. `make generate` runs it, and a test compares. A text is
//
//	= Title
//	[a column]
//	id: Words of a box | a second line
//	id*: a box that is ours
//	id!: a box that is a danger
//	id -> other: words of an arrow
//	id -x other: of one that is cut
//
// Columns stand side by side, and their boxes below each other. An arrow leads to
// a box of the same column or of the next, so that it crosses none.
package main

//go:generate go run . ../../docs/pictures

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: picture FOLDER")
		os.Exit(2)
	}
	if err := draw(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func draw(dir string) error {
	sources, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return err
	}
	if len(sources) == 0 {
		return fmt.Errorf("%s: no texts", dir)
	}
	for _, source := range sources {
		svg, err := picture(source)
		if err != nil {
			return err
		}
		if err := os.WriteFile(strings.TrimSuffix(source, ".txt")+".svg", []byte(svg), 0o600); err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
	}
	return nil
}

func picture(source string) (string, error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	p, err := parse(string(text))
	if err != nil {
		return "", fmt.Errorf("%s:%w", source, err)
	}
	return p.svg(), nil
}
