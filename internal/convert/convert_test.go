// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite what the cases want")

// TestCases converts what testdata has. A case is a txtar file: options on the first line
// of its comment behind "options:", the input, what is written, and the report.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, file := range cases(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, objects, options := open(t, file)
			r := Convert(objects, options)
			got := []txtar.File{archive.Files[0], {Name: "output.yaml", Data: written(t, r)}, {Name: "report", Data: told(r)}}
			for range 3 {
				shuffle(objects)
				if again := Convert(objects, options); !bytes.Equal(written(t, again), got[1].Data) || !bytes.Equal(told(again), got[2].Data) {
					t.Fatal("in another order it is something else")
				}
			}
			if *update {
				archive.Files = got
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(archive.Files) != len(got) {
				t.Fatal("it does not say what is wanted: run with -update, and read what it wrote")
			}
			for i, want := range archive.Files {
				if !bytes.Equal(got[i].Data, want.Data) {
					t.Errorf("%s:\n%s\nwant\n%s", want.Name, got[i].Data, want.Data)
				}
			}
		})
	}
}

func cases(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no case", err)
	}
	return files
}

// open reads a case.
func open(t *testing.T, file string) (*txtar.Archive, *Objects, Options) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil || len(archive.Files) == 0 || archive.Files[0].Name != "input.yaml" {
		t.Fatal("it has no input.yaml", err)
	}
	var options Options
	for line := range strings.Lines(string(archive.Comment)) {
		if text, is := strings.CutPrefix(line, "options: "); is {
			if err := yaml.UnmarshalStrict([]byte(text), &options); err != nil {
				t.Fatal(err)
			}
		}
	}
	return archive, decode(t, archive.Files[0].Data), options
}

// decode reads objects strictly.
func decode(t *testing.T, data []byte) *Objects {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, networkingv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	out := &Objects{}
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := decoder.Decode(text, nil, nil)
		if runtime.IsNotRegisteredError(err) {
			u := &unstructured.Unstructured{}
			if err := yaml.Unmarshal(text, &u.Object); err != nil {
				t.Fatal(err)
			}
			out.Others = append(out.Others, u)
			continue
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		switch o := o.(type) {
		case *networkingv1.Ingress:
			out.Ingresses = append(out.Ingresses, o)
		case *networkingv1.IngressClass:
			out.Classes = append(out.Classes, o)
		case *corev1.Service:
			out.Services = append(out.Services, o)
		case *corev1.ConfigMap:
			out.ConfigMaps = append(out.ConfigMaps, o)
		default:
			t.Fatalf("nobody reads a %T", o)
		}
	}
}

func shuffle(o *Objects) {
	mix(o.Ingresses)
	mix(o.Classes)
	mix(o.Services)
	mix(o.Others)
}

func mix[T any](list []T) {
	rand.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
}

// written is a stream of manifests.
func written(t *testing.T, r *Result) []byte {
	t.Helper()
	var b bytes.Buffer
	for i, o := range r.Objects {
		if i > 0 {
			b.WriteString("---\n")
		}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			t.Fatal(err)
		}
		delete(content, "status")
		text, err := yaml.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.Bytes()
}

// told has a line for each line of the report.
func told(r *Result) []byte {
	var b bytes.Buffer
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%s %s/%s %s: %s", l.Kind, l.Namespace, l.Name, l.Source, l.Outcome)
		if l.Closes {
			b.WriteString(" (closes)")
		}
		if len(l.To) > 0 {
			fmt.Fprintf(&b, " -> %s", strings.Join(l.To, ", "))
		}
		if l.Message != "" {
			fmt.Fprintf(&b, ": %s", l.Message)
		}
		b.WriteByte('\n')
	}
	for _, n := range r.Closed {
		fmt.Fprintf(&b, "closed %s\n", n)
	}
	return b.Bytes()
}

// TestTablesAreSound: names are whole and there once, parts name what they belong to, and
// everything says what to do or where it goes.
func TestTablesAreSound(t *testing.T) {
	t.Parallel()
	count := 0
	for _, c := range Controllers() {
		seen := map[string]bool{}
		for i := range c.Annotations {
			a := &c.Annotations[i]
			count++
			if seen[a.Name] {
				t.Errorf("%s: %s is there twice", c.Name, a.Name)
			}
			seen[a.Name] = true
			if !strings.Contains(a.Name, "/") {
				t.Errorf("%s: %s has no prefix", c.Name, a.Name)
			}
			if a.Of != "" && !slices.ContainsFunc(c.Annotations, func(b Annotation) bool { return b.Name == a.Of && b.Of == "" }) {
				t.Errorf("%s: %s is a part of %s, which is not there", c.Name, a.Name, a.Of)
			}
			if a.Of == "" && a.Outcome != Converted && a.Say == "" {
				t.Errorf("%s: %s: nothing says why", c.Name, a.Name)
			}
			if a.Outcome == Converted && a.Of == "" && a.read == nil {
				t.Errorf("%s: %s is converted and not read", c.Name, a.Name)
			}
		}
	}
	if count < 100 {
		t.Fatalf("there are only %d annotations", count)
	}
	t.Logf("%d annotations", count)
}
