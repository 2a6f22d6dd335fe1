// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// hostNetwork flags pods that share a namespace of the node (EXP-041).
func hostNetwork() checks.Check {
	return checks.Check{
		ID: "EXP-041", Name: "host-network",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    templateKinds(),
		Doc: checks.Doc{
			Title: "Pods do not share the node's network, processes or IPC",
			Why: "With hostNetwork every port that a container listens on is open at the node's addresses, NetworkPolicies do not apply, and the pod reaches what listens on the node's loopback address and the cloud's metadata service. " +
				"hostPID shows the node's processes with their environment, and hostIPC their shared memory. " +
				"Each of the three is a finding of its own. A pod is reported also when the template of its controller already was. " +
				"Mirror pods, which stand for static pods of a node, are left out: admission cannot stop those.",
			Attack: "reaches every port of the pod at the node's address, and from the pod the node's own services and processes",
			Fix:    "remove hostNetwork, hostPID and hostIPC from the pod spec",
			Exempt: "Network plugins and node agents, in a namespace that holds nothing else.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
				"https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-and-hostnetwork-pods",
			},
		},
		Run: onPods(judgeHostNamespaces),
	}
}

func judgeHostNamespaces(t inventory.Template, in checks.Input) []checks.Finding {
	s := t.Spec
	if !s.HostNetwork && !s.HostPID && !s.HostIPC {
		return nil
	}
	var out []checks.Finding
	add := func(set bool, name, message, from string) {
		if set {
			out = append(out, checks.Finding{
				Subject: name, Field: t.SpecField() + "." + name, Message: message,
				Path: []string{from, inputName(in) + " (" + name + ")"},
			})
		}
	}
	add(s.HostNetwork, "hostNetwork", "runs in the node's network, so every port it listens on is open at the node's addresses", "any node address")
	add(s.HostPID, "hostPID", "sees the processes of the node", "the node itself")
	add(s.HostIPC, "hostIPC", "shares the memory of the node's processes", "the node itself")
	return out
}
