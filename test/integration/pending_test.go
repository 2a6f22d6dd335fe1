// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// set is a Deployment, a Service and an Ingress, each harmless without one of
// the others. With the image and label of a console they publish it.
type set struct {
	namespace, name, host, app, image string
}

func (s set) deployment() string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  selector: {matchLabels: {run: %[2]s}}
  template:
    metadata: {labels: {run: %[2]s, app.kubernetes.io/name: %[3]s}}
    spec: {containers: [{name: main, image: "%[4]s", ports: [{containerPort: 8080}]}]}
`, s.namespace, s.name, s.app, s.image)
}

func (s set) service() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %[2]s, namespace: %[1]s}
spec: {selector: {run: %[2]s}, ports: [{port: 80, targetPort: 8080}]}
`, s.namespace, s.name)
}

func (s set) ingress() string {
	return fmt.Sprintf(`apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  ingressClassName: traefik
  tls: [{hosts: [%[3]s]}]
  rules:
  - host: %[3]s
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %[2]s, port: {number: 80}}}}]}
`, s.namespace, s.name, s.host)
}

// orders returns every order of three documents.
func orders(docs ...string) [][]string {
	if len(docs) < 2 {
		return [][]string{docs}
	}
	var out [][]string
	for i, first := range docs {
		for _, rest := range orders(slices.Delete(slices.Clone(docs), i, i+1)...) {
			out = append(out, append([]string{first}, rest...))
		}
	}
	return out
}

const (
	console, consoleImage = "grafana", "docker.io/grafana/grafana:12.1.0"
	shop, shopImage       = "shop", "registry.example.com/shop/front:1"
)

// TestOneFileInAnyOrder applies sets as one file while every watch is ten
// seconds late: only what the replica remembers of its own admissions can tell
// the last document of a violating set from the last of a harmless one.
func TestOneFileInAnyOrder(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.lag = &controlplane.Lag{}
	c.startWebhook(t)
	c.kubectl(t, policyDoc(`checks: [{check: ingress-outside-gateway, action: warn}, {check: exposure-transition, action: warn}]`), "apply", "-f", "-")
	defer c.try(t, "", "delete", "checkpolicy", "default", "--ignore-not-found")
	for _, ns := range []string{"pending", "pending-other"} {
		c.optIn(t, ns, "gatehouse.sh/admission: enforce", "denied")
	}
	probe := set{"pending", "probe", "probe.example.com", shop, shopImage}
	controlplane.Eventually(t, 10*time.Second, "the policy is in force", func() error {
		_, err := c.try(t, probe.ingress(), "apply", "--dry-run=server", "-f", "-")
		return err
	})
	c.lag.SetAll(10 * time.Second)
	defer c.lag.SetAll(0)

	ran := map[string]int{}
	for kind, program := range map[string][2]string{"violating": {console, consoleImage}, "harmless": {shop, shopImage}} {
		one := set{"pending", "", "", program[0], program[1]}
		for i, order := range orders("deployment", "service", "ingress") {
			t.Run(kind+" "+strings.Join(order, ", "), func(t *testing.T) {
				ran[kind]++
				s := one
				s.name = fmt.Sprintf("%s-%d", kind, i)
				s.host = s.name + ".example.com"
				docs := map[string]string{"deployment": s.deployment(), "service": s.service(), "ingress": s.ingress()}
				out, err := c.try(t, docs[order[0]]+"---\n"+docs[order[1]]+"---\n"+docs[order[2]], "apply", "-f", "-")
				for _, accepted := range order[:2] {
					if !strings.Contains(out, fmt.Sprintf("/%s created", s.name)) || !c.exists(t, accepted, s) {
						t.Errorf("the %s was not accepted:\n%s", accepted, out)
					}
				}
				switch refused := err != nil && strings.Contains(out, "EXP-016"); {
				case kind == "harmless" && err != nil, kind == "violating" && !refused, c.exists(t, order[2], s) != (kind == "harmless"):
					t.Errorf("the last one, the %s: %v\n%s", order[2], err, out)
				}
			})
		}
	}
	if ran["violating"] != 6 || ran["harmless"] != 6 {
		t.Errorf("ran %v", ran)
	}
	t.Logf("every watch 10 s late: %d orders of a violating set, each refused at its last document alone; %d of a harmless one, accepted", ran["violating"], ran["harmless"])
	t.Run("a host that two namespaces claim", func(t *testing.T) { c.pendingHosts(t) })
	t.Run("a change", func(t *testing.T) { c.pendingChange(t) })
	t.Run("a dry run leaves nothing behind", func(t *testing.T) {
		s := set{"pending", "dry", "dry.example.com", console, consoleImage}
		c.kubectl(t, s.deployment()+"---\n"+s.service(), "apply", "--dry-run=server", "-f", "-")
		c.kubectl(t, s.ingress(), "apply", "-f", "-")
	})
	t.Run("what no watch confirms is forgotten", func(t *testing.T) {
		c.lag.SetAll(time.Minute)
		s := set{"pending", "late", "late.example.com", console, consoleImage}
		c.kubectl(t, s.deployment()+"---\n"+s.service(), "apply", "-f", "-")
		time.Sleep(6 * time.Second) // the life of what was admitted
		c.kubectl(t, s.ingress(), "apply", "-f", "-")
	})
}

func (c *cluster) exists(t *testing.T, kind string, s set) bool {
	t.Helper()
	return c.kubectl(t, "", "-n", s.namespace, "get", kind, s.name, "--ignore-not-found", "-o", "name") != ""
}

func (c *cluster) pendingHosts(t *testing.T) {
	for i, order := range orders("pending", "pending-other") {
		first := set{namespace: order[0], name: fmt.Sprintf("host-%d", i), host: fmt.Sprintf("host-%d.example.com", i)}
		second := first
		second.namespace = order[1]
		out, err := c.try(t, first.ingress()+"---\n"+second.ingress(), "apply", "-f", "-")
		if err == nil || !strings.Contains(out, "EXP-028") || !c.exists(t, "ingress", first) || c.exists(t, "ingress", second) {
			t.Errorf("%s: %v\n%s", strings.Join(order, ", "), err, out)
		}
	}
}

// pendingChange: an admitted change counts at once where it completes a fault.
// Where it undoes one it counts once the watch has shown it.
func (c *cluster) pendingChange(t *testing.T) {
	s := set{"pending", "changed", "changed.example.com", console, consoleImage}
	elsewhere := strings.Replace(s.service(), "run: changed", "run: nothing", 1)
	c.lag.SetAll(0)
	c.kubectl(t, s.deployment()+"---\n"+elsewhere, "apply", "-f", "-")
	time.Sleep(time.Second) // all watches have shown it
	c.lag.SetAll(10 * time.Second)
	c.kubectl(t, s.service(), "apply", "-f", "-")
	out, err := c.try(t, s.ingress(), "apply", "-f", "-")
	if err == nil || !strings.Contains(out, "EXP-016") || strings.Contains(out, "has not confirmed") {
		t.Fatalf("a change that completes the set: %v\n%s", err, out)
	}
	c.lag.SetAll(0)
	controlplane.Eventually(t, 30*time.Second, "the watches have caught up", func() error {
		c.kubectl(t, elsewhere, "apply", "-f", "-")
		_, err := c.try(t, s.ingress(), "apply", "--dry-run=server", "-f", "-")
		return err
	})
	c.kubectl(t, s.service(), "apply", "-f", "-")
	time.Sleep(time.Second)
	c.lag.SetAll(10 * time.Second)
	c.kubectl(t, elsewhere, "apply", "-f", "-")
	out, err = c.try(t, s.ingress(), "apply", "-f", "-")
	if err == nil || !strings.Contains(out, "has not confirmed") {
		t.Errorf("a change that undoes the fault, not confirmed: %v\n%s", err, out)
	}
	t.Log(out)
	c.lag.SetAll(0)
	controlplane.Eventually(t, 30*time.Second, "the change is confirmed", func() error {
		out, err := c.try(t, s.ingress(), "apply", "-f", "-")
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	c.lag.SetAll(10 * time.Second)
}
