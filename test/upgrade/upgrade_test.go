// SPDX-License-Identifier: Apache-2.0

// Package upgrade installs older manifests on the real API server, then those of
// today over them, and goes back.
package upgrade

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const install = "../../manifests/install.yaml"

// start runs an API server that asks no webhook: none is there to answer.
func start(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	cp, err := controlplane.Start(t.Context(), controlplane.Options{
		APIServerFlags: []string{"--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cp.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cp
}

// today is what would be released.
func today(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(install)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// kept are the manifests of commit 56d3bfe: three definitions of six, other
// rights, no gateway.
func kept(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open("testdata/install.yaml.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// previous are the manifests of the last commit that had others. A clone with
// little history has none.
func previous(t *testing.T) []byte {
	t.Helper()
	now := today(t)
	list, err := git(t.Context(), "log", "--format=%H", "--", install)
	if err != nil {
		t.Skipf("the upgrade from the previous commit was not tested: %v", err)
	}
	for commit := range strings.FieldsSeq(string(list)) {
		old, err := git(t.Context(), "show", commit+":manifests/install.yaml")
		if err == nil && !bytes.Equal(old, now) {
			t.Logf("from commit %s", commit)
			return old
		}
	}
	t.Skip("the upgrade from the previous commit was not tested: the history of this clone has no other manifests")
	return nil
}

func git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

// kubectl runs a command that must succeed, and without a warning.
func kubectl(t *testing.T, cp *controlplane.ControlPlane, stdin []byte, args ...string) string {
	t.Helper()
	out, problems, err := cp.KubectlInput(t.Context(), bytes.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("%v: %s", err, problems)
	}
	if problems != "" {
		t.Errorf("kubectl %s says %s", strings.Join(args, " "), problems)
	}
	return out
}

// names are the objects of a manifest as "kind namespace/name".
func names(t *testing.T, manifest []byte) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for doc := range bytes.SplitSeq(manifest, []byte("\n---\n")) {
		var o struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal(doc, &o); err != nil {
			t.Fatal(err)
		}
		out[o.Kind+" "+o.Metadata.Namespace+"/"+o.Metadata.Name] = true
	}
	return out
}

// stored creates an object of every kind that the installed definitions have and
// returns the names of the kinds.
func stored(t *testing.T, cp *controlplane.ControlPlane) []string {
	t.Helper()
	definitions := strings.Fields(kubectl(t, cp, nil, "get", "crd", "-o", "name"))
	kubectl(t, cp, nil, append([]string{"wait", "--for=condition=Established", "--timeout=60s"}, definitions...)...)
	var kinds []string
	for _, d := range definitions {
		kind, _, _ := strings.Cut(strings.TrimPrefix(d, "customresourcedefinition.apiextensions.k8s.io/"), ".")
		kubectl(t, cp, nil, "create", "-f", filepath.Join("testdata", "objects", kind+".yaml"))
		kinds = append(kinds, kind+".gatehouse.sh")
	}
	if len(kinds) == 0 {
		t.Fatal("no definition is installed")
	}
	return kinds
}

// objects are what is stored, by kind, name and identity.
func objects(t *testing.T, cp *controlplane.ControlPlane, kinds []string) map[string]any {
	t.Helper()
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct{ Name, UID string }
			Spec     any
		}
	}
	if err := yaml.Unmarshal([]byte(kubectl(t, cp, nil, "get", strings.Join(kinds, ","), "-A", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, o := range list.Items {
		out[o.Kind+" "+o.Metadata.Name+" "+o.Metadata.UID] = o.Spec
	}
	if len(out) != len(kinds) {
		t.Fatalf("%d objects are stored of %d kinds", len(out), len(kinds))
	}
	return out
}

// lost are the fields of a value that another lacks, or has otherwise. Fields
// that come with a default are no loss.
func lost(before, after any, path string) []string {
	fields, is := before.(map[string]any)
	if !is {
		if cmp.Equal(before, after) {
			return nil
		}
		return []string{path}
	}
	others, _ := after.(map[string]any)
	var out []string
	for name, v := range fields {
		out = append(out, lost(v, others[name], path+"."+name)...)
	}
	slices.Sort(out)
	return out
}

func TestUpgrade(t *testing.T) {
	for name, manifests := range map[string]func(*testing.T) []byte{
		"from the previous commit that had other manifests": previous,
		"from manifests of long ago":                        kept,
	} {
		t.Run(name, func(t *testing.T) {
			old, now := manifests(t), today(t)
			cp := start(t)
			kubectl(t, cp, old, "apply", "-f", "-")
			kinds := stored(t, cp)
			before := objects(t, cp, kinds)

			kubectl(t, cp, now, "apply", "-f", "-")
			if gone := lost(before, objects(t, cp, kinds), ""); gone != nil {
				t.Errorf("the upgrade lost %q", gone)
			}
			acceptable(t, cp, kinds)
			left := names(t, old)
			maps.DeleteFunc(left, func(name string, _ bool) bool { return names(t, now)[name] })
			for _, name := range slices.Sorted(maps.Keys(left)) {
				t.Errorf("%s is not in the manifests any more, and stays where it was installed: say so in docs/operations.md, and here", name)
			}

			kubectl(t, cp, old, "apply", "-f", "-")
			if gone := lost(before, objects(t, cp, kinds), ""); gone != nil {
				t.Errorf("going back lost %q", gone)
			}
			acceptable(t, cp, kinds)
		})
	}
}

// acceptable writes every stored object again: an object that a definition of
// another version refuses could never be changed.
func acceptable(t *testing.T, cp *controlplane.ControlPlane, kinds []string) {
	t.Helper()
	for _, kind := range kinds {
		plural, _, _ := strings.Cut(kind, ".")
		kubectl(t, cp, nil, "replace", "-f", filepath.Join("testdata", "objects", plural+".yaml"))
	}
}

func TestALossIsSeen(t *testing.T) {
	t.Parallel()
	before := map[string]any{"Plan a": map[string]any{"x": "1", "y": []any{"2"}}}
	for name, tc := range map[string]struct {
		after map[string]any
		want  []string
	}{
		"a field with a default is none": {map[string]any{"Plan a": map[string]any{"x": "1", "y": []any{"2"}, "z": "3"}}, nil},
		"a field that goes is one":       {map[string]any{"Plan a": map[string]any{"x": "1"}}, []string{".Plan a.y"}},
		"a field that changes is one":    {map[string]any{"Plan a": map[string]any{"x": "4", "y": []any{"2"}}}, []string{".Plan a.x"}},
		"an object that is another is":   {map[string]any{"Plan b": before["Plan a"]}, []string{".Plan a.x", ".Plan a.y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, lost(before, tc.after, "")); diff != "" {
				t.Errorf("(want -, got +):\n%s", diff)
			}
		})
	}
}
