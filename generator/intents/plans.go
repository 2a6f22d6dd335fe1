// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// plans reads those that were handed in, and those among the objects.
func (r *reader) plans(list []*v1alpha1.NetworkPlan) {
	for _, p := range list {
		r.plan(p)
	}
	for e := range r.inv.Entries(NetworkPlanKind, "") {
		switch o := e.Object.(type) {
		case *v1alpha1.NetworkPlan:
			r.plan(o)
		case *unstructured.Unstructured:
			r.planOf(o)
		}
	}
}

// planOf converts a plan as a file has it. What no API server would take refuses the plan:
// nobody knows what it was to restrict.
func (r *reader) planOf(u *unstructured.Unstructured) {
	at := place{object: inventory.KeyOf(u), field: "spec", what: "NetworkPlan", about: generator.NamespacePeerOf(u.GetNamespace())}
	if v := u.GroupVersionKind().Version; v != v1alpha1.GroupVersion.Version {
		at.field = "apiVersion"
		r.problem(&at, "version %q is not known: %s is", notation.Shortened(v), v1alpha1.GroupVersion.Version)
		return
	}
	if r.judge != nil {
		faults := r.judge(u.Object)
		for _, fault := range faults {
			at.field = fault.Field
			r.problem(&at, "%s", oneLine(fault))
		}
		if len(faults) > 0 {
			return
		}
	}
	plan := &v1alpha1.NetworkPlan{}
	if err := strict(u.Object, plan); err != nil {
		r.problem(&at, "%s", oneLine(err))
		return
	}
	r.plan(plan)
}

// oneLine is what a strict conversion says, on one line that a message can bear.
func oneLine(err error) string {
	const most = 300
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// plan reads the connections of a plan.
func (r *reader) plan(p *v1alpha1.NetworkPlan) {
	if p.Name != v1alpha1.NetworkPlanName {
		at := place{object: planKey(p), field: "metadata.name", what: "metadata.name", about: generator.NamespacePeerOf(p.Namespace)}
		r.problem(&at, "the only NetworkPlan of a namespace is named %s", v1alpha1.NetworkPlanName)
		return
	}
	for i := range p.Spec.Allow {
		r.intent(p, &p.Spec.Allow[i], fmt.Sprintf("spec.allow[%d]", i))
	}
}

func planKey(p *v1alpha1.NetworkPlan) inventory.Key {
	return inventory.Key{Kind: NetworkPlanKind, Namespace: p.Namespace, Name: p.Name}
}

func (r *reader) intent(p *v1alpha1.NetworkPlan, n *v1alpha1.NetworkIntent, field string) {
	at := place{object: planKey(p), field: field, what: field, about: generator.NamespacePeerOf(p.Namespace)}
	if n.ExpiresAt != nil {
		at.expires = n.ExpiresAt.Time
	}
	if n.From == nil && n.To == nil {
		r.problem(&at, "says nothing: give from, to or both")
		return
	}
	from, okFrom := r.end(&at, p.Namespace, n.From, field+".from")
	to, okTo := r.end(&at, p.Namespace, n.To, field+".to")
	if !okFrom || !okTo {
		return
	}
	if !owned(from, p.Namespace) && !owned(to, p.Namespace) {
		r.problem(&at, "neither end is pods of namespace %s: only the plan of a namespace speaks for it", p.Namespace)
		return
	}
	var ports []generator.Port
	for i, text := range n.Ports {
		list, err := notation.ParsePorts(text)
		if err != nil {
			r.problem(&at, "ports[%d]: %v", i, err)
			continue
		}
		ports = append(ports, list...)
	}
	if len(n.Ports) > 0 && len(ports) == 0 {
		return
	}
	if to.Kind == generator.WorkloadPeer && len(ports) == 0 {
		r.problem(&at, "no port is given, and %s has none of its own", to)
		return
	}
	if at.requests, okTo = r.requests(at, n.HTTP, field+".http"); !okTo {
		return
	}
	at.what = field + ": " + notation.Shortened(strings.Join(strings.Fields(n.Reason), " "))
	r.wish(&at, from, to, ports)
}

// owned reports whether an end is pods of a namespace and of no other.
func owned(p generator.Peer, namespace string) bool {
	switch p.Kind { //nolint:exhaustive // the others are not of one namespace
	case generator.WorkloadPeer, generator.ServicePeer, generator.NamespacePeer:
		return p.Namespace == namespace
	}
	return false
}

// end reads one end of a connection; without one it is every pod of the namespace.
func (r *reader) end(at *place, namespace string, p *v1alpha1.NetworkPeer, field string) (generator.Peer, bool) {
	if p == nil {
		return generator.NamespacePeerOf(namespace), true
	}
	in := func(other string) string {
		if other == "" {
			return namespace
		}
		return other
	}
	// As text, each of them is read as anybody else writes it.
	var texts []string
	if w := p.Workload; w != nil {
		kind := w.Kind
		if kind == "" {
			kind = "Deployment"
		}
		texts = append(texts, kind+"/"+in(w.Namespace)+"/"+w.Name)
	}
	if s := p.Service; s != nil {
		texts = append(texts, "service/"+in(s.Namespace)+"/"+s.Name)
	}
	if p.Namespace != "" {
		texts = append(texts, "namespace/"+p.Namespace)
	}
	for _, text := range []string{p.CIDR, p.Domain, p.Group} {
		if text != "" {
			texts = append(texts, text)
		}
	}
	if len(texts) != 1 {
		r.problem(at, "%s: a peer is exactly one of workload, service, namespace, cidr, domain, group; here are %d", field, len(texts))
		return generator.Peer{}, false
	}
	peer, err := notation.ParsePeer(texts[0])
	if err == nil && !asked(p, peer.Kind) {
		err = fmt.Errorf("%q is something else", notation.Shortened(texts[0]))
	}
	if err == nil {
		peer, err = notation.Find(r.universe, peer)
	}
	if err != nil {
		r.problem(at, "%s: %v", field, err)
		return generator.Peer{}, false
	}
	return peer, true
}

// asked reports whether what was read is what the field is for: a domain that is
// an address, a group that is a workload.
func asked(p *v1alpha1.NetworkPeer, k generator.PeerKind) bool {
	switch k {
	case generator.WorkloadPeer:
		return p.Workload != nil
	case generator.ServicePeer:
		return p.Service != nil
	case generator.NamespacePeer:
		return p.Namespace != ""
	case generator.CIDRPeer:
		return p.CIDR != ""
	case generator.FQDNPeer:
		return p.Domain != ""
	case generator.ClusterPeer, generator.ExternalPeer, generator.DNSPeer, generator.APIServerPeer, generator.NodePeer, generator.GatewayPeer, generator.MonitoringPeer:
		return p.Group != ""
	}
	return false
}
