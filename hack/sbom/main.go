// SPDX-License-Identifier: Apache-2.0

// Command sbom lists the modules that a program was linked from: a CycloneDX
// bill of materials, read from what the Go linker left in the program itself.
// `make release` and `make images` call it. The same program gives the same
// bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gatehouse-sh/gatehouse/hack/sbom/cyclonedx"
)

func main() {
	program := flag.String("program", "", "path of the program, of any operating system and architecture")
	version := flag.String("version", "", "version of the program")
	out := flag.String("out", "", "file to write, conventionally NAME.cdx.json")
	flag.Parse()
	if err := write(*program, *version, *out); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func write(program, version, out string) error {
	if program == "" || version == "" || out == "" {
		return errors.New("every flag is needed: -program -version -out")
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read program: %w", err)
	}
	bill, err := cyclonedx.Of(content, version)
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("create folder of the bill: %w", err)
	}
	if err := os.WriteFile(out, bill, 0o644); err != nil {
		return fmt.Errorf("write bill: %w", err)
	}
	return nil
}
