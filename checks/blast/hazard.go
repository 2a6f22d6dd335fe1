// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// hazard is one chain: a workload, a door to it and a harm that it can do.
type hazard struct {
	root  inventory.Key       // the workload as a person knows it
	w     *inventory.Workload // the template that is meant
	door  door
	more  int // doors of the same reach
	reach reach
	harm  harm
}

func (h *hazard) severity() checks.Severity {
	if h.harm.term == byIdentity && h.reach == outside {
		return h.harm.severity + 1
	}
	return h.harm.severity
}

func (h *hazard) certainty() checks.Certainty { return max(h.harm.certainty, h.door.Certainty()) }

// found is what a search comes back with.
type found struct {
	hazards []*hazard
	reached map[account][]target // of a judge
}

// search returns the chains that the object under judgement is part of. The checks of
// one evaluation share them. What is known already is for an input that differs only
// in the roles and bindings that the object changes.
func search(in checks.Input, known map[account][]target) *found {
	return checks.Shared(in, in.Object, func() *found {
		j := newJudge(in)
		j.reached = known
		return &found{j.hazards(), j.reached}
	})
}

func hazardsOf(in checks.Input) []*hazard { return search(in, nil).hazards }

// hazardsBefore is hazardsOf for the object before an update. To compare the two is
// what an update of a role with a thousand bindings costs most, and who runs as an
// account, and behind which doors, no role decides.
func hazardsBefore(in checks.Input) []*hazard {
	return search(in.Before(), search(in, nil).reached).hazards
}

// hazards finds the chains from either end: what opens something leads on to
// workloads and their accounts, what gives rights leads back to the workloads
// that use them and the doors to these.
func (j *judge) hazards() []*hazard {
	switch o := j.in.Object.(type) {
	case *corev1.Service:
		return j.ofService(o)
	case *discoveryv1.EndpointSlice, *corev1.Endpoints: //nolint:staticcheck // the deprecated kind still steers traffic (CVE-2021-25740)
		return j.ofEndpoints(o)
	case *gatewayv1.Gateway, *gatewayv1.ListenerSet:
		return j.ofGateway(o)
	case *gatewayv1.ReferenceGrant:
		return j.ofGrant(o)
	case *corev1.ServiceAccount:
		return j.ofAccount(o)
	case *inventory.Secret:
		return j.ofSecret(o)
	case *rbacv1.Role, *rbacv1.ClusterRole, *rbacv1.RoleBinding, *rbacv1.ClusterRoleBinding:
		return j.ofRights(o)
	}
	e := j.inv.Entry(inventory.KeyOf(j.in.Object))
	switch {
	case e == nil:
		return nil
	case e.Workload != nil:
		return j.ofWorkload(e.Workload)
	}
	return j.ofRoute(e)
}

// ofWorkload leaves out what the controller of a pod is in as well: a pod that is
// started again because its node is drained brings nothing new.
func (j *judge) ofWorkload(w *inventory.Workload) []*hazard {
	out := j.add(nil, target{w, j.doorsOf(w)}, nil)
	if len(out) == 0 {
		return nil
	}
	up := j.controller(w)
	if up == nil || j.borrows(w, up) {
		return out
	}
	theirs := j.add(nil, target{up, j.doorsOf(up)}, nil)
	return slices.DeleteFunc(out, func(h *hazard) bool {
		return slices.ContainsFunc(theirs, func(s *hazard) bool {
			return s.reach == h.reach && s.harm.term == h.harm.term && same(h, s) && !worse(h, s)
		})
	})
}

// borrows reports whether somebody who is not a controller writes an object that
// names one and runs images that it does not: such a reference must not carry over
// what is known, or exempt, of the controller. Controllers are believed, for other
// webhooks may change the images of what they make. Commands are not compared, which
// an inventory does not hold, and neither are ephemeral containers, which no
// template has.
func (j *judge) borrows(w, up *inventory.Workload) bool {
	r := j.in.Request
	if r.Stored || checks.StartsPods(r.User) || w.Spec == nil || up.Spec == nil {
		return false
	}
	all := slices.Concat(up.Spec.InitContainers, up.Spec.Containers)
	return slices.ContainsFunc(slices.Concat(w.Spec.InitContainers, w.Spec.Containers), func(c corev1.Container) bool {
		return !slices.ContainsFunc(all, func(d corev1.Container) bool { return d.Image == c.Image })
	})
}

// add appends the chains of a target. Keep, when not nil, says which of its
// harms have to do with the object under judgement.
func (j *judge) add(out []*hazard, t target, keep func(harm) (harm, bool)) []*hazard {
	if t.doors.none() || j.platform(t.w) {
		return out
	}
	best := t.doors.best
	if d := best[outside]; d != nil && d.Certainty() == checks.Violation {
		best[gateway], best[inside] = nil, nil
	}
	var root inventory.Key // once it is asked for
	harms := j.harmsOf(t.w)
	for i := range harms {
		h := harms[i]
		if keep != nil {
			var ours bool
			if h, ours = keep(h); !ours {
				continue
			}
		}
		for r, d := range best {
			if d == nil {
				continue
			}
			if root.Name == "" {
				root = j.root(t.w)
			}
			out = append(out, &hazard{root, t.w, *d, t.doors.count[r] - 1, reach(r), h})
		}
	}
	return out
}

// system are the namespaces of the cluster itself, whose objects the webhook
// never judges.
var system = []string{"kube-system", "kube-public", "kube-node-lease"}

// platform reports whether a workload is the cluster's own or the gateway's: a
// change elsewhere is not refused on its account.
func (j *judge) platform(w *inventory.Workload) bool {
	at := w.Key.Namespace
	return at != j.in.Object.GetNamespace() && (slices.Contains(system, at) || slices.Contains(j.in.Parameters.Gateway.Namespaces, at))
}

// compareDoor puts first what is certain, the internet, and what a Service opens
// itself.
func compareDoor(a, b *door) int {
	rank := func(d *door) int {
		switch {
		case d.From != "internet":
			return 2
		case d.Referrer() != nil:
			return 1
		}
		return 0
	}
	name := func(d *door) string {
		if d.svc == nil {
			return ""
		}
		return d.svc.Name
	}
	return cmp.Or(cmp.Compare(a.Certainty(), b.Certainty()), rank(a)-rank(b), cmp.Compare(a.By, b.By), cmp.Compare(name(a), name(b)))
}

// compareHazard puts the worse first: by severity, by how widely it can be
// reached, and by name.
func compareHazard(a, b *hazard) int {
	if c := cmp.Or(cmp.Compare(b.severity(), a.severity()), cmp.Compare(a.certainty(), b.certainty()), cmp.Compare(a.reach, b.reach)); c != 0 {
		return c
	}
	if c := a.root.Compare(b.root); c != 0 { // mostly, and a thousand are compared
		return c
	}
	return cmp.Or(compareHarm(&a.harm, &b.harm), a.w.Key.Compare(b.w.Key), compareDoor(&a.door, &b.door))
}

// worstOfEach keeps, in place, one chain of each workload, and sorts them. What is
// certain counts more than what is severe: a doubt must not hide a violation.
func worstOfEach(list []*hazard) []*hazard {
	slices.SortFunc(list, func(a, b *hazard) int {
		if c := a.root.Compare(b.root); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.certainty(), b.certainty()), compareHazard(a, b))
	})
	list = slices.CompactFunc(list, func(a, b *hazard) bool { return a.root == b.root })
	slices.SortFunc(list, compareHazard)
	return list
}

// worse reports whether a chain is more than another of the same workload: more
// severe, more certain, or as severe and made up of something new.
func worse(now, before *hazard) bool {
	switch {
	case now.severity() != before.severity():
		return now.severity() > before.severity()
	case now.certainty() != before.certainty():
		return now.certainty() < before.certainty()
	}
	return news(now, before) != ""
}

// news returns what the other chain lacks: a wider reach, or the first trait that
// is new; empty: nothing.
func news(now, before *hazard) string {
	if now.reach < before.reach {
		return "reach/" + now.door.From
	}
	if now.harm.account != before.harm.account && now.harm.term != byEscape {
		return title(now)
	}
	if now.harm.effect != nil && now.harm.effect == before.harm.effect {
		return ""
	}
	had := before.harm.traits()
	_, everyone := slices.BinarySearch(had, becomes)
	for _, t := range now.harm.traits() {
		if _, known := slices.BinarySearch(had, t); !known && !(everyone && strings.HasPrefix(t, becomes)) {
			return t
		}
	}
	return ""
}

// title names what a chain is about, by its account or its first part.
func title(h *hazard) string {
	if h.harm.term == byEscape {
		return h.harm.parts[0].trait
	}
	return strings.ReplaceAll(h.harm.account.String(), " ", "/")
}
