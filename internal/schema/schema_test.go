// SPDX-License-Identifier: Apache-2.0

package schema_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/schema"
	"github.com/gatehouse-sh/gatehouse/manifests/crd"
)

// TestFaultsHaveTheirFields: test/integration shows that the API server finds the same.
func TestFaultsHaveTheirFields(t *testing.T) {
	t.Parallel()
	s, err := schema.Read(crd.NetworkPlan)
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"{mode: apply, allow: [{to: {group: dns}, reason: x}]}": "",
		"null":                                        "",
		"{mode: foo, moed: apply}":                    "spec.moed: Invalid value: there is no such field\nspec.mode: Unsupported value: \"foo\": supported values: \"preview\", \"apply\"",
		"{allow: [{to: {group: dns}}]}":               "spec.allow[0].reason: Required value",
		"{allow: [{reason: x}]}":                      "spec.allow[0]: Invalid value: says nothing: give from, to or both",
		"{allow: [{to: {cidr: nowhere}, reason: x}]}": "spec.allow[0].to.cidr: Invalid value: \"nowhere\": must be an address or a block of addresses such as 192.0.2.0/24",
	} {
		var object map[string]any
		if err := yaml.Unmarshal([]byte("{apiVersion: gatehouse.sh/v1alpha1, kind: NetworkPlan, metadata: {name: default, namespace: shop}, spec: "+spec+"}"), &object); err != nil {
			t.Fatal(err)
		}
		stored, faults := s.Admit(t.Context(), object)
		var got []string
		for _, fault := range faults {
			got = append(got, fault.Error())
		}
		if strings.Join(got, "\n") != want || stored["kind"] != "NetworkPlan" {
			t.Errorf("%s: %q, not %q", spec, got, want)
		}
	}
	if _, err := schema.Read([]byte("kind: CustomResourceDefinition")); err == nil {
		t.Error("a definition without a version is read")
	}
}
