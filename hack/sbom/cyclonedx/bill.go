// SPDX-License-Identifier: Apache-2.0

// Package cyclonedx writes the bill of materials of a Go program from the
// program itself: the linker records every module that went in
// (debug/buildinfo). It knows neither licences nor which module needs which;
// the program stands as depending on each. hack/sbom and hack/release call it.
package cyclonedx

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
)

// Of returns the bill of a program as JSON, ending in a line break. Nothing in
// it depends on when or where it is made.
func Of(program []byte, version string) ([]byte, error) {
	if version == "" {
		return nil, errors.New("a bill needs the version of the program")
	}
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("read build information: %w", err)
	}
	if info.Path == "" || info.Main.Path == "" {
		return nil, errors.New("the build information names no main package: not built in module mode")
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(bill(info, sha256.Sum256(program), version)); err != nil {
		return nil, fmt.Errorf("encode bill: %w", err)
	}
	return out.Bytes(), nil
}

func bill(info *debug.BuildInfo, sum [sha256.Size]byte, version string) document {
	main := component{
		Type: "application", Name: path.Base(info.Path), Version: version,
		PURL:   packageURL(info.Main.Path, version, strings.TrimPrefix(info.Path, info.Main.Path)),
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
	}
	main.Ref = main.PURL
	for _, s := range info.Settings {
		main.Properties = append(main.Properties, property{"golang:build:" + s.Key, s.Value})
	}
	d := document{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		SerialNumber: "urn:uuid:" + identifier(sum),
		Metadata:     metadata{Component: main},
		Components:   []component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "")},
		// The linker's list of modules is whole; their graph is not in it.
		Compositions: []composed{{Aggregate: "complete", Dependencies: []string{main.Ref}}},
	}
	for _, m := range info.Deps {
		for m.Replace != nil {
			m = m.Replace
		}
		d.Components = append(d.Components, library(m.Path, m.Version, m.Sum))
	}
	slices.SortFunc(d.Components, func(a, b component) int { return cmp.Compare(a.PURL, b.PURL) })
	needs := dependency{Ref: main.Ref}
	for _, c := range d.Components {
		needs.DependsOn = append(needs.DependsOn, c.Ref)
	}
	d.Dependencies = []dependency{needs}
	return d
}

// library is a module that was linked in. Its sum is that of go.sum, which is
// a hash over a list of hashes and so not one of CycloneDX's "hashes":
// https://go.dev/ref/mod#go-sum-files
func library(module, version, sum string) component {
	c := component{Type: "library", Name: module, Version: version, PURL: packageURL(module, version, "")}
	c.Ref = c.PURL
	if sum != "" {
		c.Properties = []property{{"golang:h1", sum}}
	}
	return c
}

// packageURL follows the type "golang" of the package URL specification:
// https://github.com/package-url/purl-spec/blob/main/types-doc/golang-definition.md
// It wants lower case, and no two modules of one program differ by case alone: the go
// command refuses that ("case-insensitive import collision").
func packageURL(module, version, subpath string) string {
	elements := strings.Split(strings.ToLower(module), "/")
	for i, e := range elements {
		elements[i] = url.PathEscape(e)
	}
	out := "pkg:golang/" + strings.Join(elements, "/") + "@" + url.QueryEscape(version)
	if subpath = strings.Trim(subpath, "/"); subpath != "" {
		out += "#" + subpath
	}
	return out
}

// identifier makes a UUID of a hash (RFC 9562 §5.8, version 8): the bill of the
// same program has the same serial number.
func identifier(sum [sha256.Size]byte) string {
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
