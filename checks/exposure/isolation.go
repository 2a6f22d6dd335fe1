// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// isolation is what policies make of the ingress of pods: NetworkPolicies, and those
// of Cilium and of the whole cluster where these are installed. The zero value is
// that of Kubernetes without policies: everything may come in.
type isolation struct {
	isolated bool // some policy isolates the pods for ingress

	denied bool // some policy refuses everyone, and no other undoes that

	// open is a policy that lets everyone in all the same, by kind and name; empty
	// when none does.
	open string
	from string // whom it lets in: "every address", "the pods of every namespace"

	// unreadable is a policy whose selector cannot be read, so that it is not
	// known whether it isolates the pods.
	unreadable string
}

// question is about the ingress of a pod.
type question struct {
	namespace string
	labels    map[string]string
	ports     []podPort // none: every port
	inv       *inventory.Inventory
}

// guarded reports whether the pods are isolated and no policy undoes it.
func (i isolation) guarded() bool { return i.denied || i.isolated && i.open == "" }

// fault says what is wrong with an isolation that does not guard; whose names
// the pods.
func (i isolation) fault(whose string) string {
	if i.open != "" {
		return i.open + " lets in " + i.from
	}
	return "no NetworkPolicy restricts who may connect to " + whose
}

// ingressOf works out who may connect to the given ports of a pod. No ports
// means every port. Policies add up: one that lets everyone in undoes the
// others. https://kubernetes.io/docs/concepts/services-networking/network-policies/
func ingressOf(namespace string, podLabels map[string]string, ports []podPort, inv *inventory.Inventory) isolation {
	var out isolation
	for np := range inv.NetworkPolicies(namespace) {
		if !isolatesIngress(np) {
			continue
		}
		selected, err := selects(&np.Spec.PodSelector, podLabels)
		if err != nil {
			out.unreadable = nameOfPolicy(np)
			continue
		}
		if !selected {
			continue
		}
		out.isolated = true
		if from, open := letsEveryoneIn(np, ports); open && out.open == "" {
			out.open, out.from = nameOfPolicy(np), from
		}
	}
	q := &question{namespace, podLabels, ports, inv}
	out.addCilium(q)
	out.addCluster(q)
	return out
}

func nameOfPolicy(np *networkingv1.NetworkPolicy) string {
	return "NetworkPolicy " + np.Namespace + "/" + np.Name
}

// isolatesIngress reports whether a policy is about ingress: it says so, or it
// says nothing, for ingress is the default whatever rules there are.
func isolatesIngress(np *networkingv1.NetworkPolicy) bool {
	return len(np.Spec.PolicyTypes) == 0 || slices.Contains(np.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)
}

// selects reports whether a selector matches labels; an empty one matches all.
func selects(s *metav1.LabelSelector, set map[string]string) (bool, error) {
	for k, v := range s.MatchLabels {
		if got, present := set[k]; !present || got != v {
			return false, nil
		}
	}
	if len(s.MatchExpressions) == 0 {
		return true, nil
	}
	compiled, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return false, fmt.Errorf("read selector: %w", err)
	}
	return compiled.Matches(labels.Set(set)), nil
}

// letsEveryoneIn returns whom the first rule of a policy lets in that restricts
// nobody and is about one of the ports.
func letsEveryoneIn(np *networkingv1.NetworkPolicy, ports []podPort) (string, bool) {
	for i := range np.Spec.Ingress {
		rule := &np.Spec.Ingress[i]
		if !concerns(rule, ports) {
			continue
		}
		if len(rule.From) == 0 {
			return "everyone", true
		}
		for j := range rule.From {
			if from, open := anyone(&rule.From[j]); open {
				return from, true
			}
		}
	}
	return "", false
}

// anyone reports whether a peer means everybody: every pod of every namespace,
// or a network that holds so much of the internet that it restricts nothing.
// Exceptions from such a network do not make it a restriction.
func anyone(peer *networkingv1.NetworkPolicyPeer) (string, bool) {
	if peer.IPBlock != nil {
		p, err := netip.ParsePrefix(strings.TrimSpace(peer.IPBlock.CIDR))
		if err == nil && !loadbalancer.Broad(p) {
			return "", false
		}
		return "every address of " + peer.IPBlock.CIDR, true
	}
	if peer.NamespaceSelector == nil || !selectsAll(peer.NamespaceSelector) {
		return "", false
	}
	if peer.PodSelector != nil && !selectsAll(peer.PodSelector) {
		return "", false
	}
	if len(peer.NamespaceSelector.MatchExpressions) > 0 {
		return "the pods of nearly every namespace", true
	}
	return "the pods of every namespace", true
}

// selectsAll reports whether a selector asks for nothing: it is empty, it only
// leaves some out, or it asks for the label that every namespace has.
func selectsAll(s *metav1.LabelSelector) bool {
	if len(s.MatchLabels) > 0 {
		return false
	}
	for i := range s.MatchExpressions {
		switch e := &s.MatchExpressions[i]; e.Operator {
		case metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpDoesNotExist:
		case metav1.LabelSelectorOpExists:
			if e.Key != corev1.LabelMetadataName {
				return false
			}
		case metav1.LabelSelectorOpIn:
			return false
		default:
			return false
		}
	}
	return true
}

// concerns reports whether a rule is about one of the ports. A rule without
// ports is about all.
func concerns(rule *networkingv1.NetworkPolicyIngressRule, ports []podPort) bool {
	if len(rule.Ports) == 0 || len(ports) == 0 {
		return true
	}
	for i := range rule.Ports {
		for _, p := range ports {
			if covers(&rule.Ports[i], p) {
				return true
			}
		}
	}
	return false
}

func covers(rule *networkingv1.NetworkPolicyPort, p podPort) bool {
	proto := corev1.ProtocolTCP
	if rule.Protocol != nil {
		proto = *rule.Protocol
	}
	switch {
	case proto != protocol(p.protocol):
		return false
	case rule.Port == nil:
		return true
	case rule.Port.Type == intstr.String:
		return p.name == rule.Port.StrVal
	case p.number == 0:
		return true // a name that no pod resolves yet may become any number
	case rule.EndPort != nil:
		return rule.Port.IntVal <= p.number && p.number <= *rule.EndPort
	}
	return rule.Port.IntVal == p.number
}
