// SPDX-License-Identifier: Apache-2.0

package files

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestKustomizeFoldersAreBuilt(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"base/kustomization.yaml":        "resources: [web.yaml]\n",
		"base/web.yaml":                  "# the web\n" + service,
		"overlay/kustomization.yaml":     "resources: [../base]\nnamespace: shop\nnamePrefix: a-\npatches:\n- path: p.yaml\nconfigMapGenerator:\n- name: made\n  literals: [url=https://example.com]\n",
		"overlay/p.yaml":                 "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n",
		"component/kustomization.yaml":   "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x-\n",
		"faulty/base/kustomization.yaml": "resources: [absent.yaml]\n",
	})
	r, err := Load(t.Context(), Options{}, filepath.Join(dir, "overlay"))
	if err != nil || len(r.Items) != 2 {
		t.Fatal(len(r.Items), err)
	}
	for i := range r.Items {
		it := &r.Items[i]
		if it.Kustomization != filepath.Join(dir, "overlay", "kustomization.yaml") {
			t.Errorf("got kustomization %q", it.Kustomization)
		}
		if len(it.Object.GetAnnotations()) != 0 {
			t.Errorf("%s carries annotations that nobody asked for: %v", it.Object.GetName(), it.Object.GetAnnotations())
		}
		if it.GVK.Kind == "ConfigMap" {
			if it.File != it.Kustomization || !strings.HasPrefix(it.Object.GetName(), "a-made-") {
				t.Errorf("got %s in %s", it.Object.GetName(), it.File)
			}
			continue
		}
		file, line := it.Positions.Locate("spec.ports[0].nodePort")
		if it.Object.GetName() != "a-web" || it.Object.GetNamespace() != "shop" || file != filepath.Join(dir, "base", "web.yaml") || line != 9 {
			t.Errorf("got %s/%s at %s:%d", it.Object.GetNamespace(), it.Object.GetName(), file, line)
		}
	}

	r, err = Load(t.Context(), Options{}, dir)
	if f := Faults(err); len(f) != 1 || !strings.Contains(f[0].File, "faulty/base") {
		t.Errorf("got faults %v", err)
	}
	if len(r.Items) != 3 || len(r.Skipped) != 1 || !strings.Contains(r.Skipped[0].Reason, "component") {
		t.Errorf("got %d items, skipped %v", len(r.Items), r.Skipped)
	}
	for _, named := range []string{"overlay/kustomization.yaml", "component"} {
		if _, err := Load(t.Context(), Options{}, filepath.Join(dir, named)); err == nil {
			t.Errorf("%s was named, and not refused", named)
		}
	}
}

// TestNothingIsFetched uses names of hosts that do not exist: an attempt to
// reach them would be another error.
func TestNothingIsFetched(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kustomization string
		refused       bool
	}{
		"a local file":                  {"resources: [web.yaml]\n", false},
		"an annotation with a URL":      {"resources: [web.yaml]\ncommonAnnotations: {a: 'https://h.invalid'}\n", false},
		"a URL":                         {"resources: ['https://h.invalid/x.yaml']\n", true},
		"a URL in capitals":             {"resources: ['HTTPS://h.invalid/x.yaml']\n", true},
		"a key in capitals":             {"Resources: ['https://h.invalid/x.yaml']\n", true},
		"a repository":                  {"resources: ['github.com/a/b?ref=c']\n", true},
		"a repository by ssh":           {"resources: ['git@h.invalid:a/b.git']\n", true},
		"a repository by another user":  {"bases: ['me@h.invalid:a/b']\n", true},
		"a repository on disk":          {"resources: ['file:///tmp/x']\n", true},
		"a forced repository":           {"resources: ['git::https://h.invalid/a/b']\n", true},
		"a remote component":            {"components: ['https://h.invalid/a/b']\n", true},
		"a remote patch":                {"resources: [web.yaml]\npatches: [{path: 'http://h.invalid/x'}]\n", true},
		"a remote OpenAPI schema":       {"resources: [web.yaml]\nopenapi: {path: 'http://h.invalid/x'}\n", true},
		"a remote file of a generator":  {"configMapGenerator: [{name: a, files: ['x=https://h.invalid/x']}]\n", true},
		"a remote environment":          {"configMapGenerator: [{name: a, envs: ['https://h.invalid/x']}]\n", true},
		"a remote replacement":          {"resources: [web.yaml]\nreplacements: [{path: 'https://h.invalid/x'}]\n", true},
		"an aliased URL":                {"commonAnnotations: {a: &u 'https://h.invalid/x'}\nresources: [*u]\n", true},
		"a base that names a URL":       {"resources: [remote]\n", true},
		"a plugin that names a URL":     {"resources: [web.yaml]\ntransformers: [plugin.yaml]\n", true},
		"a plugin inline with a URL":    {"resources: [web.yaml]\ntransformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n  path: https://h.invalid/x\n", true},
		"aliases that multiply":         {"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]\n", true},
		"a chart":                       {"helmCharts: [{name: a, repo: 'https://h.invalid'}]\n", true},
		"a file outside of the folder":  {"resources: [../outside.yaml]\n", true},
		"a command as generator":        {"generators: [exec.yaml]\n", true},
		"a kustomization with two keys": {"resources: [web.yaml]\nresources: [web.yaml]\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, map[string]string{
				"k/kustomization.yaml": tc.kustomization, "k/web.yaml": service, "outside.yaml": service,
				"k/remote/kustomization.yaml": "resources: ['https://h.invalid/x.yaml']\n",
				"k/plugin.yaml":               "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: https://h.invalid/x\n",
				"k/exec.yaml":                 "apiVersion: v1\nkind: X\nmetadata:\n  name: a\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: /bin/true}\n",
			})
			r, err := Load(t.Context(), Options{}, filepath.Join(dir, "k"))
			if (err != nil) != tc.refused {
				t.Fatalf("got %d items, %v", len(r.Items), err)
			}
			if err != nil && strings.Contains(err.Error(), "lookup") {
				t.Errorf("the network was asked: %v", err)
			}
			if tc.refused && strings.Contains(tc.kustomization, "invalid") && !strings.Contains(err.Error(), "is remote") {
				t.Errorf("got %v", err)
			}
		})
	}
}
