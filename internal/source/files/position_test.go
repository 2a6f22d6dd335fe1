// SPDX-License-Identifier: Apache-2.0

package files

import (
	"strings"
	"testing"
)

// TestValuesOfOneTextAreParsedTogether: each of them alone would be as many times the
// whole text.
func TestValuesOfOneTextAreParsedTogether(t *testing.T) {
	t.Parallel()
	read, err := Load(t.Context(), Options{Stdin: strings.NewReader(strings.Repeat(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{}}`+"\n", 3))}, Stdin)
	if err != nil || len(read.Items) != 3 {
		t.Fatal(read.Items, err)
	}
	together := read.Items[0].Positions.doc.nodes()
	for i, item := range read.Items {
		if item.Positions.doc.node() != together[i] {
			t.Errorf("value %d is parsed by itself", i)
		}
		if _, line := item.Positions.Locate("spec"); line != i+1 {
			t.Errorf("value %d is at line %d", i, line)
		}
	}
}
