// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

const controllerAccount = "system:serviceaccount:gatehouse-system:gatehouse-controller"

func TestRightsOfTheController(t *testing.T) {
	askRights(t, install(t), controllerAccount, map[string]right{
		"it may list what it judges":                {[]string{"list", "services", "-A"}, "yes"},
		"it may not read a single service":          {[]string{"get", "services", "-A"}, "no"},
		"it may not change a service":               {[]string{"patch", "services", "-A"}, "no"},
		"it may not delete a service":               {[]string{"delete", "services", "-A"}, "no"},
		"it may not create a service elsewhere":     {[]string{"create", "services", "-n", "default"}, "no"},
		"it may try to where nothing can be stored": {[]string{"create", "services", "-n", "gatehouse-canary"}, "yes"},
		"it may not read secrets":                   {[]string{"list", "secrets", "-n", installed}, "no"},
		"it may write events":                       {[]string{"create", "events.events.k8s.io", "-A"}, "yes"},
		"it may hold its lease":                     {[]string{"update", "leases/gatehouse-controller", "-n", installed}, "yes"},
		"it may not hold another lease":             {[]string{"update", "leases/other", "-n", installed}, "no"},
		"it may write its snapshot":                 {[]string{"patch", "configmaps/gatehouse-rbac-snapshot", "-n", installed}, "yes"},
		"it may not write another config map":       {[]string{"patch", "configmaps/other", "-n", installed}, "no"},
		"it may not list config maps":               {[]string{"list", "configmaps", "-n", installed}, "no"},
		"it may not change the registration":        {[]string{"patch", "validatingwebhookconfigurations/gatehouse"}, "no"},
		"it may not change the policy":              {[]string{"patch", "checkpolicies/default"}, "no"},
		"it may not approve exemptions":             {[]string{"create", "exemptions.gatehouse.sh", "-A"}, "no"},
	})
}

// TestTheCanaryCannotBeStored asks for what the webhook would refuse, as if it
// had let it pass.
func TestTheCanaryCannotBeStored(t *testing.T) {
	cp := install(t)
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse")
	out, problems, err := cp.Kubectl(t.Context(), "create", "service", "clusterip", "canary", "-n", "gatehouse-canary", "--tcp=80")
	if err == nil || !strings.Contains(problems, "exceeded quota") {
		t.Errorf("got %v: %s%s", err, out, problems)
	}
}

// installReports defines the reports, of which the installation has none.
func installReports(t *testing.T, cp *controlplane.ControlPlane) {
	t.Helper()
	kubectl(t, cp, "", "apply", "--server-side", "-f", filepath.Join("..", "test", "integration", "testdata", "openreports.yaml"))
	kubectl(t, cp, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/reports.openreports.io", "crd/clusterreports.openreports.io")
}

// runController runs the controller as its ServiceAccount until stop is called or
// the test ends. The pods of the installation never run; their Lease is free.
func runController(t *testing.T, cp *controlplane.ControlPlane, o serve.Options) (registry *prometheus.Registry, stop func()) {
	t.Helper()
	registry = prometheus.NewRegistry()
	o.Namespace, o.Service, o.Metrics, o.Probes, o.Registry = installed, "gatehouse-webhook", "0", "0", registry
	cfg := cp.RESTConfig()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: controllerAccount, Groups: []string{
		"system:serviceaccounts", "system:serviceaccounts:" + installed, "system:authenticated",
	}}
	return registry, controlplane.Run(t, func(ctx context.Context) error { return serve.Run(ctx, cfg, o, logr.Discard()) })
}

// TestTheControllerNeedsNoOtherRights runs the controller as its ServiceAccount
// and looks at everything that it writes.
func TestTheControllerNeedsNoOtherRights(t *testing.T) {
	cp := install(t)
	installReports(t, cp)
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse", "--ignore-not-found")
	kubectl(t, cp, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"judged","labels":{"gatehouse.sh/admission":"enforce"}}}`, "apply", "-f", "-")
	kubectl(t, cp, "", "create", "service", "nodeport", "web", "-n", "judged", "--tcp=80")

	registry, _ := runController(t, cp, serve.Options{Canary: "gatehouse-canary"})
	waitFor(t, cp, "EXP-001", "get", "reports.openreports.io", "gatehouse-0", "-n", "judged", "-o", `jsonpath={.results[?(@.policy=="EXP-001")].policy}`)
	waitFor(t, cp, "Violation", "get", "events.v1.events.k8s.io", "-n", "judged", "-o", `jsonpath={.items[0].reason}`)
	controlplane.Eventually(t, time.Minute, "the canary comes back", func() error {
		// Refused by the quota: the right to create was enough.
		if got := sample(t, registry, "gatehouse_canary_outcome", "accepted"); got != 1 {
			return fmt.Errorf("outcome accepted is %v", got)
		}
		return nil
	})
	controlplane.Eventually(t, time.Minute, "the missing registration is seen", func() error {
		if got := sample(t, registry, "gatehouse_registration_tampered", "ValidatingWebhookConfiguration"); got != 1 {
			return fmt.Errorf("tampered is %v", got)
		}
		return nil
	})
	kubectl(t, cp, "", "delete", "service", "web", "-n", "judged")
	waitFor(t, cp, "", "get", "reports.openreports.io", "-n", "judged", "-o", "name")
}

// sample returns the value of a metric whose labels, in the order of their names,
// have these values; -1 when there is none.
func sample(t *testing.T, registry *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(values, labels) {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}
