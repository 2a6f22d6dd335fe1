// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWalkFindsEveryValueAtAPath(t *testing.T) {
	t.Parallel()
	object := map[string]any{
		"name": "x",
		"list": []any{"a", "b"},
		"spec": map[string]any{
			"routes": []any{
				map[string]any{"services": []any{map[string]any{"name": "one"}, map[string]any{"other": "two"}}},
				"no map", nil,
				map[string]any{"services": "no list"},
				map[string]any{"services": []any{map[string]any{"name": "three"}}},
			},
			"null": nil,
		},
	}
	for name, tc := range map[string]struct {
		path string
		want []string // "field=value"
	}{
		"a value":                    {"name", []string{"name=x"}},
		"the elements of a list":     {"list[]", []string{"list[0]=a", "list[1]=b"}},
		"values below nested lists":  {"spec.routes[].services[].name", []string{"spec.routes[0].services[0].name=one", "spec.routes[4].services[0].name=three"}},
		"a path that is not there":   {"spec.rules[].host", nil},
		"a list where there is none": {"spec[].name", nil},
		"a step into a value":        {"name.more", nil},
		"a step into null":           {"spec.null.more", nil},
		"an empty path":              {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range Walk(object, tc.path) {
				s, ok := f.Value.(string)
				if !ok {
					t.Fatalf("found %v", f.Value)
				}
				got = append(got, f.Field+"="+s)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWalkGivesTheMapThatHoldsAValue(t *testing.T) {
	t.Parallel()
	found := Walk(map[string]any{"to": map[string]any{"name": "x", "port": int64(80)}}, "to.name")
	if len(found) != 1 || found[0].Parent["port"] != int64(80) {
		t.Errorf("found %v", found)
	}
}

func TestServiceNamesInAllSpellings(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]ServiceRef{
		"web":                         {Namespace: "own", Name: "web"},
		"web.shop":                    {Namespace: "shop", Name: "web"},
		"web.shop.svc":                {Namespace: "shop", Name: "web"},
		"web.shop.svc.cluster.local":  {Namespace: "shop", Name: "web"},
		"web.shop.svc.cluster.local.": {Namespace: "shop", Name: "web"},
		"shop/web":                    {Namespace: "shop", Name: "web"},
		"web:80":                      {Namespace: "own", Name: "web", Port: "80"},
		"http://web.shop:80":          {Namespace: "shop", Name: "web", Port: "80"},
		"https://web.shop.svc":        {Namespace: "shop", Name: "web"},
		"www.example.com":             {Namespace: "own", Name: "www.example.com"},
	} {
		ref := ServiceRef{Namespace: "own", Name: name}
		splitServiceName(&ref)
		if d := cmp.Diff(want, ref); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
