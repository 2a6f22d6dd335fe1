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
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
	"github.com/gatehouse-sh/gatehouse/test/program"
)

// controller is a gatehouse-controller that runs in this test binary.
type controller struct {
	registry *prometheus.Registry
	stop     func()
}

func (c *cluster) startController(t *testing.T, o serve.Options) *controller {
	t.Helper()
	c.kubectl(t, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+own+`"}}`, "apply", "-f", "-")
	o.Namespace, o.Service, o.Metrics = own, "gatehouse-webhook", "0"
	probes := program.Port(t)
	o.Probes = fmt.Sprintf("127.0.0.1:%d", probes)
	registry := prometheus.NewRegistry()
	o.Registry = registry
	config := c.RESTConfig()
	if c.controllerLag != nil {
		config = c.controllerLag.Slow(config)
	}
	log := testLog(t)
	p := &controller{registry: registry, stop: controlplane.Run(t, func(ctx context.Context) error { return serve.Run(ctx, config, o, log) })}
	controlplane.Eventually(t, 60*time.Second, "the controller is ready", func() error {
		return probe(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/readyz", probes))
	})
	return p
}

// lead waits until the controller leads and has judged everything.
func (p *controller) lead(t *testing.T) {
	t.Helper()
	controlplane.Eventually(t, 30*time.Second, "the controller leads and has judged everything", func() error {
		if n, _ := p.value(t, "gatehouse_background_objects", nil); n == 0 {
			return fmt.Errorf("nothing is judged yet")
		}
		return nil
	})
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
