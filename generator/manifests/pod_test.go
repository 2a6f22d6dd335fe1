// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestEveryWorkloadAndEveryContainer: an address counts in whichever kind of workload it
// is, and in whichever container of its pods; the place of each is named.
func TestEveryWorkloadAndEveryContainer(t *testing.T) {
	t.Parallel()
	asks := func(name, more string, port int) string {
		return fmt.Sprintf(`{"name":%q,"image":"i","env":[{"name":"CARTS_URL","value":"http://carts:%d"}]%s}`, name, port, more)
	}
	containers := `"initContainers":[` + asks("migrate", "", 1001) + "," + asks("proxy", `,"restartPolicy":"Always"`, 1002) +
		`],"containers":[{"name":"main","image":"i"},` + asks("second", "", 1003) + `]`
	inTemplate := func(more string) string {
		return more + `"template":{"metadata":{"labels":{"app":"web"}},"spec":{` + containers + `}}`
	}
	selecting := inTemplate(`"selector":{"matchLabels":{"app":"web"}},`)
	for _, c := range []struct{ api, kind, spec, field string }{
		{"v1", "Pod", containers + `,"ephemeralContainers":[` + asks("debug", "", 1004) + `]`, "spec"},
		{"v1", "ReplicationController", inTemplate(`"selector":{"app":"web"},`), "spec.template.spec"},
		{"apps/v1", "ReplicaSet", selecting, "spec.template.spec"},
		{"apps/v1", "Deployment", selecting, "spec.template.spec"},
		{"apps/v1", "StatefulSet", selecting, "spec.template.spec"},
		{"apps/v1", "DaemonSet", selecting, "spec.template.spec"},
		{"batch/v1", "Job", inTemplate(""), "spec.template.spec"},
		{"batch/v1", "CronJob", `"schedule":"@daily","jobTemplate":{"spec":{` + inTemplate("") + `}}`, "spec.jobTemplate.spec.template.spec"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			objects := decoded(t, fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}},"spec":{%s}}`, c.api, c.kind, c.spec))
			inv := inventory.New(append(objects, deployment("carts"), service("carts", "1001", "1002", "1003", "1004"))...)
			u, err := generator.Observe(inv)
			if err != nil {
				t.Fatal(err)
			}
			env := generator.NewEnvironment()
			var got []string
			for _, e := range Edges(inv, u, &env, Options{}).Edges {
				if e.To.Kind != generator.DNSPeer {
					for _, b := range e.Because {
						got = append(got, fmt.Sprintf("%s %s %s: %s", e, b.Object, b.Field, b.What))
					}
				}
			}
			slices.Sort(got)
			var want []string
			for i, at := range []string{"initContainers[0]|init container migrate", "initContainers[1]|sidecar proxy", "containers[1]|container second", "ephemeralContainers[0]|ephemeral container debug"} {
				place, what, _ := strings.Cut(at, "|")
				if strings.HasPrefix(place, "ephemeral") && c.kind != "Pod" { // no template has one
					continue
				}
				want = append(want, fmt.Sprintf("%[1]s shop/web -> Service shop/carts TCP/%[2]d %[1]s shop/web %[3]s.%[4]s.env[0].value: env CARTS_URL of %[5]s", c.kind, 1001+i, c.field, place, what))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
