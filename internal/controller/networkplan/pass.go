// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
	"github.com/gatehouse-sh/gatehouse/internal/controller"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// pass plans every namespace once and does in each what is due. It returns when the
// next one is, should nothing change. What is wrong in one namespace holds no other
// up; the errors come together.
func (c *Controller) pass(ctx context.Context) (next time.Duration, err error) {
	inv := c.Inventory()
	plans, all, err := c.plans(ctx)
	if err != nil {
		return sweep / 6, err
	}
	var traffic network.Traffic
	if c.Traffic != nil {
		traffic = c.Traffic()
	}
	p := &pass{Controller: c, inv: inv, plans: plans, now: time.Now(), next: sweep, phases: map[v1alpha1.NetworkPhase]int{}}
	names := p.namespaces()
	known, unread := p.texts(ctx, slices.DeleteFunc(slices.Clone(names), func(namespace string) bool {
		mode, _ := p.mode(namespace, plans[namespace])
		return mode == ""
	}))
	p.cluster, err = network.Look(network.Sources{Inventory: known, Observer: &c.observe, Plans: all, Traffic: traffic, Strangers: c.others, Unread: unread}, c.Options.Network, p.now)
	if err != nil {
		return sweep, err
	}
	maps.DeleteFunc(c.others, func(s network.Stranger, _ bool) bool {
		return inv.Entry(inventory.Key{Kind: inventory.NetworkPolicyKind, Namespace: s.Namespace, Name: s.Name}) == nil
	})
	for _, namespace := range names {
		if plan := plans[namespace]; plan != nil && p.ahead(&plan.Status) {
			p.waiting++
		}
	}
	var faults []error
	for _, namespace := range names {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err := p.namespace(ctx, namespace); err != nil {
			p.next = min(p.next, sweep/6)
			faults = append(faults, fmt.Errorf("namespace %s: %w", namespace, err))
		}
	}
	maps.DeleteFunc(c.memory, func(namespace string, _ *memory) bool { return !slices.Contains(names, namespace) })
	c.Metrics.phases(p.phases)
	return p.next, errors.Join(faults...)
}

// pass is one look at the cluster.
type pass struct {
	*Controller

	inv     *inventory.Inventory
	cluster *network.Cluster
	plans   map[string]*v1alpha1.NetworkPlan
	now     time.Time
	next    time.Duration
	waiting int // namespaces that are ahead of those that were never applied
	phases  map[v1alpha1.NetworkPhase]int
}

// namespaces are those that were opted in, that have a plan, or in which something
// of ours is left.
func (p *pass) namespaces() []string {
	set := map[string]bool{}
	for e := range p.inv.Entries(inventory.NamespaceKind, "") {
		if ns, is := e.Object.(*corev1.Namespace); is && ns.Labels[v1alpha1.NetworkLabel] != "" {
			set[ns.Name] = true
		}
	}
	for namespace := range p.plans {
		set[namespace] = true
	}
	for policy := range p.inv.NetworkPolicies("") {
		if rollout.IsOurs(policy) {
			set[policy.Namespace] = true
		}
	}
	maps.DeleteFunc(set, func(namespace string, _ bool) bool {
		ns := p.inv.Namespace(namespace)
		return ns == nil || ns.DeletionTimestamp != nil // everything in it goes by itself
	})
	return slices.Sorted(maps.Keys(set))
}

// ahead reports whether a namespace counts among those that are applied at once.
func (p *pass) ahead(s *v1alpha1.NetworkPlanStatus) bool {
	switch s.Phase { //nolint:exhaustive // the others wait, or are through
	case v1alpha1.NetworkWithdrawn:
		return true
	case v1alpha1.NetworkApplying:
		return s.Applied == ""
	case v1alpha1.NetworkApplied:
		return s.FirstAppliedAt != nil && p.now.Sub(s.FirstAppliedAt.Time).Abs() < p.Options.Watch
	}
	return false
}

// mode returns how far the plan of a namespace goes, and what is wrong with what
// its label says.
func (p *pass) mode(namespace string, plan *v1alpha1.NetworkPlan) (mode v1alpha1.NetworkMode, fault string) {
	label := ""
	if ns := p.inv.Namespace(namespace); ns != nil {
		label = ns.Labels[v1alpha1.NetworkLabel]
	}
	switch {
	case label == "" && plan != nil:
		mode = cmp.Or(plan.Spec.Mode, v1alpha1.NetworkPreview) // a plan without spec has no default
	case label == "":
		return "", ""
	default:
		mode = v1alpha1.NetworkMode(label)
	}
	switch {
	case slices.Contains(p.Options.Never, namespace) && mode == v1alpha1.NetworkApply:
		return v1alpha1.NetworkPreview, "No plan is applied in " + namespace + ": the cluster, or Gatehouse itself, runs there."
	case mode != v1alpha1.NetworkApply && mode != v1alpha1.NetworkPreview:
		return v1alpha1.NetworkPreview, fmt.Sprintf("The label %s has the value %q, which is neither preview nor apply.", v1alpha1.NetworkLabel, label)
	}
	return mode, ""
}

// namespace plans one and does what is due.
func (p *pass) namespace(ctx context.Context, namespace string) error {
	plan := p.plans[namespace]
	mode, fault := p.mode(namespace, plan)
	if mode != "" && plan == nil {
		return p.create(ctx, namespace)
	}
	spec, status := &v1alpha1.NetworkPlanSpec{}, &v1alpha1.NetworkPlanStatus{}
	if plan != nil {
		spec, status = &plan.Spec, plan.Status.DeepCopy()
	}
	if mode == "" {
		if err := p.advance(ctx, namespace, p.cluster.Withdraw(namespace)); !errors.Is(err, errGone) {
			return err
		}
		return nil
	}
	proposal := p.cluster.Propose(namespace, spec)
	if at := proposal.Expires(); !at.IsZero() {
		p.next = min(p.next, at.Sub(p.now))
	}
	if mode != v1alpha1.NetworkApply || plan.Generation != status.ObservedGeneration {
		status.Withdrawn = ""
	}
	facts := p.facts(mode, fault, spec, status, proposal)
	if p.ahead(&plan.Status) {
		facts.Ahead-- // it need not wait for itself
	}
	d := network.Decide(&facts)
	kept, done := p.settle(namespace, plan, status, proposal, &facts, d), error(nil)
	switch d.Act {
	case network.Keep:
	case network.Advance:
		done = p.advance(ctx, namespace, proposal.Apply())
	case network.Mend:
		done = p.mend(ctx, namespace, status.Applied, proposal)
	case network.Withdraw:
		done = p.advance(ctx, namespace, proposal.Withdraw())
	}
	if errors.Is(done, errGone) {
		return nil // as if the inventory knew already
	}
	if done != nil {
		// It is its turn no longer: others need not wait until somebody gives the right.
		d.Phase, d.Reason, d.Message = v1alpha1.NetworkRefused, v1alpha1.ReasonForbidden, "It could not be done: "+done.Error()
	}
	p.phases[d.Phase]++
	network.Fill(status, plan.Generation, mode, proposal, d)
	return errors.Join(proposal.Fault, kept, done, p.writeStatus(ctx, plan, status))
}

// mend goes back to what was applied as a whole last, where this process has seen it.
func (p *pass) mend(ctx context.Context, namespace, applied string, proposal *network.Proposal) error {
	m := p.remember(namespace)
	if m.digest != applied {
		return nil
	}
	policies, err := m.applied.Policies()
	if err != nil {
		return err
	}
	return p.advance(ctx, namespace, proposal.To(policies))
}

func (p *pass) facts(mode v1alpha1.NetworkMode, fault string, spec *v1alpha1.NetworkPlanSpec, status *v1alpha1.NetworkPlanStatus, proposal *network.Proposal) network.Facts {
	f := network.Facts{
		Mode: mode, Fault: fault, Paused: spec.Paused, Refusals: proposal.Refusals, Digest: proposal.Digest,
		Applied: status.Applied, Withdrawn: status.Withdrawn, Ahead: p.waiting, AtOnce: p.Options.AtOnce, Watch: p.Options.Watch, Now: p.now,
		Denied: proposal.Denies(),
	}
	f.Stage, _ = proposal.Apply().Next()
	f.Cleanup, _ = proposal.Withdraw().Next()
	if status.AppliedAt != nil {
		if f.AppliedAt = status.AppliedAt.Time; f.AppliedAt.After(p.now) {
			f.AppliedAt = p.now // the clock went back
		}
	}
	// Of another plan nothing has been seen yet.
	if status.AppliedAt != nil && status.Applied == proposal.Digest {
		for _, d := range proposal.Drops {
			// A policy that has not taken effect yet, or the one before, is no fault of the plan.
			if d.Wanted && d.Last.After(f.AppliedAt.Add(p.Options.Settle)) {
				f.Dropped = append(f.Dropped, d)
			}
		}
	}
	return f
}

// settle notes in the status what a decision changes in what is applied, and tells
// what a person should know. An error says that what is applied could not be kept.
func (p *pass) settle(namespace string, plan *v1alpha1.NetworkPlan, s *v1alpha1.NetworkPlanStatus, proposal *network.Proposal, f *network.Facts, d network.Decision) (err error) {
	m := p.remember(namespace)
	switch {
	case d.Forsake:
		s.Withdrawn = f.Digest
	case d.Phase == v1alpha1.NetworkApplied && s.Applied != f.Digest:
		s.Applied, s.AppliedAt = f.Digest, now(p.now)
		if s.FirstAppliedAt == nil {
			s.FirstAppliedAt = s.AppliedAt
		}
	}
	if d.Phase == v1alpha1.NetworkApplied {
		m.digest = f.Digest
		if m.applied, err = p.store.Put(proposal.Policies); err != nil {
			m.digest = "" // what is not known is not mended
		}
	}
	if d.Act == network.Withdraw && f.Cleanup == rollout.Done {
		s.Applied, s.AppliedAt, s.FirstAppliedAt = "", nil, nil
	}
	if d.Phase == v1alpha1.NetworkApplying && s.Applied == "" && s.Phase != v1alpha1.NetworkApplying {
		p.waiting++ // the next ones see it
	}
	if watch := p.Options.Watch - p.now.Sub(f.AppliedAt); s.Applied != "" && watch > 0 {
		p.next = min(p.next, watch)
	}
	if m.phase != "" && m.phase != d.Phase || d.Forsake {
		p.tell(plan, proposal, d)
	}
	m.phase = d.Phase
	return err
}

func (p *pass) tell(plan *v1alpha1.NetworkPlan, proposal *network.Proposal, d network.Decision) {
	notice := controller.Notice{
		Object: inventory.Key{Kind: intents.NetworkPlanKind, Namespace: plan.Namespace, Name: plan.Name},
		About: &corev1.ObjectReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.NetworkPlanKind, Namespace: plan.Namespace, Name: plan.Name, UID: plan.UID,
		},
		Action: "PlanNetwork", Reason: string(d.Phase), Text: d.Message,
	}
	switch d.Phase { //nolint:exhaustive // the others change too often to be told
	case v1alpha1.NetworkApplied:
		notice.Type = corev1.EventTypeNormal
		notice.Text = fmt.Sprintf("%d policies for %d connections are in force", len(proposal.Policies), len(proposal.Model.Edges))
	case v1alpha1.NetworkRefused, v1alpha1.NetworkWithdrawn:
	default:
		return
	}
	p.Tell(notice)
}

// advance executes the next stage, unless the one before has not taken effect yet.
func (p *pass) advance(ctx context.Context, namespace string, way network.Transition) error {
	stage, steps := way.Next()
	if stage == rollout.Done {
		return nil
	}
	m := p.remember(namespace)
	// What allows more, or mends what somebody changed, need not wait for anything
	// that allows more.
	if left := p.Options.Settle - time.Since(m.moved); left > 0 && (stage == rollout.Cut || stage == rollout.Close || stage == rollout.Allow && way.Opening()) {
		p.next = min(p.next, left)
		return nil
	}
	m.moved = time.Now()
	p.next = min(p.next, p.Options.Settle)
	words := make([]string, 0, len(steps))
	for _, s := range steps {
		if err := p.execute(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", stage, err)
		}
		words = append(words, map[bool]string{true: "-", false: "+"}[s.Delete]+s.Policy.Name)
	}
	logr.FromContextOrDiscard(ctx).Info("policies written", "namespace", namespace, "stage", stage.String(), "policies", strings.Join(words, " "))
	return nil
}
