// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
)

// TestASecondReplicaTakesOver runs two controllers. While both live, one writes: a
// report stays as it is when nothing changes. When that one ends, the other knows
// what changes from then on, and what changed before.
func TestASecondReplicaTakesOver(t *testing.T) {
	cp := install(t)
	installReports(t, cp)
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse", "--ignore-not-found")
	kubectl(t, cp, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"handed-over","labels":{"gatehouse.sh/admission":"audit"}}}`, "apply", "-f", "-")
	kubectl(t, cp, "", "create", "service", "nodeport", "before", "-n", "handed-over", "--tcp=80")
	report := func(field string) []string {
		return []string{"get", "reports.openreports.io", "gatehouse-0", "-n", "handed-over", "-o", "jsonpath=" + field}
	}
	failing := report(`{range .results[?(@.policy=="EXP-001")]}{.resources[0].name} {end}`)
	holder := []string{"get", "lease", serve.LeaseName, "-n", installed, "-o", "jsonpath={.spec.holderIdentity}"}

	_, stop := runController(t, cp, serve.Options{})
	waitFor(t, cp, "before ", failing...)
	first := kubectl(t, cp, "", holder...)
	runController(t, cp, serve.Options{})
	version := kubectl(t, cp, "", report("{.metadata.resourceVersion}")...)
	time.Sleep(3 * time.Second) // the second has listed everything by then, and would have written
	if now := kubectl(t, cp, "", report("{.metadata.resourceVersion}")...); now != version {
		t.Errorf("the report was written again, as version %s after %s", now, version)
	}
	if now := kubectl(t, cp, "", holder...); now != first {
		t.Errorf("%s leads, and %s still lives", now, first)
	}

	stop()
	kubectl(t, cp, "", "create", "service", "nodeport", "after", "-n", "handed-over", "--tcp=80")
	waitFor(t, cp, "after before ", failing...)
	if now := kubectl(t, cp, "", holder...); now == first || now == "" {
		t.Errorf("%q leads", now)
	}
	kubectl(t, cp, "", "delete", "service", "before", "after", "-n", "handed-over")
	waitFor(t, cp, "", "get", "reports.openreports.io", "-n", "handed-over", "-o", "name")
}
