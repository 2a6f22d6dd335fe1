// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"cmp"
	"maps"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Stage says what a list of steps does. The zero value is that there is nothing
// to do.
type Stage uint8

// The stages, in their order.
const (
	Done  Stage = iota
	Open        // hold directions open that are not denied
	Allow       // write what allows, and mend what somebody changed
	Cut         // deny, and delete what is no longer wanted
	Close       // let go of what was held open
)

// String returns the stage in one word.
func (s Stage) String() string {
	return [...]string{"done", "open", "allow", "cut", "close"}[min(s, Close)]
}

// Step is one request. Steps are executed in order; one that fails ends the stage.
type Step struct {
	Delete bool // otherwise the policy is applied
	Policy *networkingv1.NetworkPolicy
}

// State is the policies of one namespace, and its pods.
type State struct {
	Namespace string
	Ours      []*networkingv1.NetworkPolicy // those with RoleLabel
	Foreign   []*networkingv1.NetworkPolicy

	// Pods are the labels of the pods that there are or may be, as far as anybody
	// knows.
	Pods []labels.Set
}

// directions are those of NetworkPolicy.
var directions = [...]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}

// Next returns the next stage on the way to what is wanted (of Named; nothing of
// it withdraws everything) and its steps. It is called again when they have taken
// effect, until it returns Done.
func Next(s State, wanted []*networkingv1.NetworkPolicy) (Stage, []Step) {
	r := &rollout{state: s, live: byName(s.Ours), wanted: byName(wanted)}
	var open, allow, cut []Step
	for _, d := range directions {
		for _, p := range r.openers(d) {
			if !same(r.live[p.Name], p) {
				open = append(open, Step{Policy: p})
			}
		}
	}
	for _, p := range wanted {
		switch {
		case same(r.live[p.Name], p):
		case isDenial(&p.Spec):
			cut = append(cut, Step{Policy: p})
		default:
			allow = append(allow, Step{Policy: p})
		}
	}
	switch {
	case len(open) > 0:
		return Open, open
	case len(allow) > 0:
		return Allow, allow
	}
	if cut = slices.Concat(r.stale(denies), cut, r.stale(allows)); len(cut) > 0 {
		return Cut, cut
	}
	if closed := r.stale(opening); len(closed) > 0 {
		return Close, closed
	}
	return Done, nil
}

type rollout struct {
	state        State
	live, wanted map[string]*networkingv1.NetworkPolicy
}

func byName(list []*networkingv1.NetworkPolicy) map[string]*networkingv1.NetworkPolicy {
	out := make(map[string]*networkingv1.NetworkPolicy, len(list))
	for _, p := range list {
		out[p.Name] = p
	}
	return out
}

// stale deletes policies of a role that are not wanted. What has a role that
// nobody knows counts as one that allows.
func (r *rollout) stale(role string) []Step {
	var out []Step
	for _, p := range slices.SortedFunc(maps.Values(r.live), func(a, b *networkingv1.NetworkPolicy) int { return cmp.Compare(a.Name, b.Name) }) {
		is := p.Labels[RoleLabel]
		if is != denies && is != opening {
			is = allows
		}
		if is == role && r.wanted[p.Name] == nil {
			out = append(out, Step{Delete: true, Policy: p})
		}
	}
	return out
}

// denied reports whether a direction is denied to every pod among some policies.
func denied(list map[string]*networkingv1.NetworkPolicy, d networkingv1.PolicyType) bool {
	for _, p := range list {
		if isDenial(&p.Spec) && isolates(p, d) {
			return true
		}
	}
	return false
}

// openers are those that a direction needs: where policies that allow something
// come or go, and not every pod is denied before and after. Pods that foreign
// policies isolate stay as they are.
func (r *rollout) openers(d networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	if denied(r.live, d) && denied(r.wanted, d) || !r.moving(d) {
		return nil
	}
	foreign := make([]labels.Requirements, 0, len(r.state.Foreign))
	for _, p := range r.state.Foreign {
		if !isolates(p, d) {
			continue
		}
		theirs, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			return nil // whom it isolates nobody knows
		}
		requirements, _ := theirs.Requirements()
		foreign = append(foreign, requirements)
	}
	if len(foreign) == 0 {
		return []*networkingv1.NetworkPolicy{opener(r.state.Namespace, metav1.LabelSelector{}, d)}
	}
	subjects := r.subjects(d)
	out := map[string]*networkingv1.NetworkPolicy{}
	for _, pod := range slices.Concat(r.state.Pods, strangers(subjects)) {
		if !slices.ContainsFunc(subjects, func(s labels.Selector) bool { return s.Matches(pod) }) {
			continue
		}
		if selector, free := beside(pod, foreign); free {
			p := opener(r.state.Namespace, selector, d)
			out[p.Name] = p
		}
	}
	return slices.SortedFunc(maps.Values(out), func(a, b *networkingv1.NetworkPolicy) int { return cmp.Compare(a.Name, b.Name) })
}

// subjects are whom our policies isolate in a direction, before or after, the
// denials left out: those come once nothing is missing.
func (r *rollout) subjects(d networkingv1.PolicyType) []labels.Selector {
	var out []labels.Selector
	for _, list := range []map[string]*networkingv1.NetworkPolicy{r.live, r.wanted} {
		for _, p := range list {
			if role := p.Labels[RoleLabel]; !isolates(p, d) || role == opening || role == denies {
				continue
			}
			if s, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector); err == nil { // one that is there was read
				out = append(out, s)
			}
		}
	}
	return out
}

// moving reports whether policies that allow something in a direction come or go.
func (r *rollout) moving(d networkingv1.PolicyType) bool {
	for name, p := range r.wanted {
		if isolates(p, d) && !isDenial(&p.Spec) && !same(r.live[name], p) {
			return true
		}
	}
	for name, p := range r.live {
		if isolates(p, d) && r.wanted[name] == nil && p.Labels[RoleLabel] != opening && p.Labels[RoleLabel] != denies {
			return true
		}
	}
	return false
}

// same reports whether a policy is there as it is wanted. What others have added
// to its labels and annotations is theirs.
func same(live, wanted *networkingv1.NetworkPolicy) bool {
	return live != nil && digest(live.Spec) == digest(wanted.Spec) && holds(live.Labels, wanted.Labels) && holds(live.Annotations, wanted.Annotations)
}

func holds(all, some map[string]string) bool {
	for key, value := range some {
		if have, there := all[key]; !there || have != value {
			return false
		}
	}
	return true
}
