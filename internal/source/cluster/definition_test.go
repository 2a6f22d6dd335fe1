// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestDefinitionsSayWhatIsServed(t *testing.T) {
	t.Parallel()
	kind := kindsNamed(t, "Route.route.openshift.io")[0]
	ready := func(d *definition, ok bool) *definition { d.ready = ok; return d }
	for name, tc := range map[string]struct {
		definition *definition
		want       presence
	}{
		"nothing":                          {&definition{group: "a"}, presence{}},
		"a definition":                     {ready(&definition{group: kind.Group, resource: "routes", versions: []string{"v2", "v1"}}, true), presence{version: "v1"}},
		"one that is not established":      {ready(&definition{group: kind.Group, resource: "routes", versions: []string{"v1"}}, false), presence{}},
		"one without our version":          {ready(&definition{group: kind.Group, resource: "routes", versions: []string{"v2"}}, true), presence{version: "v2"}},
		"one that serves nothing":          {ready(&definition{group: kind.Group, resource: "routes"}, true), presence{}},
		"another resource":                 {ready(&definition{group: kind.Group, resource: "hosts", versions: []string{"v1"}}, true), presence{}},
		"an aggregated server":             {ready(&definition{group: kind.Group, versions: []string{"v1"}}, true), presence{version: "v1", aggregated: true}},
		"an aggregated server, other vers": {ready(&definition{group: kind.Group, versions: []string{"v2"}}, true), presence{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := presenceOf(kind, map[inventory.Key]*definition{{}: tc.definition})
			if got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestDefinitionsAreReadBeforeTheyAreTrimmed(t *testing.T) {
	t.Parallel()
	w := kindsNamed(t, "CustomResourceDefinition.apiextensions.k8s.io")[0]
	d := crd(kindsNamed(t, "IngressRoute.traefik.io")[0], "v1")
	for _, status := range []apiextensionsv1.ConditionStatus{apiextensionsv1.ConditionTrue, apiextensionsv1.ConditionFalse} {
		o := d.DeepCopy()
		o.Status.Conditions = []apiextensionsv1.CustomResourceDefinitionCondition{{Type: apiextensionsv1.Established, Status: status}}
		s := newCompactor(w, &inventory.Pool{}).stub(o)
		if s.defines == nil || s.defines.ready != (status == apiextensionsv1.ConditionTrue) || len(s.defines.versions) != 1 {
			t.Errorf("%s: got %+v", status, s.defines)
		}
	}
}
