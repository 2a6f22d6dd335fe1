// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/test/controlplane"
)

// spec replaces the spec of the plan of a namespace.
func (e *environment) spec(namespace, spec string) {
	e.t.Helper()
	e.kubectl(fmt.Sprintf(`{"apiVersion":"gatehouse.sh/v1alpha1","kind":"NetworkPlan","metadata":{"name":"default","namespace":%q},"spec":%s}`, namespace, spec), "apply", "--server-side", "--force-conflicts", "-f", "-")
}

// enforced waits until the plan of a namespace is applied and its policies have
// some words in them, and others not.
func (e *environment) enforced(namespace, has, hasNot string) {
	e.t.Helper()
	controlplane.Eventually(e.t, time.Minute, "the policies say "+has, func() error {
		text := e.kubectl("", "get", "networkpolicy", "-n", namespace, "-l", "gatehouse.sh/network-role=allow", "-o", "jsonpath={.items[*].spec}")
		p := e.plan(namespace)
		if p == nil || p.Status.Phase != v1alpha1.NetworkApplied || p.Status.Applied != p.Status.Plan || !strings.Contains(text, has) || hasNot != "" && strings.Contains(text, hasNot) {
			return fmt.Errorf("they say %s; the plan: %+v", text, p)
		}
		return nil
	})
}

// endpoints are those of a Service, in an object of its name: so the API server names
// its own.
func endpoints(namespace, service, address string) string {
	return fmt.Sprintf(`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"name":%q,"namespace":%q,"labels":{"kubernetes.io/service-name":%q}},"addressType":"IPv4","ports":[{"name":"https","port":6443,"protocol":"TCP"}],"endpoints":[{"addresses":[%q]}]}`,
		service, namespace, service, address)
}

// TestWhatIsFollowed: the policies go with the addresses of the API server, the
// selector and the ports of the name servers, and what is behind the Service of the
// gateway.
func TestWhatIsFollowed(t *testing.T) {
	e := newEnvironment(t)
	const ns, edge = "follows", "follows-edge"
	e.kubectl(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"`+edge+`"}}`, "apply", "-f", "-")
	e.kubectl(endpoints("default", "kubernetes", "192.0.2.16"), "apply", "-f", "-")
	e.kubectl(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"gw"},"spec":{"selector":{"app":"envoy"},"ports":[{"port":443}]}}`, "apply", "-n", edge, "-f", "-")
	t.Cleanup(func() {
		e.kubectlAfter("delete", "service,endpointslice", "--all", "-n", edge)
		e.kubectlAfter("delete", "endpointslice", "kubernetes", "-n", "default", "--ignore-not-found")
		e.kubectlAfter("delete", "service", "kube-dns", "-n", "kube-system")
	})
	o := quick()
	o.Network.Gateways = []string{edge + "/gw"}
	e.start(o, nil)
	e.namespace(ns, "apply")
	e.spec(ns, `{"allow":[{"from":{"workload":{"name":"web"}},"to":{"group":"api-server"},"reason":"leader election"},{"from":{"group":"gateway"},"to":{"service":{"name":"web"}},"reason":"customers"}]}`)
	e.enforced(ns, "envoy", "")

	t.Run("the API server", func(t *testing.T) {
		e.kubectl(endpoints("default", "kubernetes", "192.0.2.17"), "apply", "-f", "-")
		e.enforced(ns, "192.0.2.17/32", "192.0.2.18")
		e.kubectl(endpoints("default", "kubernetes", "192.0.2.18"), "apply", "-f", "-")
		e.enforced(ns, "192.0.2.18/32", "192.0.2.17")
		e.kubectl(strings.Replace(endpoints("default", "kubernetes", "203.0.113.66"), `"name":"kubernetes"`, `"name":"mine"`, 1), "apply", "-f", "-")
		t.Cleanup(func() { e.kubectlAfter("delete", "endpointslice", "mine", "-n", "default") })
		e.becomes(ns, "a plan that names who is not the API server", func(p *v1alpha1.NetworkPlan) bool {
			return strings.Contains(strings.Join(p.Status.Problems, "\n"), "EndpointSlice default/mine names addresses of it, which do not count")
		})
		e.enforced(ns, "192.0.2.18/32", "203.0.113.66")
	})
	t.Run("the name servers", func(*testing.T) {
		e.enforced(ns, `"k8s-app":"kube-dns"`, "5353")
		e.kubectl("", "patch", "service", "kube-dns", "-n", "kube-system", "--type=merge", "-p", `{"spec":{"ports":[{"name":"dns","port":53,"targetPort":5353,"protocol":"UDP"},{"name":"dns-tcp","port":53,"targetPort":5353,"protocol":"TCP"}]}}`)
		e.enforced(ns, `"port":5353`, `"port":53,`)
		e.kubectl("", "patch", "service", "kube-dns", "-n", "kube-system", "--type=merge", "-p", `{"spec":{"selector":{"k8s-app":"other-dns"}}}`)
		e.enforced(ns, `"k8s-app":"other-dns"`, `"k8s-app":"kube-dns"`)
	})
	t.Run("the gateway", func(*testing.T) {
		e.kubectl("", "patch", "service", "gw", "-n", edge, "--type=merge", "-p", `{"spec":{"selector":{"app":"haproxy"}}}`)
		e.enforced(ns, "haproxy", "envoy")
		e.kubectl("", "patch", "service", "gw", "-n", edge, "--type=merge", "-p", `{"spec":{"selector":null}}`)
		e.kubectl(endpoints(edge, "gw", "198.51.100.7"), "apply", "-f", "-")
		e.enforced(ns, "198.51.100.7/32", "haproxy")
		e.kubectl(endpoints(edge, "gw", "198.51.100.8"), "apply", "-f", "-")
		e.enforced(ns, "198.51.100.8/32", "198.51.100.7")
	})
	t.Run("a gateway that is gone", func(t *testing.T) {
		e.kubectl("", "delete", "service", "gw", "-n", edge)
		p := e.phase(ns, v1alpha1.NetworkRefused)
		if !strings.Contains(p.Status.Message, "it would cut") || !strings.Contains(p.Status.Message, `"gateway"`) {
			t.Errorf("it says %q", p.Status.Message)
		}
		if text := e.kubectl("", "get", "networkpolicy", "-n", ns, "-o", "yaml"); !strings.Contains(text, "198.51.100.8/32") {
			t.Errorf("what was applied is gone: %s", text)
		}
	})
}

// TestWhatWouldBeCut: a plan that takes away the name servers, the API server or the
// gateway is refused, with the place, and nothing of it is applied.
func TestWhatWouldBeCut(t *testing.T) {
	e := newEnvironment(t)
	e.start(quick(), nil)
	const ns = "cuts"
	e.namespace(ns, "")
	refused := func(t *testing.T, spec string, words ...string) {
		t.Helper()
		e.spec(ns, spec)
		e.label(ns, "apply")
		p := e.becomes(ns, "refused", func(p *v1alpha1.NetworkPlan) bool {
			for _, w := range words {
				if !strings.Contains(p.Status.Message, w) {
					return false
				}
			}
			return p.Status.Phase == v1alpha1.NetworkRefused && p.Status.ObservedGeneration == p.Generation
		})
		if list := e.policies(ns); len(list) > 0 || p.Status.Applied != "" {
			t.Errorf("applied all the same: %v", list)
		}
		e.label(ns, "preview")
		e.becomes(ns, "a preview that says so", func(p *v1alpha1.NetworkPlan) bool {
			return p.Status.Mode == v1alpha1.NetworkPreview && p.Status.Phase == v1alpha1.NetworkRefused && strings.Contains(p.Status.Message, words[0])
		})
	}
	t.Run("a plan that nobody asked for the name servers", func(t *testing.T) {
		refused(t, `{"learn":"none","allow":[{"from":{"workload":{"name":"web"}},"to":{"workload":{"name":"carts"}},"ports":["8080"],"reason":"sales"}]}`,
			"it would cut Deployment cuts/carts", "Deployment cuts/carts -> dns", "spec.learn is none")
	})
	t.Run("a template beside it", func(t *testing.T) {
		refused(t, `{"learn":"none","templates":[{"name":"default-deny"},{"name":"same-namespace"}]}`, "it would cut Deployment cuts/carts", "-> dns")
	})
	t.Run("the API server that a role is bound for", func(t *testing.T) {
		e.kubectl(endpoints("default", "kubernetes", "192.0.2.17"), "apply", "-f", "-")
		t.Cleanup(func() { e.kubectlAfter("delete", "endpointslice", "kubernetes", "-n", "default") })
		e.kubectl("", "create", "rolebinding", "view", "--clusterrole=view", "--serviceaccount="+ns+":default", "-n", ns)
		t.Cleanup(func() { e.kubectlAfter("delete", "rolebinding", "view", "-n", ns) })
		refused(t, `{"learn":"none","templates":[{"name":"dns"}]}`, "it would cut Deployment cuts/carts", "-> api-server", "spec.learn is none")
	})
	t.Run("a gateway that nobody knows", func(t *testing.T) {
		refused(t, `{"allow":[{"from":{"group":"gateway"},"to":{"service":{"name":"web"}},"reason":"customers"}]}`, "it would cut NetworkPlan cuts/default", `"gateway"`)
	})
	t.Run("the name servers are gone", func(t *testing.T) {
		e.kubectl("", "delete", "service", "kube-dns", "-n", "kube-system")
		refused(t, `{}`, "it would cut Deployment cuts/carts", `"dns"`)
		e.kubectl(dns, "apply", "-f", "-")
	})
	e.spec(ns, `{}`)
	e.label(ns, "apply")
	e.phase(ns, v1alpha1.NetworkApplied)
	e.settled(ns, inForce...)
	e.kubectl("", "delete", "service", "kube-dns", "-n", "kube-system")
}

// TestAnIntentThatExpires: its rule goes at that moment, not with the next sweep.
func TestAnIntentThatExpires(t *testing.T) {
	e := newEnvironment(t)
	e.start(quick(), nil)
	const ns = "expires"
	e.namespace(ns, "apply")
	e.phase(ns, v1alpha1.NetworkApplied)
	end := time.Now().Add(15 * time.Second).Truncate(time.Second)
	e.spec(ns, fmt.Sprintf(`{"allow":[{"from":{"workload":{"name":"web"}},"to":{"cidr":"192.0.2.99/32"},"ports":["443"],"reason":"for today","expiresAt":%q}]}`, end.UTC().Format(time.RFC3339)))
	e.enforced(ns, "192.0.2.99/32", "")
	if late := time.Since(end); late > 0 {
		t.Skipf("it took until %s after the end to apply the rule", late)
	}
	e.enforced(ns, "kube-dns", "192.0.2.99/32")
	took := time.Since(end)
	t.Logf("gone %s after its end", took.Round(time.Millisecond))
	if took < 0 || took > sweep/3 {
		t.Errorf("it went %s after its end", took)
	}
	if p := e.plan(ns); !says(p, "expired at") {
		t.Errorf("problems %q", p.Status.Problems)
	}
}

// complaints counts the errors in a log.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) logger() logr.Logger {
	return funcr.New(func(_, args string) {
		if strings.Contains(args, `"error"=`) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.list = append(c.list, args)
		}
	}, funcr.Options{})
}

func (c *complaints) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.list, "\n")
}

// TestANamespaceThatIsDeletedMeanwhile ends quietly, also while the inventory does
// not know yet, and the next one has its turn.
func TestANamespaceThatIsDeletedMeanwhile(t *testing.T) {
	e := newEnvironment(t)
	o := quick()
	o.AtOnce, o.Watch = 1, time.Hour
	var said complaints
	log := said.logger()
	e.log = &log
	var frozen struct {
		sync.Mutex
		inv *inventory.Inventory
	}
	var live func() *inventory.Inventory
	e.start(o, nil, func(c *Controller) {
		live = c.Inventory
		c.Inventory = func() *inventory.Inventory {
			frozen.Lock()
			defer frozen.Unlock()
			if frozen.inv != nil {
				return frozen.inv
			}
			return live()
		}
	})
	const doomed, next = "doomed", "next-in-line"
	e.namespace(doomed, "preview")
	e.namespace(next, "preview")
	e.phase(doomed, v1alpha1.NetworkPreviewed)
	e.phase(next, v1alpha1.NetworkPreviewed)

	// What the controller sees is as it was when the namespace was opted in.
	e.label(doomed, "apply")
	controlplane.Eventually(t, time.Minute, "the label is known", controlplane.Holds(func() bool {
		return live().Namespace(doomed).Labels[v1alpha1.NetworkLabel] == "apply"
	}))
	frozen.Lock()
	frozen.inv = live()
	frozen.Unlock()
	e.kubectl("", "delete", "namespace", doomed, "--wait=false")
	e.kubectl("", "delete", "networkpolicy", "--all", "-n", doomed)
	time.Sleep(3 * time.Second)
	if text := said.all(); text != "" {
		t.Errorf("it complains: %s", text)
	}
	if p := e.plan(doomed); p != nil && strings.Contains(p.Status.Message, "network-namespace") {
		t.Errorf("it asks for a right that helps nobody: %s", p.Status.Message)
	}
	frozen.Lock()
	frozen.inv = nil
	frozen.Unlock()
	e.label(next, "apply")
	e.phase(next, v1alpha1.NetworkApplied)
	if text := said.all(); text != "" {
		t.Errorf("it complains: %s", text)
	}
}
