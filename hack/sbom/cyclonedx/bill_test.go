// SPDX-License-Identifier: Apache-2.0

package cyclonedx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"
)

// self is the program that runs this test, which is a Go program like any other.
func self(t *testing.T) []byte {
	t.Helper()
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestBillListsWhatTheLinkerRecorded(t *testing.T) {
	t.Parallel()
	program := self(t)
	first, err := Of(program, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Of(program, "v1.2.3"); err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same program gave two bills: %v", err)
	}
	var got document
	decoder := json.NewDecoder(bytes.NewReader(first))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(program)
	if want := hex.EncodeToString(sum[:]); got.Metadata.Component.Hashes[0].Content != want {
		t.Errorf("the bill is of %s, not of %s", got.Metadata.Component.Hashes[0].Content, want)
	}
	version8 := regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !version8.MatchString(got.SerialNumber) {
		t.Errorf("the serial number is %s", got.SerialNumber)
	}
	if len(got.Components) == 0 || len(got.Components) != len(got.Dependencies[0].DependsOn) {
		t.Errorf("%d components, and the program depends on %d", len(got.Components), len(got.Dependencies[0].DependsOn))
	}
	if !strings.Contains(string(first), `"purl": "pkg:golang/std@1.`) {
		t.Error("the standard library is missing")
	}
}

func TestBillNamesWhatWasLinked(t *testing.T) {
	t.Parallel()
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8", Path: "example.com/gate/cmd/gate",
		Main: debug.Module{Path: "example.com/gate", Version: "(devel)"},
		Deps: []*debug.Module{
			{Path: "example.com/z", Version: "v1.0.0", Sum: "h1:z="},
			{Path: "example.com/old", Version: "v0.1.0", Replace: &debug.Module{Path: "example.com/New", Version: "v2.0.0+incompatible", Sum: "h1:new="}},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}},
	}
	got := bill(info, sha256.Sum256(nil), "v3.0.0")
	for name, tc := range map[string]struct{ got, want string }{
		"the program is its folder":            {got.Metadata.Component.PURL, "pkg:golang/example.com/gate@v3.0.0#cmd/gate"},
		"the version is the one that is given": {got.Metadata.Component.Version, "v3.0.0"},
		"settings are kept":                    {got.Metadata.Component.Properties[0].Name, "golang:build:GOOS"},
		"a replacement counts, not the name":   {got.Components[0].Name, "example.com/New"},
		"its URL is in lower case":             {got.Components[0].PURL, "pkg:golang/example.com/new@v2.0.0%2Bincompatible"},
		"with its own sum":                     {got.Components[0].Properties[0].Value, "h1:new="},
		"components are sorted":                {got.Components[1].Name, "example.com/z"},
		"the toolchain's library is one":       {got.Components[2].PURL, "pkg:golang/std@1.26.8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.got != tc.want {
				t.Errorf("got %s, want %s", tc.got, tc.want)
			}
		})
	}
}

func TestNoBillWithoutFacts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		program []byte
		version string
		want    string
	}{
		"a text is no program":      {[]byte("#!/bin/sh\n"), "v1", "read build information"},
		"an empty file is none":     {nil, "v1", "read build information"},
		"a version has to be given": {self(t), "", "needs the version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := Of(tc.program, tc.version); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %d bytes and %v, want an error with %q", len(out), err, tc.want)
			}
		})
	}
}
