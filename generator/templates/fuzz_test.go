// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"io/fs"
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/templates"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// FuzzParse: whatever the file and the value of its parameters, nothing panics,
// and every edge that comes of it has valid ends, a reason, and a port or an end
// that has ports of its own.
func FuzzParse(f *testing.F) {
	files, err := fs.Glob(policytemplates.FS, "*/template.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(policytemplates.FS, file)
		if err != nil {
			f.Fatal(err)
		}
		for _, value := range []string{"all", "app=web", "TCP/80,UDP/53", "[a, b]", "{app: web}", "10.0.0.0/8", "&a [*a]", ""} {
			f.Add(string(data), value)
		}
	}
	f.Add(good, "app=web")
	f.Add("a: &a [*a]\nb: *a\n", "")
	u, err := generator.NewUniverse([]*generator.Workload{{ID: generator.WorkloadID{Namespace: "shop", Kind: "Deployment", Name: "web"}, Labels: map[string]string{"app": "web"}}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		tmpl, err := templates.Parse("f/template.yaml", []byte(text))
		if err != nil {
			return
		}
		values := map[string]string{}
		for _, p := range tmpl.Parameters {
			values[p.Name] = value
		}
		for _, given := range []map[string]string{nil, values} {
			for _, namespace := range []string{"", "shop"} {
				in := templates.Input{Namespace: namespace, Universe: u, Environment: generator.NewEnvironment()}
				out, err := templates.Apply(tmpl, given, in)
				if err != nil {
					continue
				}
				for _, e := range out.Edges {
					if e.From.Validate() != nil || e.To.Validate() != nil || len(e.Because) != 1 || e.Because[0].What == "" {
						t.Errorf("%v because %v", e, e.Because)
					}
					if e.Port != (generator.Port{}) && e.Port.Validate() != nil {
						t.Errorf("%v: %v", e, e.Port.Validate())
					}
				}
				for _, tier := range out.Tiers {
					for _, r := range append(tier.Ingress, tier.Egress...) {
						if len(r.Peers) == 0 || len(r.Peers) > templates.MaxPeers {
							t.Errorf("%s: %d peers", r.Name, len(r.Peers))
						}
					}
				}
			}
		}
	})
}
