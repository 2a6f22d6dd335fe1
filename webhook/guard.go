// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// ReasonAnnotation must say, on the namespace, why its protection is lowered.
const ReasonAnnotation = "gatehouse.sh/opt-out-reason"

// Guard judges changes of the opt-in labels of a namespace (SELF-001): nobody
// who may merely edit a namespace may take it out of admission. The
// registration sends it nothing but updates that change these labels.
type Guard struct {
	Engine

	// Groups may lower the protection of a namespace. Being in one is not
	// enough: the namespace must also carry a reason.
	Groups []string
}

func (g Guard) decide(ctx context.Context, r Review) Answer {
	if r.Operation != "UPDATE" || slices.Contains(SystemNamespaces, r.Name) || r.Name == g.Namespace {
		return Answer{Allowed: true}
	}
	current, old, err := r.decode()
	if err != nil {
		g.Metrics.failed("object")
		return cannotDecide("object", err, r)
	}
	now, isNow := current.(*corev1.Namespace)
	was, isWas := old.(*corev1.Namespace)
	if !isNow || !isWas {
		return cannotDecide("object", fmt.Errorf("is a %T, not a Namespace", current), r)
	}
	lowered := lowering(was.Labels, now.Labels)
	if lowered == "" {
		return g.optIn(ctx, now.Name, was.Labels, now.Labels)
	}
	switch {
	case !slices.ContainsFunc(r.Groups, func(group string) bool { return slices.Contains(g.Groups, group) }):
		return Answer{
			Message: fmt.Sprintf("SELF-001 opt-out: namespace %s %s, which %s may not do.\n"+
				"    Change:   keep the label, or ask a member of one of these groups: %s (request %s)", r.Name, lowered, checks.Plain(r.User), strings.Join(g.Groups, ", "), checks.Plain(r.UID)),
			Annotations: map[string]string{"findings": "deny SELF-001 " + r.Name},
		}
	case now.Annotations[ReasonAnnotation] == "":
		return Answer{
			Message: fmt.Sprintf("SELF-001 opt-out: namespace %s %s without a reason.\n"+
				"    Change:   add the annotation %s in the same update (request %s)", r.Name, lowered, ReasonAnnotation, r.UID),
			Annotations: map[string]string{"findings": "deny SELF-001 " + r.Name},
		}
	}
	return Answer{
		Allowed:     true,
		Warnings:    []string{clip(fmt.Sprintf("gatehouse: namespace %s %s: %s", r.Name, lowered, checks.Plain(now.Annotations[ReasonAnnotation])), maxWarning)},
		Annotations: map[string]string{"findings": "audit SELF-001 " + r.Name},
	}
}

// optIn tells whoever raises the protection of a namespace what in it breaks the
// rules already.
func (g Guard) optIn(ctx context.Context, namespace string, was, now map[string]string) Answer {
	oldMode, oldProfile, _ := policy.ScopeOf(was)   // a bad label enforces; the validator reports it
	newMode, newProfile, err := policy.ScopeOf(now) // the same, but here its author is told
	a := Answer{Allowed: true}
	if err != nil {
		a.Warnings = append(a.Warnings, clip("gatehouse: "+err.Error(), maxWarning))
	}
	if newMode < oldMode || newMode != policy.Off && newProfile > oldProfile {
		if line := g.existing(ctx, namespace, newMode, newProfile); line != "" {
			a.Warnings = append(a.Warnings, clip(line, maxWarning))
		}
	}
	return a
}

// lowering says how the new labels protect less than the old ones, "" when they
// do not.
func lowering(was, now map[string]string) string {
	oldMode, oldProfile, _ := policy.ScopeOf(was) // a bad label enforces; the validator reports it
	newMode, newProfile, _ := policy.ScopeOf(now) // a bad label enforces; the validator reports it
	switch {
	case newMode > oldMode:
		return fmt.Sprintf("would go from %s=%s to %s", policy.AdmissionLabel, oldMode, newMode)
	case newMode != policy.Off && newProfile < oldProfile:
		return fmt.Sprintf("would go from %s=%s to %s", policy.ProfileLabel, oldProfile, newProfile)
	}
	return ""
}
