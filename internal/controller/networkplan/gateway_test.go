// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// TestPlansFollowWhatTheGatewayServes: what an Ingress of the class leads to, and whom a
// policy has the gateway ask, count as soon as they are there, and no longer.
func TestPlansFollowWhatTheGatewayServes(t *testing.T) {
	e := newEnvironment(t)
	e.kubectl("", "apply", "--server-side", "-f", filepath.Join("..", "..", "..", "manifests", "crd", "gatehouse.sh_accesspolicies.yaml"))
	e.served("accesspolicies")
	e.start(quick(), nil)
	const ns, class = "behind", "house"
	e.namespace(ns, "preview")
	e.kubectl(`{"apiVersion":"networking.k8s.io/v1","kind":"IngressClass","metadata":{"name":"`+class+`"},"spec":{"controller":"gatehouse.sh/gateway"}}`, "apply", "-f", "-")
	t.Cleanup(func() {
		e.kubectlAfter("delete", "ingressclass", class)
		e.kubectlAfter("delete", "ingress,accesspolicy", "--all", "-n", ns)
		e.kubectlAfter("delete", "crd", "accesspolicies.gatehouse.sh")
	})
	opened := func(p *v1alpha1.NetworkPlan, to, because string) bool {
		return slices.ContainsFunc(p.Status.Connections, func(c v1alpha1.NetworkConnection) bool {
			return c.From == "gateway" && c.To == "Deployment "+ns+"/"+to && strings.Contains(c.Because, because)
		})
	}
	e.becomes(ns, "a plan without the gateway", func(p *v1alpha1.NetworkPlan) bool {
		return p.Status.Phase == v1alpha1.NetworkPreviewed && !opened(p, "web", "")
	})
	e.kubectl(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web"},"spec":{"ingressClassName":"`+class+`","defaultBackend":{"service":{"name":"web","port":{"number":80}}}}}`, "apply", "-n", ns, "-f", "-")
	p := e.becomes(ns, "a plan of the Ingress", func(p *v1alpha1.NetworkPlan) bool { return opened(p, "web", "Ingress "+ns+"/web") })
	if opened(p, "carts", "") {
		t.Errorf("the gateway may connect to what nobody leads to: %+v", p.Status.Connections)
	}
	e.kubectl(`{"apiVersion":"gatehouse.sh/v1alpha1","kind":"AccessPolicy","metadata":{"name":"asked"},"spec":{"targetRefs":[{"group":"","kind":"Service","name":"web"}],`+
		`"authentication":{"anyOf":[{"name":"anybody","anonymous":{}}]},"authorization":{"rules":[{"name":"all","allow":{}}]},"externalAuth":{"http":{"backendRef":{"name":"carts","port":80},"path":"/check"}}}}`, "apply", "-n", ns, "-f", "-")
	e.becomes(ns, "a plan of the policy", func(p *v1alpha1.NetworkPlan) bool {
		return opened(p, "carts", "AccessPolicy "+ns+"/asked") && opened(p, "web", "Ingress "+ns+"/web")
	})
	e.kubectl("", "delete", "ingress", "web", "-n", ns)
	e.becomes(ns, "a plan without the gateway again", func(p *v1alpha1.NetworkPlan) bool {
		return p.Status.Phase == v1alpha1.NetworkPreviewed && !opened(p, "web", "") && !opened(p, "carts", "")
	})
}
