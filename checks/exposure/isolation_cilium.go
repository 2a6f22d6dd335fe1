// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

var (
	ciliumPolicyKind     = schema.GroupKind{Group: "cilium.io", Kind: "CiliumNetworkPolicy"}
	ciliumClusterwide    = schema.GroupKind{Group: "cilium.io", Kind: "CiliumClusterwideNetworkPolicy"}
	ciliumNamespaceLabel = "io.kubernetes.pod.namespace"
	ciliumLabelsOf       = "io.cilium.k8s.namespace.labels."
)

// addCilium adds what the policies of Cilium say to an isolation: they count
// together with NetworkPolicies, as one set.
// https://docs.cilium.io/en/stable/security/policy/language/
func (i *isolation) addCilium(q *question) {
	for _, kind := range []schema.GroupKind{ciliumPolicyKind, ciliumClusterwide} {
		namespace := q.namespace
		if kind == ciliumClusterwide {
			namespace = ""
		}
		for u := range inventory.List[*unstructured.Unstructured](q.inv, kind, namespace) {
			c := ciliumPolicy{question: q, name: kind.Kind + " " + nameOf(u), clusterwide: kind == ciliumClusterwide}
			c.rule(i, object(u.Object["spec"]))
			for _, rule := range objects(u.Object["specs"]) {
				c.rule(i, rule)
			}
		}
	}
}

// ciliumPolicy is one that is asked about a pod.
type ciliumPolicy struct {
	*question
	name        string
	clusterwide bool
}

// rule reads one specification. Rules about nodes are about no pod.
func (c *ciliumPolicy) rule(i *isolation, rule map[string]any) {
	selector, aboutPods := rule["endpointSelector"].(map[string]any)
	if !aboutPods {
		return
	}
	ingress, deny := objects(rule["ingress"]), objects(rule["ingressDeny"])
	if len(ingress)+len(deny) == 0 {
		return
	}
	switch selected, known := c.selects(selector); {
	case !known:
		i.unreadable = c.name
		return
	case !selected:
		return
	}
	if says, said := object(rule["enableDefaultDeny"])["ingress"].(bool); !said || says {
		i.isolated = true
	}
	for _, r := range deny {
		// What it denies to everyone nothing else allows.
		if from, open := c.opens(r); open && from == everyone && c.covered(r) {
			i.denied = true
		}
	}
	for _, r := range ingress {
		if from, open := c.opens(r); open && i.open == "" {
			i.open, i.from = c.name, from
		}
	}
}

// selects reports whether a selector of endpoints selects the pod; not known for
// labels that Cilium makes of something else.
func (c *ciliumPolicy) selects(selector map[string]any) (selected, known bool) {
	s, ok := selectorOf(selector, plainLabel)
	if !ok {
		return false, false
	}
	labels := map[string]string{ciliumNamespaceLabel: c.namespace}
	maps.Copy(labels, c.labels)
	if ns := c.inv.Namespace(c.namespace); ns != nil {
		for key, value := range ns.Labels {
			labels[ciliumLabelsOf+key] = value
		}
	}
	ofCilium := func(key string) bool {
		return strings.HasPrefix(key, "io.cilium.") && !strings.HasPrefix(key, ciliumLabelsOf)
	}
	for key := range s.MatchLabels {
		if ofCilium(key) {
			return false, false
		}
	}
	if slices.ContainsFunc(s.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool { return ofCilium(e.Key) }) {
		return false, false
	}
	selected, err := selects(s, labels)
	return selected, err == nil
}

// plainLabel takes off the source of a label, which Kubernetes has none of. What
// has another source than a pod's labels is selected by nothing of ours.
func plainLabel(key string) string {
	for _, source := range []string{"k8s:", "any:"} {
		if plain, cut := strings.CutPrefix(key, source); cut {
			return plain
		}
	}
	return strings.Replace(key, ":", "/", 1) // "reserved:host" is on no pod
}

// everyone is whoever can reach the cluster.
const everyone = "everyone"

// ciliumEntities are those that hold more than a restriction should.
var ciliumEntities = []struct{ entity, from string }{
	{"all", everyone},
	{"world", "every address outside of the cluster"},
	{"world-ipv4", "every address outside of the cluster"},
	{"world-ipv6", "every address outside of the cluster"},
	{"cluster", "the pods of every namespace"},
}

// opens returns whom a rule lets in that restricts nobody, on one of the ports. A
// rule without peers lets everyone in on its ports, and without ports nobody: in
// Cilium, {} allows nothing.
func (c *ciliumPolicy) opens(rule map[string]any) (string, bool) {
	ports, onSome := rule["toPorts"].([]any)
	if onSome && !about(ports, c.ports) {
		return "", false
	}
	peers := false
	for key := range rule {
		peers = peers || strings.HasPrefix(key, "from")
	}
	if !peers {
		return everyone, onSome
	}
	entities := texts(rule["fromEntities"])
	for _, e := range ciliumEntities {
		if slices.Contains(entities, e.entity) {
			return e.from, true
		}
	}
	blocks := texts(rule["fromCIDR"])
	for _, set := range objects(rule["fromCIDRSet"]) {
		if cidr, is := set["cidr"].(string); is {
			blocks = append(blocks, cidr)
		}
	}
	for _, text := range blocks {
		if p, err := netip.ParsePrefix(text); err == nil && loadbalancer.Broad(p) {
			return "every address of " + text, true
		}
	}
	for _, selector := range objects(rule["fromEndpoints"]) {
		if s, ok := selectorOf(selector, plainLabel); ok && c.selectsEveryNamespace(s) {
			return "the pods of every namespace", true
		}
	}
	return "", false
}

// selectsEveryNamespace: in a policy of a namespace a selector is about that one,
// unless it speaks of namespaces itself.
func (c *ciliumPolicy) selectsEveryNamespace(s *metav1.LabelSelector) bool {
	if len(s.MatchLabels) > 0 {
		return false
	}
	speaks := c.clusterwide
	for i := range s.MatchExpressions {
		e := &s.MatchExpressions[i]
		ofNamespaces := e.Key == ciliumNamespaceLabel || strings.HasPrefix(e.Key, ciliumLabelsOf)
		speaks = speaks || ofNamespaces
		switch e.Operator {
		case metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpDoesNotExist:
		case metav1.LabelSelectorOpExists:
			if e.Key != ciliumNamespaceLabel && e.Key != ciliumLabelsOf+"kubernetes.io/metadata.name" {
				return false
			}
		case metav1.LabelSelectorOpIn:
			return false
		default:
			return false
		}
	}
	return speaks
}

// covered reports whether a rule is about every one of the ports.
func (c *ciliumPolicy) covered(rule map[string]any) bool {
	rules, onSome := rule["toPorts"].([]any)
	if !onSome {
		return true
	}
	return len(c.ports) > 0 && !slices.ContainsFunc(c.ports, func(p podPort) bool {
		return !about(rules, []podPort{p})
	})
}

// about reports whether toPorts are about one of some ports; no ports are every one.
func about(rules []any, ports []podPort) bool {
	if len(ports) == 0 {
		return true
	}
	for _, rule := range rules {
		list := objects(object(rule)["ports"])
		if len(list) == 0 {
			return true
		}
		for _, port := range list {
			if slices.ContainsFunc(ports, func(p podPort) bool { return ciliumCovers(port, p) }) {
				return true
			}
		}
	}
	return false
}

// ciliumCovers reports whether a port of a Cilium rule is one: numbers are texts,
// 0 is every port, and so is ANY of protocols.
func ciliumCovers(rule map[string]any, p podPort) bool {
	if proto, _ := rule["protocol"].(string); proto != "" && proto != "ANY" && corev1.Protocol(proto) != protocol(p.protocol) {
		return false
	}
	text, _ := rule["port"].(string)
	first := number(text)
	switch {
	case text == "" || text == "0":
		return true
	case first == 0:
		return text == p.name
	case p.number == 0:
		return true // a name that no pod resolves yet may become any number
	}
	return first <= p.number && p.number <= max(first, number(rule["endPort"]))
}
