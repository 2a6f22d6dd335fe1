// SPDX-License-Identifier: Apache-2.0

// Package chart holds the Helm chart to the kustomizations. It is a module of
// its own: Helm brings modules that Gatehouse has no use for.
package chart

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chartv2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const (
	manifests = "../../manifests"
	folder    = manifests + "/chart"
)

// objects are by kind, namespace and name.
type objects map[string]map[string]any

func (o objects) add(t *testing.T, fields map[string]any) {
	t.Helper()
	m, _ := fields["metadata"].(map[string]any)
	key := fmt.Sprintf("%v %v/%v", fields["kind"], m["namespace"], m["name"])
	if o[key] != nil {
		t.Errorf("%s is there twice", key)
	}
	o[key] = fields
}

// kustomized is what the kustomizations render.
func kustomized(t *testing.T, dirs ...string) objects {
	t.Helper()
	out := objects{}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	for _, dir := range dirs {
		rendered, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rendered.Resources() {
			raw, err := r.AsYAML()
			if err != nil {
				t.Fatal(err)
			}
			out.add(t, parse(t, raw))
		}
	}
	return out
}

func parse(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := yaml.UnmarshalStrict(raw, &fields); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	return fields
}

func load(t *testing.T) *chartv2.Chart {
	t.Helper()
	c, err := loader.LoadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// texts is what Helm makes of the templates, by name.
func texts(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	c := load(t)
	all, err := util.ToRenderValues(c, values, common.ReleaseOptions{Name: "gatehouse", Namespace: "gatehouse-system", IsInstall: true, Revision: 1}, nil)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.RenderWithContext(t.Context(), c, all)
}

// rendered is what Helm makes of the chart.
func rendered(t *testing.T, values map[string]any) objects {
	t.Helper()
	files, err := texts(t, values)
	if err != nil {
		t.Fatal(err)
	}
	out := objects{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) != ".yaml" {
			continue
		}
		for doc := range bytes.SplitSeq([]byte(files[name]), []byte("\n---\n")) {
			if doc = bytes.TrimSpace(bytes.TrimPrefix(doc, []byte("---\n"))); len(doc) > 0 {
				out.add(t, parse(t, doc))
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("the chart renders nothing")
	}
	return out
}

// without the annotation by which Helm keeps what it uninstalls: kustomize has
// no use for it.
func (o objects) withoutPolicy() objects {
	for _, fields := range o {
		m, _ := fields["metadata"].(map[string]any)
		annotations, _ := m["annotations"].(map[string]any)
		delete(annotations, "helm.sh/resource-policy")
	}
	return o
}

func TestChartIsTheKustomization(t *testing.T) {
	t.Parallel()
	defaults := manifests + "/default"
	for name, tc := range map[string]struct {
		values string
		dirs   []string
	}{
		"as it comes":                       {`{}`, []string{defaults}},
		"without keeping the definitions":   {`crds: {keep: false}`, []string{defaults}},
		"with the gateway":                  {`gateway: {enabled: true}`, []string{defaults, manifests + "/gateway"}},
		"open while the webhook is down":    {`webhook: {failurePolicy: Ignore}`, []string{manifests + "/overlays/audit"}},
		"with certificates by cert-manager": {`webhook: {certManager: true}`, []string{manifests + "/overlays/cert-manager"}},
		"with alerts":                       {`alerts: {enabled: true}`, []string{defaults, manifests + "/alerts"}},
		"with network policies everywhere":  {`network: {everywhere: true}`, []string{"testdata/everywhere"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := kustomized(t, tc.dirs...), rendered(t, parse(t, []byte(tc.values)))
			if len(want) < 30 {
				t.Fatalf("kustomize renders %d objects only", len(want))
			}
			if diff := cmp.Diff(want, got.withoutPolicy()); diff != "" {
				t.Errorf("run `make generate`, and set what is in values.yaml (kustomize -, Helm +):\n%s", diff)
			}
		})
	}
}

func TestHelmFindsNoFault(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]string{"as it comes": `{}`, "with all there is": `{gateway: {enabled: true}, network: {everywhere: true}, alerts: {enabled: true}, webhook: {certManager: true}}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := filepath.Abs(folder)
			if err != nil {
				t.Fatal(err)
			}
			result := lint.RunAll(dir, parse(t, []byte(values)), "gatehouse-system")
			for _, m := range result.Messages {
				if m.Severity > support.InfoSev {
					t.Error(m.Error())
				}
			}
		})
	}
}

func TestNotesSayWhatTheValuesCost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		values string
		want   string
	}{
		"an open webhook": {`webhook: {failurePolicy: Ignore}`, "accepted without a verdict"},
		"a single one":    {`webhook: {replicas: 1}`, "fewer than two replicas"},
		"the gateway":     {`gateway: {enabled: true}`, "gatehouse-gateway-references"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for values, want := range map[string]bool{tc.values: true, `{}`: false} {
				files, err := texts(t, parse(t, []byte(values)))
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Contains(files["gatehouse/templates/NOTES.txt"], tc.want); got != want {
					t.Errorf("with %s the notes say %q: %v, want %v", values, tc.want, got, want)
				}
			}
		})
	}
}
