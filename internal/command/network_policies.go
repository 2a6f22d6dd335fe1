// SPDX-License-Identifier: Apache-2.0

package command

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// policySet is policies of every dialect that is read, which count together.
type policySet struct {
	policies []verify.Policy
	byName   map[string]part // by the name that a policy has in answers
}

// part is where the rules of a policy stand: one object has several policies
// where it has several specifications.
type part struct {
	target *target
	spec   string
}

// place returns where a rule stands, the policy without one: "policies.yaml:14",
// empty when that is not known.
func (p policySet) place(policy, rule string) string {
	at, known := p.byName[policy]
	if !known || at.target.positions == nil {
		return ""
	}
	field := ""
	switch {
	case rule != "":
		field = at.spec + "." + rule
	case at.spec != "spec":
		field = at.spec // one of several
	}
	file, line := at.target.positions.Locate(field)
	return placeOf(file, line)
}

// The kinds that are read besides NetworkPolicy, which is typed already.
var (
	ciliumKinds = map[schema.GroupKind]bool{
		{Group: "cilium.io", Kind: cilium.Kind}:            true,
		{Group: "cilium.io", Kind: cilium.ClusterwideKind}: true,
	}
	networkPolicyKind = schema.GroupKind{Group: networkingv1.GroupName, Kind: "NetworkPolicy"}
	clusterPolicyKind = schema.GroupKind{Group: policyv1alpha2.GroupName, Kind: "ClusterNetworkPolicy"}
)

// isPolicy reports whether objects of a kind are read as policies.
func isPolicy(gk schema.GroupKind) bool {
	return gk == networkPolicyKind || gk == clusterPolicyKind || ciliumKinds[gk] || unreadPolicies[gk]
}

// unreadPolicies are kinds of policies that decide about connections, too.
var unreadPolicies = map[schema.GroupKind]bool{
	{Group: "projectcalico.org", Kind: "NetworkPolicy"}:                   true,
	{Group: "projectcalico.org", Kind: "GlobalNetworkPolicy"}:             true,
	{Group: "crd.projectcalico.org", Kind: "NetworkPolicy"}:               true,
	{Group: "crd.projectcalico.org", Kind: "GlobalNetworkPolicy"}:         true,
	{Group: "crd.antrea.io", Kind: "NetworkPolicy"}:                       true,
	{Group: "crd.antrea.io", Kind: "ClusterNetworkPolicy"}:                true,
	{Group: policyv1alpha2.GroupName, Kind: "AdminNetworkPolicy"}:         true,
	{Group: policyv1alpha2.GroupName, Kind: "BaselineAdminNetworkPolicy"}: true,
	{Group: "networking.gke.io", Kind: "FQDNNetworkPolicy"}:               true,
	{Group: "k8s.ovn.org", Kind: "EgressFirewall"}:                        true,
}

// readPolicies reads the objects of files, or of what else read reads, that have
// policies. What cannot be read is an error: policies that are missing would change
// every answer.
func (a *app) readPolicies(read loaded, err error) (loaded, error) {
	if err != nil {
		return loaded{}, err
	}
	if len(read.faults) > 0 {
		a.tell(read.faults)
		return loaded{}, failure(ExitFault)
	}
	return read, nil
}

// policiesOf takes the policies among the objects, and says what they mean in a
// cluster that is as the model says. Of several with one name the last counts, as
// when they are applied in this order. What an API server would refuse is told
// with its place.
func (a *app) policiesOf(read loaded, m *generator.Model, c *ciliumFlags) (policySet, error) {
	o, err := c.options()
	if err != nil {
		return policySet{}, err
	}
	r := policyReader{model: m, gateway: o.Gateway, set: policySet{byName: map[string]part{}}}
	unread := map[schema.GroupKind]int{}
	latest := map[string]int{}
	for i := range read.targets {
		latest[read.targets[i].key.Kind.Group+" "+read.targets[i].key.String()] = i
	}
	for i := range read.targets {
		t := &read.targets[i]
		if latest[t.key.Kind.Group+" "+t.key.String()] != i {
			continue
		}
		switch {
		case !unreadPolicies[t.key.Kind]:
			r.add(t)
		case t.positions == nil:
			unread[t.key.Kind]++
		default:
			file, line := t.positions.Locate("")
			a.say("warning: %s: %s of %s is not read: the answers are without it", placeOf(file, line), t.key, t.key.Kind.Group)
		}
	}
	for _, gk := range slices.SortedFunc(maps.Keys(unread), func(x, y schema.GroupKind) int { return cmp.Compare(x.String(), y.String()) }) {
		a.say("warning: %s of %s in the cluster are not read, there are %d: the answers are without them", plural(gk), gk.Group, unread[gk])
	}
	if len(r.faults) == 0 {
		r.together()
	}
	// A doubt about a line that has a fault is about the same.
	a.tellDoubts(slices.DeleteFunc(slices.Clone(read.doubts), func(d doubt) bool {
		return slices.ContainsFunc(r.faults, func(f report.Fault) bool { return f.File == d.file && f.Line == d.line })
	}))
	if len(r.faults) > 0 {
		a.tell(r.faults)
		return policySet{}, failure(ExitFault)
	}
	return r.set, nil
}

// sayRanges says which flag answers the question that an error is about.
func sayRanges(err error) error {
	if errors.Is(err, verify.ErrPodRanges) {
		return fmt.Errorf("%w: --pod-cidr says it", err)
	}
	return err
}
