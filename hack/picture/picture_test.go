// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPicturesAreWhatTheirTextsSay(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../../docs/pictures/*.txt")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no texts: %v", err)
	}
	for _, source := range sources {
		want, err := picture(source)
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := os.ReadFile(strings.TrimSuffix(source, ".txt") + ".svg")
		if err != nil || string(got) != want {
			t.Errorf("%s: run `make generate` (%v)", source, err)
		}
	}
}

func TestAPictureShowsEverything(t *testing.T) {
	t.Parallel()
	d, err := parse("= A < B\n[one]\na: First | line\nb*: Second\n[two]\nc!: Third\na -> c: goes & comes\nc -> a\na -x b: not\n")
	if err != nil {
		t.Fatal(err)
	}
	svg := d.svg()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
	}
	for _, want := range []string{"A &lt; B", ">First<", ">line<", ">Second<", ">Third<", "goes &amp; comes", ">not<", "stroke-dasharray"} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is missing in\n%s", want, svg)
		}
	}
	for _, forbidden := range []string{"<script", "href", "http-equiv"} {
		if strings.Contains(svg, forbidden) {
			t.Errorf("a picture holds %q", forbidden)
		}
	}
	if a, c := d.boxes["a"], d.boxes["c"]; a.x+a.w >= c.x || a.y+a.h >= d.boxes["b"].y {
		t.Errorf("boxes overlap: %+v, %+v, %+v", a, d.boxes["b"], c)
	}
}

func TestTextsAtFaultAreRefused(t *testing.T) {
	t.Parallel()
	const good = "= T\n[one]\na: A\n[two]\nb: B\n[three]\nc: C\n"
	for name, tc := range map[string]struct{ text, want string }{
		"nothing":                       {"", "a title and boxes"},
		"a picture without title":       {"[one]\na: A\n", "a title and boxes"},
		"a box outside of columns":      {"= T\na: A\n", "2: a box is in a column"},
		"a box twice":                   {good + "a: A\n", "8: there is a box a already"},
		"an arrow to what is not there": {good + "a -> d\n", "8: there is no box d"},
		"an arrow to itself":            {good + "a -> a\n", "8: an arrow leads"},
		"an arrow past a column":        {good + "a -> c\n", "8: an arrow leads"},
		"what is neither":               {good + "a --> b\n", "8: \"a --> b\" is neither"},
		"an arrow to the next column":   {good + "a -> b\n", ""},
		"an arrow that leads back":      {good + "c -> b: back\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(tc.text)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
