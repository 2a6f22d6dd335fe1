// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/controller/serve"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// soon is the promise: what is broken is told within 5 s.
const soon = 5 * time.Second

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
	p.lead(t)

	c.kubectl(t, fmt.Sprintf(nodePort, ns), "apply", "-f", "-")
	began := time.Now()
	controlplane.Eventually(t, soon, "the node port is in a report, a metric and an Event", func() error {
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
		controlplane.Eventually(t, soon, "the changes are judged", func() error {
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
		controlplane.Eventually(t, 30*time.Second, "the new leader has judged everything", func() error {
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
		controlplane.Eventually(t, soon, "the report is gone", func() error {
			if list := c.reports(t, ns); len(list) != 0 {
				return fmt.Errorf("reports %+v", list)
			}
			return nil
		})
		c.kubectl(t, "", "label", "namespace", ns, "gatehouse.sh/admission=audit")
		controlplane.Eventually(t, soon, "the report is back", func() error {
			if list := c.reports(t, ns); !says(list, "EXP-001", "Service", "web") {
				return fmt.Errorf("reports %+v", list)
			}
			return nil
		})
	})

	c.kubectl(t, fmt.Sprintf(clusterIP, ns), "apply", "-f", "-")
	controlplane.Eventually(t, soon, "what is mended is no longer told", func() error {
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
	p.lead(t)
	c.kubectl(t, fmt.Sprintf(exposedConsole, ns), "apply", "-f", "-")
	began := time.Now()
	controlplane.Eventually(t, soon, "both objects are in reports and have Events", func() error {
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
	controlplane.Eventually(t, 30*time.Second, "the metric tells of the node port", func() error {
		if n, _ := p.value(t, "gatehouse_findings", map[string]string{"check": "EXP-001", "namespace": ns}); n != 1 {
			return fmt.Errorf("the metric is %v", n)
		}
		return nil
	})
	c.installReports(t)
	controlplane.Eventually(t, 15*time.Second, "the report is written when the API is there", func() error {
		if list := c.reports(t, ns); !says(list, "EXP-001", "Service", "web") {
			return fmt.Errorf("reports %+v", list)
		}
		return nil
	})
}
