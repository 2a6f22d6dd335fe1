// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// FuzzLoad looks for panics, for faults without place, for objects without
// identity, and for single documents that kubectl would read differently.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		service, "---\n" + service + "---\n" + service, "apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(service, "\n", "\n  "),
		`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"ports":[{"port":80}]}}`,
		"a: &a [*a]\n", "a: &a {<<: *a}\n", "null\n", "? [a]\n: b\n", "%YAML 1.1\n---\n" + service, service + "...\n", "\ufeff" + service,
		"apiVersion: v1\nkind: Pod\nmetadata: {name: yes, labels: {1: on, 0x1: 1e3}}\n", "{{ .Values.x }}", "a:\n\tb", "- - - -\n", "&a a: *a\n",
		"apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}, null, []]\n", "x: !!binary aGk=\n", "x: !!int y\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Load(t.Context(), Options{Stdin: bytes.NewReader(data), MaxBytes: 1 << 20}, Stdin)
		if err != nil && len(Faults(err)) == 0 {
			t.Fatalf("error without fault: %v", err)
		}
		if err == nil && len(r.Items) == 0 && !bytes.Contains(data, []byte("List")) {
			t.Fatal("nothing was read, and no fault reported")
		}
		total := bytes.Count(data, []byte("\n")) + 1
		for i := range r.Items {
			it := &r.Items[i]
			if it.Object.GetName() == "" && it.Object.GetGenerateName() == "" || it.GVK.Kind == "" {
				t.Fatalf("object without identity: %#v", it.Object)
			}
			for _, field := range []string{"", "spec.ports[0].nodePort", "metadata.annotations[a.b/c]", "a"} {
				if _, line := it.Positions.Locate(field); line < 1 || line > total {
					t.Fatalf("%q is at line %d of %d", field, line, total)
				}
			}
		}
		if len(r.Items) == 1 && err == nil && r.Items[0].Element < 0 {
			sameAsKubectl(t, data)
		}
	})
}

// sameAsKubectl compares a text of one document with what kubectl reads, where
// kubectl reads it. A lone "!" is left out: our parser does not report that tag.
func sameAsKubectl(t *testing.T, data []byte) {
	t.Helper()
	chunks := split(data)
	if len(chunks) != 1 || bytes.ContainsAny(data, "!") || bytes.ContainsAny(data, "\r\u0085\u2028\u2029") {
		return
	}
	want, err := yaml.YAMLToJSONStrict(chunks[0].text)
	if err != nil {
		return
	}
	nodes, err := parse(chunks[0].text)
	if err != nil || len(nodes) != 1 {
		return
	}
	budget := maxExpanded
	got, err := emit(nodes[0], &budget)
	if err != nil {
		return
	}
	if normal(t, got) != normal(t, want) {
		t.Fatalf("%q: got %s, kubectl reads %s", data, got, want)
	}
}

func manifests(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-%d
  namespace: team-%d
  labels: {app: app-%d, team: a}
spec:
  replicas: 3
  selector: {matchLabels: {app: app-%d}}
  template:
    metadata:
      labels: {app: app-%d}
    spec:
      serviceAccountName: app
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true}
      containers:
      - name: app
        image: registry.example.com/app:1.2.3
        ports:
        - name: http
          containerPort: 8080
        env:
        - name: MODE
          value: production
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 128Mi}
        readinessProbe:
          httpGet: {path: /ready, port: http}
`, i, i%50, i, i, i)
	}
	return b.Bytes()
}

func BenchmarkLoad10000Documents(b *testing.B) {
	data := manifests(10_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := Load(b.Context(), Options{Stdin: bytes.NewReader(data)}, Stdin)
		if err != nil || len(r.Items) != 10_000 {
			b.Fatal(len(r.Items), err)
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	r, err := Load(b.Context(), Options{Stdin: bytes.NewReader(manifests(1))}, Stdin)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, line := r.Items[0].Positions.Locate("spec.template.spec.containers[0].ports[0].containerPort"); line == 0 {
			b.Fatal("not found")
		}
	}
}
