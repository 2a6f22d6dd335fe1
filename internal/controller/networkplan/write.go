// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/rollout"
	"github.com/gatehouse-sh/gatehouse/internal/network"
)

func now(t time.Time) *metav1.Time { return &metav1.Time{Time: t.UTC().Truncate(time.Second)} }

// errGone is the end of a namespace that the inventory still has: nothing is to be
// done in it, and nothing is wrong.
var errGone = errors.New("the namespace is being deleted")

// leaving reports whether the API server takes nothing more for a namespace, since
// that is being deleted or gone. The first is a prohibition, and no right helps.
func leaving(err error) bool {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return true
	}
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	about := status.Status().Details
	return about != nil && about.Kind == "namespaces"
}

// execute makes one request. A policy that the controller did not apply is never
// touched.
func (p *pass) execute(ctx context.Context, s rollout.Step) error {
	err := p.request(ctx, s)
	switch {
	case leaving(err):
		return errGone
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; manifests/network-namespace gives the controller the right in one namespace", err)
	}
	return err
}

func (p *pass) request(ctx context.Context, s rollout.Step) error {
	var there networkingv1.NetworkPolicy
	err := p.Reader.Get(ctx, client.ObjectKeyFromObject(s.Policy), &there)
	switch {
	case apierrors.IsNotFound(err) && s.Delete:
		return nil
	case apierrors.IsNotFound(err):
		return p.apply(ctx, s.Policy)
	case err != nil:
		return fmt.Errorf("read policy %s: %w", s.Policy.Name, err)
	case !applied(&there):
		// From the next pass on it counts as one of others.
		p.others[network.Stranger{Namespace: there.Namespace, Name: there.Name}] = true
		logr.FromContextOrDiscard(ctx).Info("a policy with our label is somebody else's: it stays", "namespace", there.Namespace, "policy", there.Name)
		p.next = min(p.next, gather)
		return nil
	case !s.Delete && !apiequality.Semantic.DeepEqual(there.Spec, s.Policy.Spec):
		// Server-side apply leaves what somebody added where we say nothing.
		if err := p.replace(ctx, &there, s.Policy); err != nil {
			return err
		}
		return p.apply(ctx, s.Policy)
	case !s.Delete:
		return p.apply(ctx, s.Policy)
	}
	only := client.Preconditions{UID: &there.UID, ResourceVersion: &there.ResourceVersion}
	if err := p.Client.Delete(ctx, &there, only); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete policy %s: %w", there.Name, err)
	}
	p.Metrics.wrote("delete")
	return nil
}

// applied reports whether the controller applied a policy. Labels can be copied;
// the API server keeps the managers.
func applied(p *networkingv1.NetworkPolicy) bool {
	return rollout.IsOurs(p) && slices.ContainsFunc(p.ManagedFields, func(f metav1.ManagedFieldsEntry) bool {
		return f.Manager == FieldManager && f.Operation == metav1.ManagedFieldsOperationApply
	})
}

// replace gives a policy of ours its rules back, whatever has become of them.
func (p *pass) replace(ctx context.Context, there, wanted *networkingv1.NetworkPolicy) error {
	raw, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/resourceVersion", "value": there.ResourceVersion}, {"op": "replace", "path": "/spec", "value": wanted.Spec},
	})
	if err != nil {
		return fmt.Errorf("encode policy %s: %w", wanted.Name, err)
	}
	if err := p.Client.Patch(ctx, there, client.RawPatch(types.JSONPatchType, raw), client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("mend policy %s: %w", wanted.Name, err)
	}
	return nil
}

func (p *pass) apply(ctx context.Context, policy *networkingv1.NetworkPolicy) error {
	raw, err := json.Marshal(policy)
	if err != nil {
		return fmt.Errorf("encode policy %s: %w", policy.Name, err)
	}
	if err := p.Client.Patch(ctx, policy.DeepCopy(), client.RawPatch(types.ApplyPatchType, raw), client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("apply policy %s: %w", policy.Name, err)
	}
	p.Metrics.wrote("apply")
	return nil
}

// create makes the empty plan of a namespace that was opted in without one.
func (p *pass) create(ctx context.Context, namespace string) error {
	plan := &v1alpha1.NetworkPlan{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: v1alpha1.NetworkPlanName, Labels: map[string]string{netpol.ManagedByLabel: netpol.ManagedBy},
	}}
	if err := p.Client.Create(ctx, plan, client.FieldOwner(FieldManager)); client.IgnoreAlreadyExists(err) != nil && !leaving(err) {
		return fmt.Errorf("make the network plan: %w", err)
	}
	return nil
}

// writeStatus writes a status that has changed.
func (p *pass) writeStatus(ctx context.Context, plan *v1alpha1.NetworkPlan, status *v1alpha1.NetworkPlanStatus) error {
	if apiequality.Semantic.DeepEqual(&plan.Status, status) {
		return nil
	}
	after := plan.DeepCopy()
	after.Status = *status
	if err := p.Client.Status().Patch(ctx, after, client.MergeFrom(plan)); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return nil
}
