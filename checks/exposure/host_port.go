// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// hostPort flags containers that take a port of the node (EXP-040).
func hostPort() checks.Check {
	return checks.Check{
		ID: "EXP-040", Name: "host-port",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    templateKinds(),
		Doc: checks.Doc{
			Title: "Containers do not take ports of the node",
			Why: "A hostPort makes the container reachable at the node's own addresses, past Services, the gateway and, with many network plugins, NetworkPolicies. " +
				"Init and ephemeral containers are judged like the others. A port bound to a loopback address is reachable from the node only and is one degree less severe. " +
				"Pods in the host's network are left to host-network (EXP-041): the API server fills in their host ports. " +
				"A pod is reported also when the template of its controller already was; exempt both, or the controller's namespace. " +
				"Mirror pods, which stand for static pods of a node, are left out: admission cannot stop those.",
			Attack: "whoever reaches any node reaches the container, without TLS, authentication or rate limits",
			Fix:    "remove hostPort and route to the container through a Service and the gateway",
			Exempt: "Node agents, such as a DNS cache or a metrics exporter, on nodes whose addresses only the cluster can reach.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
				"https://kubernetes.io/docs/concepts/configuration/overview/#services",
				"https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/network-plugins/#support-hostport",
			},
		},
		Run: onPods(judgeHostPorts),
		Fix: dropHostPorts,
	}
}

func judgeHostPorts(t inventory.Template, in checks.Input) []checks.Finding {
	if t.Spec.HostNetwork {
		return nil
	}
	var out []checks.Finding
	eachContainer(t.Spec, func(list containerList, i int, c *corev1.Container) {
		for j := range c.Ports {
			p := &c.Ports[j]
			if p.HostPort == 0 {
				continue
			}
			f := checks.Finding{
				Subject: fmt.Sprintf("container/%s/hostPort/%d/%s", c.Name, p.HostPort, protocol(p.Protocol)),
				Field:   fmt.Sprintf("%s.ports[%d].hostPort", containerField(t, list, i), j),
				Message: fmt.Sprintf("container %s takes port %d of every node it runs on", c.Name, p.HostPort),
				Path:    []string{"any node address", fmt.Sprintf("%s (hostPort %d)", inputName(in), p.HostPort)},
			}
			if loopback(p.HostIP) {
				f.Severity = checks.Medium
				f.Message = fmt.Sprintf("container %s takes port %d of the loopback address of every node it runs on", c.Name, p.HostPort)
				f.Path[0] = "the node itself"
			}
			out = append(out, f)
		}
	})
	return out
}

// protocol fills in the default.
func protocol(p corev1.Protocol) corev1.Protocol {
	if p == "" {
		return corev1.ProtocolTCP
	}
	return p
}

// loopback reports whether an address is one that only its host can reach.
func loopback(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.Unmap().IsLoopback()
}

func dropHostPorts(o inventory.Object) {
	t, ok := inventory.TemplateOf(o)
	if !ok || t.Spec.HostNetwork {
		return
	}
	if u, custom := o.(*unstructured.Unstructured); custom {
		eachRawContainer(u, dropRawHostPorts)
		return
	}
	eachContainer(t.Spec, func(_ containerList, _ int, c *corev1.Container) {
		for j := range c.Ports {
			if c.Ports[j].HostPort != 0 {
				c.Ports[j].HostPort, c.Ports[j].HostIP = 0, ""
			}
		}
	})
}

func dropRawHostPorts(c map[string]any) {
	ports, ok := c["ports"].([]any)
	if !ok {
		return
	}
	for _, item := range ports {
		if p, ok := item.(map[string]any); ok && p["hostPort"] != nil {
			delete(p, "hostPort")
			delete(p, "hostIP")
		}
	}
}
