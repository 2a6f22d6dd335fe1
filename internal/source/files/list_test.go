// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// largeList is a List of ConfigMaps, larger than one document may be.
func largeList(t *testing.T, head, item, between, tail string) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(head)
	value := strings.Repeat("x", 1<<20)
	for i := range 7 {
		if i > 0 {
			b.WriteString(between)
		}
		fmt.Fprintf(&b, item, i, value)
	}
	b.WriteString(tail)
	if b.Len() <= MaxDocument {
		t.Fatalf("has %d bytes", b.Len())
	}
	return b.Bytes()
}

func TestAListMayBeLargerThanAnObject(t *testing.T) {
	t.Parallel()
	const item = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c-%d"},"data":{"a":"%s"}}`
	for name, text := range map[string][]byte{
		"in YAML":                largeList(t, "apiVersion: v1\nkind: List\nitems:\n", "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c-%d}\n  data: {a: %s}\n", "", ""),
		"in JSON":                largeList(t, `{"apiVersion":"v1","items":[`, item, ",", `],"kind":"List"}`),
		"with a kind of its own": largeList(t, `{"kind": "ConfigMapList", "apiVersion": "v1", "items": [`, item, ",\n", "]}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := load(t, string(text))
			if err != nil || len(r.Items) != 7 {
				t.Fatalf("%d objects, %v", len(r.Items), err)
			}
			if got := r.Items[6].Object.GetName(); got != "c-6" {
				t.Errorf("the last is %s", got)
			}
		})
	}
}

func TestWhatIsTooLargeIsRefusedWithItsBound(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat("x", MaxDocument)
	for name, tc := range map[string]struct{ text, want string }{
		"an object":                           {service + "# " + pad, "a document may have 6291456, and a List 33554432"},
		"an object that speaks of a List":     {service + "# kind: List " + pad, "a document may have 6291456, and a List 33554432"},
		"a List beyond its own":               {"apiVersion: v1\nkind: List\nitems: []\n# " + strings.Repeat("x", MaxList), "a List may have 33554432, and any other document 6291456"},
		"an element that its aliases blow up": {"apiVersion: v1\nkind: List\nx: &a " + pad + "\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n  data: {a: *a, b: *a, c: *a}\n", "expands to more than 12582912 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := load(t, tc.text)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%d objects, %v; want %q", len(r.Items), err, tc.want)
			}
		})
	}
}
