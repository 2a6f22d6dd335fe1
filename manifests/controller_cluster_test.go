// SPDX-License-Identifier: Apache-2.0

package manifests_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
)

const controllerAccount = "system:serviceaccount:gatehouse-system:gatehouse-controller"

func TestRightsOfTheController(t *testing.T) {
	cp := install(t)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
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
	} {
		t.Run(name, func(t *testing.T) {
			out, problems, err := cp.Kubectl(t.Context(), append([]string{"auth", "can-i", "--as", controllerAccount}, tc.args...)...)
			if got := strings.TrimSpace(out); got != tc.want {
				t.Errorf("got %q (%v, %s), want %q", got, err, problems, tc.want)
			}
		})
	}
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

// TestTheControllerNeedsNoOtherRights runs the controller as its ServiceAccount
// and looks at everything that it writes.
func TestTheControllerNeedsNoOtherRights(t *testing.T) {
	cp := install(t)
	kubectl(t, cp, "", "apply", "--server-side", "-f", filepath.Join("..", "test", "integration", "testdata", "openreports.yaml"))
	kubectl(t, cp, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/reports.openreports.io", "crd/clusterreports.openreports.io")
	kubectl(t, cp, "", "delete", "validatingwebhookconfigurations,mutatingwebhookconfigurations", "gatehouse", "--ignore-not-found")
	kubectl(t, cp, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"judged","labels":{"gatehouse.sh/admission":"enforce"}}}`, "apply", "-f", "-")
	kubectl(t, cp, "", "create", "service", "nodeport", "web", "-n", "judged", "--tcp=80")

	// The pods of the installation never run; their Lease is free.
	registry := prometheus.NewRegistry()
	cfg := cp.RESTConfig()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: controllerAccount, Groups: []string{
		"system:serviceaccounts", "system:serviceaccounts:" + installed, "system:authenticated",
	}}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- serve.Run(ctx, cfg, serve.Options{
			Namespace: installed, Service: "gatehouse-webhook", Metrics: "0", Probes: "0", Canary: "gatehouse-canary", Registry: registry,
		}, logr.Discard())
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the controller stopped with %v", err)
		}
	})

	waitFor(t, cp, "EXP-001", "get", "reports.openreports.io", "gatehouse-0", "-n", "judged", "-o", `jsonpath={.results[?(@.policy=="EXP-001")].policy}`)
	waitFor(t, cp, "Violation", "get", "events.v1.events.k8s.io", "-n", "judged", "-o", `jsonpath={.items[0].reason}`)
	eventually(t, "the canary comes back", func() error {
		// Refused by the quota: the right to create was enough.
		if got := sample(t, registry, "gatehouse_canary_outcome", "accepted"); got != 1 {
			return fmt.Errorf("outcome accepted is %v", got)
		}
		return nil
	})
	eventually(t, "the missing registration is seen", func() error {
		if got := sample(t, registry, "gatehouse_registration_tampered", "ValidatingWebhookConfiguration"); got != 1 {
			return fmt.Errorf("tampered is %v", got)
		}
		return nil
	})
	kubectl(t, cp, "", "delete", "service", "web", "-n", "judged")
	waitFor(t, cp, "", "get", "reports.openreports.io", "-n", "judged", "-o", "name")
}

// sample returns the value of a metric whose only label has a value.
func sample(t *testing.T, registry *prometheus.Registry, name, label string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	end := time.Now().Add(time.Minute)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("in vain: %s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
