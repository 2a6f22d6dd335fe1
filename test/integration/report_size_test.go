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

// bad is a Service that breaks several rules at once: a public load balancer
// with external IPs in front of a database's port.
const bad = `apiVersion: v1
kind: Service
metadata: {name: database-%03d, namespace: %s}
spec:
  type: LoadBalancer
  selector: {app: database}
  externalIPs: [198.51.100.7]
  ports: [{name: postgres, port: 5432}, {name: metrics, port: 9187}]
---
`

// TestReportsAreSmall measures what the API stores for failing objects, the
// metadata of the reports included: at most 1 KiB each, and nothing for those that
// pass.
func TestReportsAreSmall(t *testing.T) {
	c := newCluster(t)
	c.installDefinitions(t)
	c.installReports(t)
	const failing = 100
	var docs strings.Builder
	for _, ns := range []string{"many", "one", "none"} {
		fmt.Fprintf(&docs, "apiVersion: v1\nkind: Namespace\nmetadata: {name: %s, labels: {gatehouse.sh/admission: audit}}\n---\n", ns)
	}
	for i := range failing {
		fmt.Fprintf(&docs, bad, i, "many")
	}
	fmt.Fprintf(&docs, nodePort, "one")
	docs.WriteString("---\n")
	fmt.Fprintf(&docs, clusterIP, "none")
	c.kubectl(t, docs.String(), "apply", "-f", "-")
	c.startController(t, serve.Options{})
	controlplane.Eventually(t, 30*time.Second, "every failing object is in a report", func() error {
		list := c.reports(t, "many")
		for i := range failing {
			if name := fmt.Sprintf("database-%03d", i); !says(list, "EXP-002", "Service", name) {
				return fmt.Errorf("%s is not", name)
			}
		}
		if !says(c.reports(t, "one"), "EXP-001", "Service", "web") {
			return fmt.Errorf("the one in another namespace is not")
		}
		return nil
	})
	for ns, objects := range map[string]int{"many": failing, "one": 1} {
		bytes := 0
		for _, r := range c.reports(t, ns) {
			bytes += len(c.kubectl(t, "", "get", "--raw", "/apis/openreports.io/v1alpha1/namespaces/"+ns+"/reports/"+r.Metadata.Name))
		}
		t.Logf("%s: %d bytes for each of %d failing objects", ns, bytes/objects, objects)
		if bytes == 0 || bytes > objects<<10 {
			t.Errorf("%s: %d bytes for %d failing objects", ns, bytes, objects)
		}
	}
	if list := c.reports(t, "none"); len(list) != 0 {
		t.Errorf("a namespace in which everything passes has reports: %+v", list)
	}
}
