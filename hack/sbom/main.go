// SPDX-License-Identifier: Apache-2.0

// Command sbom writes what a Go program consists of as a CycloneDX 1.6 document: the
// modules that the linker says are in it, and the Go release. It reads the program, so
// it names neither what was only downloaded nor what was left out. The same program
// gives the same bytes: there is no time and no random number in the document.
// `make images` calls it.
package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	program := flag.String("program", "", "Go program to describe")
	version := flag.String("version", "", "version of the program")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	if err := run(*program, *version, *out); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "sbom:", err) // there is nobody else to tell
		os.Exit(1)
	}
}

func run(program, version, out string) error {
	if program == "" || version == "" || out == "" {
		return errors.New("every flag is needed: -program -version -out")
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read what %s consists of: %w", program, err)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read %s: %w", program, err)
	}
	sum := sha256.Sum256(content)
	document, err := describe(info, version, hex.EncodeToString(sum[:]))
	if err != nil {
		return fmt.Errorf("describe %s: %w", program, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return fmt.Errorf("create folder of %s: %w", out, err)
	}
	if err := os.WriteFile(out, document, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	return nil
}

// describe returns the document. sum is the program's SHA-256 in hexadecimal.
func describe(info *debug.BuildInfo, version, sum string) ([]byte, error) {
	if len(info.Deps) == 0 {
		return nil, errors.New("the program names no module that it depends on")
	}
	subject := cdx.Component{
		BOMRef: info.Main.Path, Type: cdx.ComponentTypeApplication, Name: path.Base(info.Path), Version: version,
		PackageURL: packageURL(info.Main.Path, version), Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}},
	}
	properties := []cdx.Property{}
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "GOAMD64", "GOARM64", "CGO_ENABLED", "-tags":
			properties = append(properties, cdx.Property{Name: "go:" + s.Key, Value: s.Value})
		}
	}
	subject.Properties = &properties
	release := strings.TrimPrefix(info.GoVersion, "go")
	components := []cdx.Component{{
		BOMRef: packageURL("std", release), Type: cdx.ComponentTypeLibrary, Name: "std", Version: release, PackageURL: packageURL("std", release),
	}}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		c := cdx.Component{
			BOMRef: packageURL(module.Path, module.Version), Type: cdx.ComponentTypeLibrary,
			Name: module.Path, Version: module.Version, PackageURL: packageURL(module.Path, module.Version),
		}
		if module.Sum != "" {
			h, err := moduleHash(module.Sum)
			if err != nil {
				return nil, fmt.Errorf("module %s: %w", module.Path, err)
			}
			c.Hashes = &[]cdx.Hash{h}
		}
		components = append(components, c)
	}
	needs := make([]string, 0, len(components))
	for i := range components {
		needs = append(needs, components[i].BOMRef)
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &subject}
	bom.Components = &components
	bom.Dependencies = &[]cdx.Dependency{{Ref: subject.BOMRef, Dependencies: &needs}}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return out.Bytes(), nil
}

// packageURL names a module as
// https://github.com/package-url/purl-spec/blob/main/types/golang-definition.json does.
func packageURL(module, version string) string {
	url := "pkg:golang/" + module
	if version != "" {
		url += "@" + strings.ReplaceAll(version, "+", "%2B")
	}
	return url
}

// moduleHash is the sum that go.sum has, in hexadecimal: SHA-256 of the list of a
// module's files and their sums (https://go.dev/ref/mod#go-sum-files).
func moduleHash(sum string) (cdx.Hash, error) {
	encoded, known := strings.CutPrefix(sum, "h1:")
	if !known {
		return cdx.Hash{}, fmt.Errorf("sum %q is of a kind that is not known", sum)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return cdx.Hash{}, fmt.Errorf("sum %q: %w", sum, err)
	}
	return cdx.Hash{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}, nil
}
