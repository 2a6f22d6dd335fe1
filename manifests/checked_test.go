// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"maps"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestOurOwnManifestsBreakNoRule judges the installation by the whole catalogue,
// as if its namespace were enforced (SELF-004). Nothing is denied; what is warned
// of or recorded is exactly what SECURITY.md lists with the reason.
func TestOurOwnManifestsBreakNoRule(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	p, needed := policy.Default(set), written(t, "| finding | object | why it is needed |", 2)
	for _, dir := range []string{"default", "overlays/audit", "overlays/dev"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			all := decoded(t, render(t, dir))
			inv := inventory.New(all...)
			met := map[string]bool{}
			for _, o := range all {
				in := checks.Input{Object: o, Inventory: inv}
				for _, profile := range []policy.Profile{policy.Baseline, policy.Strict} {
					for _, j := range p.Decide(policy.Enforce, profile, nil, p.Evaluate(in, profile)) {
						finding := j.Check + " " + inventory.KeyOf(o).String()
						met[finding] = true
						if _, known := needed[finding]; !known || j.Action == checks.Deny {
							t.Errorf("%s, %s: %s %s %s: %s", inventory.KeyOf(o), profile, j.Action, j.Check, j.Field, j.Message)
						}
					}
				}
			}
			for finding, why := range needed {
				if !met[finding] {
					t.Errorf("%s (%s) is not reported any more: take it off the list of SECURITY.md", finding, why[0])
				}
			}
		})
	}
}

// TestWhatTheGatewayNeedsIsKnown judges what is installed for it: what is denied where
// roles are enforced is exactly this. These two roles are bound nowhere, and denied so
// that whoever binds them knows what they are.
func TestWhatTheGatewayNeedsIsKnown(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	base := []string{"RBAC-020 gatehouse-gateway-references"}
	p, of := policy.Default(set), "gatehouse-gateway-provisioner"
	for dir, want := range map[string][]string{
		"gateway":        base,
		"gateway-planes": append([]string{"RBAC-023 " + of, "RBAC-031 " + of, "RBAC-053 " + of, "RBAC-056 " + of, "RBAC-057 " + of}, base...),
	} {
		all, denied := decoded(t, slices.Concat(render(t, "default"), []byte("\n---\n"), render(t, dir))), map[string]bool{}
		inv := inventory.New(all...)
		for _, o := range all {
			in := checks.Input{Object: o, Inventory: inv}
			for _, profile := range []policy.Profile{policy.Baseline, policy.Strict} {
				for _, j := range p.Decide(policy.Enforce, profile, nil, p.Evaluate(in, profile)) {
					if j.Action == checks.Deny {
						denied[j.Check+" "+inventory.KeyOf(o).Name] = true
					}
				}
			}
		}
		got := slices.Sorted(maps.Keys(denied))
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: %q is denied, want %q", dir, got, want)
		}
	}
}

func decoded(t *testing.T, data []byte) []inventory.Object {
	t.Helper()
	var out []inventory.Object
	for _, doc := range documents(t, data) {
		asJSON, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := inventory.DecodeAny(asJSON)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	if len(out) < 10 {
		t.Fatalf("only %d objects", len(out))
	}
	return out
}
