// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	restclient "k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/enforcer"
)

// connects reports whether a plan has a connection of two Deployments of its
// namespace, for a reason that holds some words.
func connects(p *v1alpha1.NetworkPlan, from, to, because string) bool {
	return slices.ContainsFunc(p.Status.Connections, func(c v1alpha1.NetworkConnection) bool {
		return c.From == "Deployment "+p.Namespace+"/"+from && c.To == "Deployment "+p.Namespace+"/"+to && strings.Contains(c.Because, because)
	})
}

func says(p *v1alpha1.NetworkPlan, words string) bool {
	return slices.ContainsFunc(p.Status.Problems, func(s string) bool { return strings.Contains(s, words) })
}

// clientIntents is the definition of Otterize's intents, as far as the API server
// needs it.
const clientIntents = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: clientintents.k8s.otterize.com}
spec:
  group: k8s.otterize.com
  scope: Namespaced
  names: {kind: ClientIntents, listKind: ClientIntentsList, plural: clientintents, singular: clientintents}
  versions:
  - name: v2beta1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// TestEvidenceOfTheCluster: addresses that stand in ConfigMaps are found where they
// may be read, that they may not be is said and ends nothing, and what Otterize's
// intents ask for counts once they are installed.
func TestEvidenceOfTheCluster(t *testing.T) {
	e := newEnvironment(t)
	const ns, reader = "texts", "system:serviceaccount:gatehouse-system:plans"
	config := e.cp.RESTConfig()
	config.Impersonate = restclient.ImpersonationConfig{UserName: reader}
	limited, err := client.New(config, client.Options{Scheme: e.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	o := quick()
	o.Network.Surroundings.Monitoring = []string{"monitoring/app=prometheus"}
	e.start(o, nil, func(c *Controller) { c.Reader = limited })
	e.namespace(ns, "")
	const from = "- {name: %s, valueFrom: {configMapKeyRef: {name: %s, key: address}}}"
	e.kubectl(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"},"data":{"address":"carts:80"}}`, "apply", "-n", ns, "-f", "-")
	e.kubectl(workload("shop", fmt.Sprintf(from, "CARTS", "settings")), "apply", "-n", ns, "-f", "-")
	t.Cleanup(func() { e.kubectlAfter("delete", "configmap,role,rolebinding", "--all", "-n", ns) })

	e.label(ns, "preview")
	p := e.phase(ns, v1alpha1.NetworkPreviewed)
	if !says(p, "ConfigMaps of "+ns+" may not be read") || connects(p, "shop", "carts", "") {
		t.Errorf("without the right: problems %q, connections %+v", p.Status.Problems, p.Status.Connections)
	}

	e.kubectl("", "create", "role", "reads", "--verb=list", "--resource=configmaps", "-n", ns)
	e.kubectl("", "create", "rolebinding", "reads", "--role=reads", "--user="+reader, "-n", ns)
	// Another ConfigMap is named: everything is read anew, without waiting for the sweep.
	e.kubectl(workload("shop", fmt.Sprintf(from, "CARTS", "settings")+"\n        "+fmt.Sprintf(from, "WEB", "more")), "apply", "-n", ns, "-f", "-")
	p = e.becomes(ns, "a plan of the ConfigMap", func(p *v1alpha1.NetworkPlan) bool { return connects(p, "shop", "carts", "ConfigMap "+ns+"/settings") })
	if says(p, "may not be read") {
		t.Errorf("with the right: problems %q", p.Status.Problems)
	}

	e.kubectl("", "delete", "rolebinding", "reads", "-n", ns)
	e.kubectl(workload("shop", fmt.Sprintf(from, "CARTS", "settings")), "apply", "-n", ns, "-f", "-")
	p = e.becomes(ns, "a plan without the right", func(p *v1alpha1.NetworkPlan) bool { return says(p, "may not be read any more") })
	if !connects(p, "shop", "carts", "ConfigMap "+ns+"/settings") {
		t.Errorf("what was read before is forgotten: %+v", p.Status.Connections)
	}

	if connects(p, "carts", "web", "") {
		t.Fatalf("connections %+v", p.Status.Connections)
	}
	e.kubectl(clientIntents, "apply", "-f", "-")
	t.Cleanup(func() { e.kubectlAfter("delete", "crd", "clientintents.k8s.otterize.com") })
	e.served("clientintents")
	e.kubectl(`{"apiVersion":"k8s.otterize.com/v2beta1","kind":"ClientIntents","metadata":{"name":"carts"},"spec":{"workload":{"name":"carts"},"targets":[{"kubernetes":{"name":"web"}}]}}`, "apply", "-n", ns, "-f", "-")
	e.becomes(ns, "a plan of the intents", func(p *v1alpha1.NetworkPlan) bool { return connects(p, "carts", "web", "intent") })

	e.kubectl(strings.NewReplacer("k8s.otterize.com", "monitoring.coreos.com", "clientintents", "servicemonitors", "ClientIntentsList", "ServiceMonitorList", "ClientIntents", "ServiceMonitor", "v2beta1", "v1").Replace(clientIntents), "apply", "-f", "-")
	t.Cleanup(func() { e.kubectlAfter("delete", "crd", "servicemonitors.monitoring.coreos.com") })
	e.served("servicemonitors")
	e.kubectl("", "label", "service", "carts", "app=carts", "-n", ns)
	e.kubectl(`{"apiVersion":"monitoring.coreos.com/v1","kind":"ServiceMonitor","metadata":{"name":"carts"},"spec":{"selector":{"matchLabels":{"app":"carts"}},"endpoints":[{"targetPort":9102}]}}`, "apply", "-n", ns, "-f", "-")
	e.becomes(ns, "a plan of the monitor", func(p *v1alpha1.NetworkPlan) bool {
		return slices.ContainsFunc(p.Status.Connections, func(c v1alpha1.NetworkConnection) bool {
			return c.From == "monitoring" && c.To == "Deployment "+ns+"/carts" && c.Port == "TCP/9102"
		})
	})
}

// TestAPlanThatCannotBeMade: the preview says so, where, and until when; nothing is
// applied then, and what was applied before stays.
func TestAPlanThatCannotBeMade(t *testing.T) {
	e := newEnvironment(t)
	o := quick()
	var err error
	if o.Network.Enforcer, err = enforcer.Find("calico"); err != nil {
		t.Fatal(err)
	}
	e.start(o, nil)
	const ns = "unmade"
	e.namespace(ns, "apply")
	first := e.phase(ns, v1alpha1.NetworkApplied)
	e.settled(ns, inForce...)
	// Calico's blocks match pods, and this cluster has no nodes that say where pods are.
	e.kubectl(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"by-hand"},"spec":{"podSelector":{},"policyTypes":["Ingress"],"ingress":[{"from":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}]}}`, "apply", "-n", ns, "-f", "-")
	const why = "the plan cannot be made: "
	p := e.phase(ns, v1alpha1.NetworkRefused)
	if !strings.Contains(p.Status.Message, why) || !strings.Contains(p.Status.Message, "applied before stays") || p.Status.Applied != first.Status.Applied || !says(p, why) {
		t.Errorf("status %+v", p.Status)
	}
	e.settled(ns, append(slices.Clone(inForce[:3]), "by-hand", "deny", "deny")...)

	e.label(ns, "preview")
	p = e.becomes(ns, "a preview that says so", func(p *v1alpha1.NetworkPlan) bool {
		return p.Status.Mode == v1alpha1.NetworkPreview && p.Status.Phase == v1alpha1.NetworkRefused && says(p, why)
	})
	for _, c := range p.Status.Conditions {
		if want := map[string]string{v1alpha1.ConditionAccepted: "False", v1alpha1.ConditionProven: "Unknown", v1alpha1.ConditionApplied: "False"}[c.Type]; string(c.Status) != want {
			t.Errorf("condition %s is %s: %s", c.Type, c.Status, c.Message)
		}
	}
	e.settled(ns, "by-hand")
	e.kubectl("", "delete", "networkpolicy", "by-hand", "-n", ns)
	p = e.phase(ns, v1alpha1.NetworkPreviewed)
	if says(p, why) || p.Status.Counts.Policies == 0 {
		t.Errorf("status %+v", p.Status)
	}
}
