// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"cmp"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

var clusterPolicyKind = schema.GroupKind{Group: "policy.networking.k8s.io", Kind: "ClusterNetworkPolicy"}

// addCluster puts what ClusterNetworkPolicies say before and behind the others:
// those of the Admin tier decide first, those of the Baseline tier where nothing
// else isolates. They know pods alone, so that a denial keeps no address outside
// of the cluster out. https://network-policy-api.sigs.k8s.io/reference/spec/
func (i *isolation) addCluster(q *question) {
	list := slices.Collect(inventory.List[*unstructured.Unstructured](q.inv, clusterPolicyKind, ""))
	if len(list) == 0 {
		return
	}
	slices.SortFunc(list, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(number(object(a.Object["spec"])["priority"]), number(object(b.Object["spec"])["priority"])), cmp.Compare(a.GetName(), b.GetName()))
	})
	switch by, action := i.tier(q, list, "Admin"); action {
	case "Accept":
		i.isolated, i.denied, i.open, i.from = true, false, by, "the pods of every namespace"
		return
	case "Deny":
		i.isolated, i.denied = true, true
		return
	}
	if i.isolated {
		return
	}
	if _, action := i.tier(q, list, "Baseline"); action == "Deny" {
		i.isolated, i.denied = true, true
	}
}

// tier returns what the policies of a tier do with a connection that any pod of the
// cluster opens, and which of them it is; nothing where they leave it to others.
func (i *isolation) tier(q *question, list []*unstructured.Unstructured, tier string) (by, action string) {
	for _, u := range list {
		spec := object(u.Object["spec"])
		if spec["tier"] != tier {
			continue
		}
		name := clusterPolicyKind.Kind + " " + u.GetName()
		selected, known := q.subject(object(spec["subject"]))
		if !known {
			i.unreadable = name
			continue
		}
		if !selected {
			continue
		}
		for _, rule := range objects(spec["ingress"]) {
			action, _ := rule["action"].(string)
			if !slices.ContainsFunc(objects(rule["from"]), fromEveryNamespace) || !q.ruled(rule, action) {
				continue
			}
			return name, action
		}
	}
	return "", ""
}

// subject reports whether a policy is about the pod.
func (q *question) subject(subject map[string]any) (selected, known bool) {
	namespaces, ofNamespaces := subject["namespaces"].(map[string]any)
	pods, ofPods := subject["pods"].(map[string]any)
	if ofPods {
		namespaces = object(pods["namespaceSelector"])
		s, ok := selectorOf(object(pods["podSelector"]), itself)
		if !ok {
			return false, false
		}
		if is, err := selects(s, q.labels); err != nil || !is {
			return false, err == nil
		}
	}
	if !ofNamespaces && !ofPods {
		return false, false
	}
	s, ok := selectorOf(namespaces, itself)
	if !ok {
		return false, false
	}
	labels := map[string]string{corev1.LabelMetadataName: q.namespace}
	if ns := q.inv.Namespace(q.namespace); ns != nil {
		maps.Copy(labels, ns.Labels)
	}
	is, err := selects(s, labels)
	return is, err == nil
}

func itself(key string) string { return key }

// fromEveryNamespace reports whether a peer is the pods of every namespace.
func fromEveryNamespace(peer map[string]any) bool {
	all := func(raw any) bool {
		m, is := raw.(map[string]any)
		if !is {
			return false
		}
		s, ok := selectorOf(m, itself)
		return ok && selectsAll(s)
	}
	if pods, is := peer["pods"].(map[string]any); is {
		return all(pods["namespaceSelector"]) && all(pods["podSelector"])
	}
	return all(peer["namespaces"])
}

// ruled reports whether a rule is about the ports: one that accepts about any of
// them, one that denies about all.
func (q *question) ruled(rule map[string]any, action string) bool {
	protocols, said := rule["protocols"].([]any)
	if !said || len(protocols) == 0 {
		return true
	}
	about := func(p podPort) bool {
		return slices.ContainsFunc(objects(protocols), func(m map[string]any) bool { return clusterCovers(m, p) })
	}
	if action == "Deny" {
		return len(q.ports) > 0 && !slices.ContainsFunc(q.ports, func(p podPort) bool { return !about(p) })
	}
	return len(q.ports) == 0 || slices.ContainsFunc(q.ports, about)
}

// clusterCovers reports whether one entry of protocols is about a port.
func clusterCovers(entry map[string]any, p podPort) bool {
	if name, named := entry["destinationNamedPort"].(string); named {
		return name == p.name
	}
	for field, proto := range map[string]corev1.Protocol{"tcp": corev1.ProtocolTCP, "udp": corev1.ProtocolUDP, "sctp": corev1.ProtocolSCTP} {
		of, is := entry[field].(map[string]any)
		if !is || proto != protocol(p.protocol) {
			continue
		}
		port := object(of["destinationPort"])
		if span, ranged := port["range"].(map[string]any); ranged {
			return number(span["start"]) <= p.number && p.number <= number(span["end"])
		}
		return port == nil || number(port["number"]) == p.number
	}
	return false
}
