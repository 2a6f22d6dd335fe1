// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestEveryFieldThatIsReadWakesTheWebhook compares the match condition with the
// types: a field of a judged kind that the condition does not name could be
// changed without being judged.
func TestEveryFieldThatIsReadWakesTheWebhook(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	// What no check reads.
	unread := []string{
		"ConfigMap.binaryData", "ConfigMap.immutable",
		"Secret.type", // never changes
	}
	changes := objectConditions()[0].Expression
	n := 0
	for _, gk := range set.Kinds() {
		k, known := inventory.KindOf(gk)
		if !known || k.New == nil {
			continue
		}
		typ := reflect.TypeOf(k.New()).Elem()
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" || name == "metadata" || name == "status" || slices.Contains(unread, gk.Kind+"."+name) {
				continue
			}
			n++
			if !strings.Contains(changes, "object.?"+name+" != oldObject.?"+name) {
				t.Errorf("an update of %s.%s is not judged: name it in objectConditions", gk.Kind, name)
			}
		}
	}
	if n == 0 {
		t.Fatal("no fields")
	}
}

// TestWaysToChangeLabels names the subresources by which labels and annotations
// can be changed.
func TestWaysToChangeLabels(t *testing.T) {
	t.Parallel()
	set, err := catalog.Set()
	if err != nil {
		t.Fatal(err)
	}
	validating, _ := Build(set, Options{Namespace: "gatehouse-system", Service: "gatehouse-webhook"})
	statuses := []string{
		"services/status", "ingresses/status", "pods/status", "deployments/status", "statefulsets/status", "daemonsets/status",
		"replicasets/status", "replicationcontrollers/status", "jobs/status", "cronjobs/status",
	}
	for webhook, want := range map[string][]string{
		"enforce-status.validate.gatehouse.sh":  statuses,
		"observe-status.validate.gatehouse.sh":  statuses,
		"enforce-binding.validate.gatehouse.sh": {"bindings", "pods/binding"},
		"observe-binding.validate.gatehouse.sh": {"bindings", "pods/binding"},
		"namespace.guard.gatehouse.sh":          {"namespaces", "namespaces/status", "namespaces/finalize"},
		"enforce.validate.gatehouse.sh":         {"services", "pods", "pods/ephemeralcontainers"},
	} {
		var got []string
		for _, w := range validating.Webhooks {
			if w.Name == webhook {
				for _, r := range w.Rules {
					got = append(got, r.Resources...)
				}
			}
		}
		for _, resource := range want {
			if !slices.Contains(got, resource) {
				t.Errorf("%s does not judge %s: %q", webhook, resource, got)
			}
		}
	}
}
