// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestTableTellsWhatAPlanChanged(t *testing.T) {
	t.Parallel()
	before, after := twoMatrices()
	got := Table(before, after)
	want := "| to \\ from | web | a & b |\n|---|---|---|\n| carts:8080 | yes | **yes → –** |\n| web:9090 | · | – |\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if tried, arrived := after.Count(); tried != 3 || arrived != 1 {
		t.Errorf("%d tried and %d arrived, want 3 and 1", tried, arrived)
	}
}

func TestPictureIsWellFormedAndHasACellForEachPair(t *testing.T) {
	t.Parallel()
	before, after := twoMatrices()
	decoder := xml.NewDecoder(strings.NewReader(SVG(before, after)))
	cells := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, is := token.(xml.StartElement); is && e.Name.Local == "rect" {
			cells++
		}
	}
	if cells != 2*4+1 { // and the ground
		t.Errorf("the picture has %d rectangles", cells)
	}
}

func twoMatrices() (before, after *Matrix) {
	sources := []string{"web", "a & b"}
	targets := []Target{{Name: "carts:8080"}, {Name: "web:9090"}}
	before = &Matrix{Sources: sources, Targets: targets, Cells: map[string]map[string]string{
		"web": {"carts:8080": Open}, "a & b": {"carts:8080": Refused, "web:9090": Dropped},
	}}
	after = &Matrix{Sources: sources, Targets: targets, Cells: map[string]map[string]string{
		"web": {"carts:8080": Open}, "a & b": {"carts:8080": Unreachable, "web:9090": Dropped},
	}}
	return before, after
}
