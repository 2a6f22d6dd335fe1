// SPDX-License-Identifier: Apache-2.0

// Package controller keeps what the binaries read in step with the objects that
// configure them.
package controller

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// CheckPolicy compiles the cluster's CheckPolicy and publishes it. A faulty one
// is refused whole: what was in force stays in force, and the object's
// conditions, a log line and a metric say so. Every replica runs it.
type CheckPolicy struct {
	Client client.Client
	Set    *checks.Set
	Holder *policy.Holder

	accepted prometheus.Gauge
	loaded   atomic.Bool
	one      sync.Mutex // the first reading may meet the first event
	active   int64      // generation in force; 0: the defaults
}

// NewCheckPolicy registers the metric and returns the controller.
func NewCheckPolicy(c client.Client, set *checks.Set, holder *policy.Holder, r prometheus.Registerer) (*CheckPolicy, error) {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "gatehouse_check_policy_accepted", Help: "1 when the CheckPolicy as written is in force, 0 when it was refused.",
	})
	gauge.Set(1)
	if err := r.Register(gauge); err != nil {
		return nil, err
	}
	return &CheckPolicy{Client: c, Set: set, Holder: holder, accepted: gauge}, nil
}

// Loaded reports whether the cluster's CheckPolicy, or its absence, has been
// seen. Until then verdicts would be those of the defaults.
func (c *CheckPolicy) Loaded() bool { return c.loaded.Load() }

// SetupWithManager reads the policy once and then watches CheckPolicies in every replica.
func (c *CheckPolicy) SetupWithManager(mgr ctrl.Manager) error {
	everywhere, severalInOneProcess := false, true
	if err := mgr.Add(onceEverywhere(c.first)); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).Named("check-policy").For(&v1alpha1.CheckPolicy{}).
		WithOptions(controller.Options{NeedLeaderElection: &everywhere, SkipNameValidation: &severalInOneProcess, CacheSyncTimeout: 10 * time.Minute}).
		Complete(c)
}

// first reads the policy when the process starts: a cluster without one never
// sends an event about it.
func (c *CheckPolicy) first(ctx context.Context) error {
	_, err := c.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Name: v1alpha1.CheckPolicyName}})
	return err
}

// onceEverywhere is a runnable that every replica runs.
type onceEverywhere func(context.Context) error

func (f onceEverywhere) Start(ctx context.Context) error { return f(ctx) }

func (onceEverywhere) NeedLeaderElection() bool { return false }

// Reconcile implements reconcile.Reconciler.
func (c *CheckPolicy) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	c.one.Lock()
	defer c.one.Unlock()
	if req.Name != v1alpha1.CheckPolicyName {
		return ctrl.Result{}, nil
	}
	var cp v1alpha1.CheckPolicy
	if err := c.Client.Get(ctx, req.NamespacedName, &cp); err != nil {
		if apierrors.IsNotFound(err) {
			c.Holder.Store(policy.Default(c.Set))
			c.active = 0
			c.loaded.Store(true)
			c.accepted.Set(1)
			logr.FromContextOrDiscard(ctx).Info("no check policy: the defaults are in force")
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, fmt.Errorf("read check policy: %w", err)
	}
	fault := c.apply(ctx, &cp)
	c.loaded.Store(true)
	return ctrl.Result{}, c.report(ctx, &cp, fault)
}

// apply publishes the policy if it is without fault.
func (c *CheckPolicy) apply(ctx context.Context, cp *v1alpha1.CheckPolicy) error {
	compiled, err := policy.Compile(c.Set, &cp.Spec)
	if err != nil {
		c.accepted.Set(0)
		logr.FromContextOrDiscard(ctx).Error(err, "check policy refused", "generation", cp.Generation, "inForce", c.active)
		return err
	}
	c.Holder.Store(compiled)
	if c.active != cp.Generation {
		logr.FromContextOrDiscard(ctx).Info("check policy in force", "generation", cp.Generation)
	}
	c.active = cp.Generation
	c.accepted.Set(1)
	return nil
}

// report writes the conditions. Replicas that have the same generation in force
// come to the same result, so whichever writes first spares the others the
// write. One that was restarted on a faulty policy has an older one, or the
// defaults: what it wrote stays, or they would overwrite each other for ever.
func (c *CheckPolicy) report(ctx context.Context, cp *v1alpha1.CheckPolicy, fault error) error {
	if fault != nil && cp.Status.ObservedGeneration == cp.Generation && cp.Status.ActiveGeneration < c.active {
		return nil
	}
	before := cp.DeepCopy()
	accepted := metav1.Condition{Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAccepted, Message: "The policy has no fault." + unscanned(cp)}
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonInForce, Message: "This generation is in force."}
	if fault != nil {
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, v1alpha1.ReasonInvalid, clip(fault.Error())
		ready.Status, ready.Reason = metav1.ConditionFalse, v1alpha1.ReasonDefaultsInForce
		ready.Message = "The built-in defaults are in force."
		if c.active != 0 {
			ready.Reason = v1alpha1.ReasonLastGoodInForce
			ready.Message = fmt.Sprintf("Generation %d is in force.", c.active)
		}
	}
	for _, condition := range []metav1.Condition{accepted, ready} {
		condition.ObservedGeneration = cp.Generation
		meta.SetStatusCondition(&cp.Status.Conditions, condition)
	}
	cp.Status.ObservedGeneration, cp.Status.ActiveGeneration = cp.Generation, c.active
	if equalStatus(before.Status, cp.Status) {
		return nil
	}
	if err := c.Client.Status().Patch(ctx, cp, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("write check policy status: %w", err)
	}
	return nil
}

// unscanned says which custom checks the background scan leaves out: all of them.
func unscanned(cp *v1alpha1.CheckPolicy) string {
	switch n := len(cp.Spec.CustomChecks); n {
	case 0:
		return ""
	case 1:
		return " Its custom check judges what is written; the background scan leaves it out."
	default:
		return fmt.Sprintf(" Its %d custom checks judge what is written; the background scan leaves them out.", n)
	}
}

func equalStatus(a, b v1alpha1.CheckPolicyStatus) bool {
	if a.ObservedGeneration != b.ObservedGeneration || a.ActiveGeneration != b.ActiveGeneration || len(a.Conditions) != len(b.Conditions) {
		return false
	}
	for i := range a.Conditions {
		if a.Conditions[i] != b.Conditions[i] {
			return false
		}
	}
	return true
}

// maxCondition is the bound of metav1.Condition.Message in bytes, with room for
// the mark of a cut.
const maxCondition = 32768 - 8

func clip(s string) string {
	if len(s) > maxCondition {
		return s[:maxCondition] + " ..."
	}
	return s
}
