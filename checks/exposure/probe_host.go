// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// probeHost flags probes and lifecycle hooks that name a host (EXP-042).
func probeHost() checks.Check {
	return checks.Check{
		ID: "EXP-042", Name: "probe-host",
		Severity: checks.Low,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Warn},
		Kinds:    templateKinds(),
		Doc: checks.Doc{
			Title: "Probes and lifecycle hooks do not name a host",
			Why: "The kubelet connects to the host that an httpGet or tcpSocket action names, from the node's network and past NetworkPolicies. " +
				"A host other than the pod, including a loopback address, which is the node's, turns a probe into a request to whatever the author picks; readiness then tells whether it answered. " +
				"Any value is reported, in probes and in postStart and preStop of every container; a Host header is not, for it changes no destination.",
			Attack: "lets the kubelet send requests from the node to hosts that the pod itself cannot reach",
			Fix:    "remove host from the action, so that it goes to the pod; set a Host header in httpHeaders where a name is needed",
			Exempt: "Pods in the host's network that listen on the loopback address only.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
				"https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes",
			},
		},
		Run: onPods(judgeProbes),
		Fix: dropProbeHosts,
	}
}

// action is one place of a container where the kubelet connects.
type action struct {
	name string // "livenessProbe", "lifecycle.preStop"
	http *corev1.HTTPGetAction
	tcp  *corev1.TCPSocketAction
}

// eachAction visits the probes and lifecycle hooks of a container.
func eachAction(c *corev1.Container, visit func(action)) {
	probe := func(name string, p *corev1.Probe) {
		if p != nil {
			visit(action{name, p.HTTPGet, p.TCPSocket})
		}
	}
	probe("livenessProbe", c.LivenessProbe)
	probe("readinessProbe", c.ReadinessProbe)
	probe("startupProbe", c.StartupProbe)
	hook := func(name string, h *corev1.LifecycleHandler) {
		if h != nil {
			visit(action{name, h.HTTPGet, h.TCPSocket})
		}
	}
	if c.Lifecycle != nil {
		hook("lifecycle.postStart", c.Lifecycle.PostStart)
		hook("lifecycle.preStop", c.Lifecycle.PreStop)
	}
}

func judgeProbes(t inventory.Template, in checks.Input) []checks.Finding {
	var out []checks.Finding
	eachContainer(t.Spec, func(list containerList, i int, c *corev1.Container) {
		eachAction(c, func(a action) {
			add := func(kind, host string) {
				out = append(out, checks.Finding{
					Subject: "container/" + c.Name + "/" + a.name + "/" + host,
					Field:   containerField(t, list, i) + "." + a.name + "." + kind + ".host",
					Message: a.name + " of container " + c.Name + " makes the kubelet connect to " + host + " instead of the pod",
					Path:    []string{inputName(in), "kubelet", host},
				})
			}
			if a.http != nil && a.http.Host != "" {
				add("httpGet", a.http.Host)
			}
			if a.tcp != nil && a.tcp.Host != "" {
				add("tcpSocket", a.tcp.Host)
			}
		})
	})
	return out
}

func dropProbeHosts(o inventory.Object) {
	if u, custom := o.(*unstructured.Unstructured); custom {
		eachRawContainer(u, dropRawProbeHosts)
		return
	}
	t, ok := inventory.TemplateOf(o)
	if !ok {
		return
	}
	eachContainer(t.Spec, func(_ containerList, _ int, c *corev1.Container) {
		eachAction(c, func(a action) {
			if a.http != nil {
				a.http.Host = ""
			}
			if a.tcp != nil {
				a.tcp.Host = ""
			}
		})
	})
}

func dropRawProbeHosts(c map[string]any) {
	lifecycle, _ := c["lifecycle"].(map[string]any) // absent: reading nil finds no hook
	for _, raw := range []any{c["livenessProbe"], c["readinessProbe"], c["startupProbe"], lifecycle["postStart"], lifecycle["preStop"]} {
		handler, ok := raw.(map[string]any)
		if !ok {
			continue
		}
		for _, kind := range []string{"httpGet", "tcpSocket"} {
			if m, ok := handler[kind].(map[string]any); ok {
				delete(m, "host")
			}
		}
	}
}
