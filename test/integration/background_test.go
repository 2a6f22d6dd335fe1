// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
)

// soon is the promise: what is broken is told within 5 s.
const soon = 5 * time.Second

// controller is a gatehouse-controller that runs in this test binary.
type controller struct {
	registry *prometheus.Registry
	stop     func()
}

func (c *cluster) startController(t *testing.T, o serve.Options) *controller {
	t.Helper()
	c.kubectl(t, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+own+`"}}`, "apply", "-f", "-")
	o.Namespace, o.Service, o.Metrics = own, "gatehouse-webhook", "0"
	probes := freePort(t)
	o.Probes = fmt.Sprintf("127.0.0.1:%d", probes)
	registry := prometheus.NewRegistry()
	o.Registry = registry
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	config := c.RESTConfig()
	if c.controllerLag != nil {
		config = c.controllerLag.Slow(config)
	}
	go func() { done <- serve.Run(ctx, config, o, testLog(t)) }()
	stopped := false
	p := &controller{registry: registry, stop: func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("controller stopped with %v", err)
		}
	}}
	t.Cleanup(p.stop)
	eventually(t, 60*time.Second, "the controller is ready", func() error {
		return probe(ctx, fmt.Sprintf("http://127.0.0.1:%d/readyz", probes))
	})
	return p
}

// value adds up a metric over the series that carry the labels; false when there
// is none.
func (p *controller) value(t *testing.T, name string, labels map[string]string) (float64, bool) {
	t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum, found := 0.0, false
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			same := 0
			for _, l := range m.GetLabel() {
				if want, asked := labels[l.GetName()]; asked && want == l.GetValue() {
					same++
				}
			}
			if same == len(labels) {
				sum, found = sum+m.GetGauge().GetValue()+m.GetCounter().GetValue(), true
			}
		}
	}
	return sum, found
}

func (c *cluster) installReports(t *testing.T) {
	t.Helper()
	c.kubectl(t, "", "apply", "--server-side", "-f", filepath.Join("testdata", "openreports.yaml"))
	c.kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd/reports.openreports.io", "crd/clusterreports.openreports.io")
}

// stored is what a test looks at in a Report.
type stored struct {
	Metadata struct {
		Name            string `json:"name"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Summary map[string]int `json:"summary"`
	Results []struct {
		Policy     string            `json:"policy"`
		Result     string            `json:"result"`
		Properties map[string]string `json:"properties"`
		Resources  []struct{ Kind, Name string }
	} `json:"results"`
}

func (c *cluster) reports(t *testing.T, namespace string) []stored {
	t.Helper()
	var list struct {
		Items []stored `json:"items"`
	}
	out := c.kubectl(t, "", "get", "reports.openreports.io", "-n", namespace, "-o", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return list.Items
}

// says reports whether the reports of a namespace hold a check about an object.
func says(list []stored, check, kind, name string) bool {
	for _, r := range list {
		for _, one := range r.Results {
			if (one.Policy == check || slices.Contains(strings.Fields(one.Properties["others"]), check)) && slices.ContainsFunc(one.Resources, func(at struct{ Kind, Name string }) bool { return at.Kind == kind && at.Name == name }) {
				return true
			}
		}
	}
	return false
}

// TestTheBackgroundScan follows one violation through report, Event and metric,
// and out of them again.
func TestTheBackgroundScan(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.installReports(t)
	const ns = "scanned"
	c.kubectl(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {gatehouse.sh/admission: audit}}\n", ns), "apply", "-f", "-")
	p := c.startController(t, serve.Options{})
	exposed := map[string]string{"check": "EXP-001", "namespace": ns}
	eventually(t, 30*time.Second, "the controller leads and has judged everything", func() error {
		if n, _ := p.value(t, "gatehouse_background_objects", nil); n == 0 {
			return fmt.Errorf("nothing is judged yet")
		}
		return nil
	})

	c.kubectl(t, fmt.Sprintf(nodePort, ns), "apply", "-f", "-")
	began := time.Now()
	eventually(t, soon, "the node port is in a report, a metric and an Event", func() error {
		if list := c.reports(t, ns); !says(list, "EXP-001", "Service", "web") {
			return fmt.Errorf("reports %+v", list)
		}
		if n, _ := p.value(t, "gatehouse_findings", exposed); n != 1 {
			return fmt.Errorf("the metric is %v", n)
		}
		if out := c.kubectl(t, "", "describe", "service", "web", "-n", ns); !strings.Contains(out, "Violation") || !strings.Contains(out, "EXP-001") {
			return fmt.Errorf("kubectl describe says %s", out)
		}
		return nil
	})
	t.Logf("told after %s\n%s", time.Since(began).Round(10*time.Millisecond), c.kubectl(t, "", "get", "events,reports.openreports.io", "-n", ns))
	if got := c.reports(t, ns); len(got) != 1 || got[0].Metadata.Name != "gatehouse-0" || got[0].Summary["fail"] == 0 {
		t.Errorf("reports %+v", got)
	}

	t.Run("what changes nothing writes nothing", func(t *testing.T) {
		before := c.reports(t, ns)
		c.kubectl(t, "", "annotate", "service", "web", "-n", ns, "--overwrite", "note=other")
		c.kubectl(t, strings.ReplaceAll(fmt.Sprintf(clusterIP, ns), "name: web", "name: harmless"), "apply", "-f", "-")
		eventually(t, soon, "the changes are judged", func() error {
			if lag, _ := p.value(t, "gatehouse_background_lag_seconds", nil); lag > 0 {
				return fmt.Errorf("%v s behind", lag)
			}
			return nil
		})
		time.Sleep(500 * time.Millisecond) // a write would be on its way
		if after := c.reports(t, ns); len(before) != 1 || len(after) != 1 || before[0].Metadata.ResourceVersion != after[0].Metadata.ResourceVersion {
			t.Errorf("the report was written again: %+v, %+v", before, after)
		}
		if says(before, "EXP-001", "Service", "harmless") {
			t.Error("a passing object is in the report")
		}
	})

	whole := t // the controller outlives the part that starts it
	t.Run("another leader writes nothing anew", func(t *testing.T) {
		before := c.reports(t, ns)
		p.stop()
		p = c.startController(whole, serve.Options{})
		eventually(t, 30*time.Second, "the new leader has judged everything", func() error {
			if n, _ := p.value(t, "gatehouse_findings", exposed); n != 1 {
				return fmt.Errorf("the metric is %v", n)
			}
			return nil
		})
		time.Sleep(time.Second)
		if after := c.reports(t, ns); len(after) != 1 || before[0].Metadata.ResourceVersion != after[0].Metadata.ResourceVersion {
			t.Errorf("the report was written again: %+v, %+v", before, after)
		}
		if n, _ := p.value(t, "gatehouse_events_total", map[string]string{"outcome": "written"}); n != 0 {
			t.Errorf("%v Events were told again", n)
		}
	})

	t.Run("an opt-out is followed", func(t *testing.T) {
		c.kubectl(t, "", "label", "namespace", ns, "gatehouse.sh/admission-")
		eventually(t, soon, "the report is gone", func() error {
			if list := c.reports(t, ns); len(list) != 0 {
				return fmt.Errorf("reports %+v", list)
			}
			return nil
		})
		c.kubectl(t, "", "label", "namespace", ns, "gatehouse.sh/admission=audit")
		eventually(t, soon, "the report is back", func() error {
			if list := c.reports(t, ns); !says(list, "EXP-001", "Service", "web") {
				return fmt.Errorf("reports %+v", list)
			}
			return nil
		})
	})

	c.kubectl(t, fmt.Sprintf(clusterIP, ns), "apply", "-f", "-")
	eventually(t, soon, "what is mended is no longer told", func() error {
		if list := c.reports(t, ns); says(list, "EXP-001", "Service", "web") {
			return fmt.Errorf("reports %+v", list)
		}
		if n, found := p.value(t, "gatehouse_findings", exposed); found {
			return fmt.Errorf("the metric is %v", n)
		}
		return nil
	})
}

// exposedConsole is a Service and a Deployment that are harmless alone.
const exposedConsole = `apiVersion: apps/v1
kind: Deployment
metadata: {name: grafana, namespace: %[1]s}
spec:
  selector: {matchLabels: {app: grafana}}
  template:
    metadata: {labels: {app: grafana}}
    spec: {containers: [{name: grafana, image: "docker.io/grafana/grafana:12.1.0", ports: [{containerPort: 3000}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: grafana, namespace: %[1]s}
spec:
  type: LoadBalancer
  selector: {app: grafana}
  ports: [{port: 443, targetPort: 3000}]
`

// TestARaceIsToldOfBothObjects stores two objects that together break a rule, as
// two writes do that different replicas of the webhook admit at once.
func TestARaceIsToldOfBothObjects(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.installReports(t)
	const ns = "raced"
	c.kubectl(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {gatehouse.sh/admission: enforce}}\n", ns), "apply", "-f", "-")
	p := c.startController(t, serve.Options{})
	eventually(t, 30*time.Second, "the controller leads and has judged everything", func() error {
		if n, _ := p.value(t, "gatehouse_background_objects", nil); n == 0 {
			return fmt.Errorf("nothing is judged yet")
		}
		return nil
	})
	c.kubectl(t, fmt.Sprintf(exposedConsole, ns), "apply", "-f", "-")
	began := time.Now()
	eventually(t, soon, "both objects are in reports and have Events", func() error {
		list := c.reports(t, ns)
		events := c.kubectl(t, "", "get", "events", "-n", ns, "-o", `jsonpath={range .items[*]}{.involvedObject.kind} {end}`)
		for _, kind := range []string{"Service", "Deployment"} {
			if !says(list, "EXP-016", kind, "grafana") || !strings.Contains(events, kind) {
				return fmt.Errorf("%s: reports %+v, events about %s", kind, list, events)
			}
		}
		return nil
	})
	t.Logf("told after %s", time.Since(began).Round(10*time.Millisecond))
}

// TestTheCanary runs webhook and controller together, and then the controller
// alone.
func TestTheCanary(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	webhook := c.startWebhook(t)
	const ns = "gatehouse-canary"
	c.optIn(t, ns, "gatehouse.sh/admission: enforce", "denied")
	p := c.startController(t, serve.Options{Canary: ns, URL: webhook.url})
	outcome := func(want string, enforcing float64) func() error {
		return func() error {
			got, _ := p.value(t, "gatehouse_enforcing", nil)
			if n, _ := p.value(t, "gatehouse_canary_outcome", map[string]string{"outcome": want}); n != 1 || got != enforcing {
				return fmt.Errorf("enforcing %v, outcome %s: %v", got, want, n)
			}
			return nil
		}
	}
	eventually(t, 30*time.Second, "the canary is refused", outcome("refused", 1))
	if got := c.kubectl(t, "", "get", "services", "-n", ns, "-o", "name"); got != "" && !strings.Contains(got, "No resources") {
		t.Errorf("a canary was stored: %s", got)
	}

	tampered := func(kind string, want float64) func() error {
		return func() error {
			if got, found := p.value(t, "gatehouse_registration_tampered", map[string]string{"object": kind}); !found || got != want {
				return fmt.Errorf("%s: %v, want %v", kind, got, want)
			}
			return nil
		}
	}
	const validating = "ValidatingWebhookConfiguration"
	eventually(t, soon, "the registration is as it should be", tampered(validating, 0))
	c.kubectl(t, "", "patch", "validatingwebhookconfiguration", "gatehouse", "--type=json", "-p", `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]`)
	eventually(t, soon, "a changed failurePolicy is seen", tampered(validating, 1))
	eventually(t, soon, "an Event tells of it", func() error {
		out := c.kubectl(t, "", "describe", "validatingwebhookconfiguration", "gatehouse")
		if !strings.Contains(out, "RegistrationTampered") || !strings.Contains(out, "has failurePolicy Ignore, not Fail") {
			return fmt.Errorf("%s", out[max(0, len(out)-600):])
		}
		return nil
	})
	c.kubectl(t, "", "patch", "validatingwebhookconfiguration", "gatehouse", "--type=json", "-p", `[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Fail"}]`)
	eventually(t, soon, "it is seen when it is put right", tampered(validating, 0))
	c.kubectl(t, "", "delete", "mutatingwebhookconfiguration", "gatehouse")
	eventually(t, soon, "a missing configuration is seen", tampered("MutatingWebhookConfiguration", 1))

	webhook.stop()
	p.stop()
	p = c.startController(t, serve.Options{Canary: ns, URL: webhook.url})
	eventually(t, 60*time.Second, "a canary without webhook is no proof", outcome("unreachable", 0))
	c.unregister(t)
	p.stop()
	p = c.startController(t, serve.Options{Canary: ns, URL: webhook.url})
	eventually(t, 60*time.Second, "a canary without registration comes back alive", outcome("accepted", 0))
}

// TestWithoutTheReportsAPI shows that metrics do not depend on it, and that
// reports begin when it comes.
func TestWithoutTheReportsAPI(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.kubectl(t, "", "delete", "crd", "reports.openreports.io", "clusterreports.openreports.io", "--ignore-not-found")
	const ns = "unreported"
	c.kubectl(t, fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {gatehouse.sh/admission: audit}}\n", ns), "apply", "-f", "-")
	p := c.startController(t, serve.Options{})
	c.kubectl(t, fmt.Sprintf(nodePort, ns), "apply", "-f", "-")
	eventually(t, 30*time.Second, "the metric tells of the node port", func() error {
		if n, _ := p.value(t, "gatehouse_findings", map[string]string{"check": "EXP-001", "namespace": ns}); n != 1 {
			return fmt.Errorf("the metric is %v", n)
		}
		return nil
	})
	c.installReports(t)
	eventually(t, 15*time.Second, "the report is written when the API is there", func() error {
		if list := c.reports(t, ns); !says(list, "EXP-001", "Service", "web") {
			return fmt.Errorf("reports %+v", list)
		}
		return nil
	})
}
