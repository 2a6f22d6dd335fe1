// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
)

// ExemptionGuard judges writes of Exemptions (SELF-002). One outside the
// namespace of Gatehouse is approved by being written, so only members of the
// policy's approvers may create it or change its spec; and it cannot be about
// another namespace. One with a fault is refused wherever it is, so that its
// author hears of it.
//
// The registration sends it every creation, and every update of a spec, in every
// namespace.
type ExemptionGuard struct{ Engine }

// Answer implements Judge.
func (g ExemptionGuard) Answer(_ context.Context, r Review) Answer {
	if r.Operation != "CREATE" && r.Operation != "UPDATE" || r.Subresource != "" {
		return Answer{Allowed: true}
	}
	var now v1alpha1.Exemption
	if err := readExemption(r.Object, &now); err != nil {
		g.Metrics.failed("object")
		return cannotDecide("object", err, r)
	}
	now.Namespace = r.Namespace // the API server's word
	if r.Operation == "UPDATE" && g.sameSpec(r, &now) {
		return Answer{Allowed: true}
	}
	p := g.Policy()
	if now.Namespace != g.Namespace {
		if fault := unapproved(p.Exemptions.Approvers, r, now.Namespace); fault != "" {
			return refused(r, fault)
		}
	}
	// Its name may yet be generated, and it is not stored yet; what matters here is
	// what its author wrote.
	if now.Name == "" {
		now.Name = now.GenerateName + "0"
	}
	e, err := exempt.Compile(p.Set(), &now, exempt.Place{Install: g.Namespace})
	if err != nil {
		return refused(r, checks.Plain(strings.ReplaceAll(err.Error(), "\n", "; "))+".\n    Change:   correct it; docs/exemptions.md describes the form")
	}
	return g.lasting(r, &e)
}

// lasting judges the end of an exemption that is without fault.
func (g ExemptionGuard) lasting(r Review, e *exempt.Exemption) Answer {
	terms, now := verdict.TermsOf(g.Policy()), g.now()
	switch {
	case e.EndsTooLate(terms, now):
		return refused(r, fmt.Sprintf("spec.expiresAt %s is further away than %s, which is what spec.exemptions.maxDuration of the CheckPolicy allows.\n"+
			"    Change:   set it to %s at the latest, and renew it then", exempt.Moment(e.ExpiresAt), exempt.Span(terms.MaxDuration), exempt.Moment(now.Add(terms.MaxDuration))))
	case e.Expired(now):
		return Answer{Allowed: true, Warnings: []string{clip("gatehouse: exemption "+e.String()+" has expired "+exempt.Moment(e.ExpiresAt)+" and covers nothing", maxWarning)}}
	}
	return Answer{Allowed: true, Annotations: map[string]string{
		"exemption": clip(fmt.Sprintf("%s of %s until %s: %s", e, checks.Plain(e.Owner), exempt.Moment(e.ExpiresAt), strings.Join(e.Checks, " ")), maxAudit),
	}}
}

func readExemption(raw []byte, into *v1alpha1.Exemption) error {
	if raw == nil {
		return errors.New("the request carries no object")
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, into); err != nil {
		return fmt.Errorf("decode Exemption: %w", err)
	}
	return nil
}

// sameSpec reports whether an update leaves the spec alone. An old object that
// cannot be read is another.
func (ExemptionGuard) sameSpec(r Review, now *v1alpha1.Exemption) bool {
	var was v1alpha1.Exemption
	return readExemption(r.OldObject, &was) == nil && reflect.DeepEqual(was.Spec, now.Spec)
}

// unapproved says why a user may not write an exemption in a namespace; "" when
// the user may.
func unapproved(approvers []string, r Review, namespace string) string {
	if slices.ContainsFunc(r.Groups, func(group string) bool { return slices.Contains(approvers, group) }) {
		return ""
	}
	if len(approvers) == 0 {
		return "an Exemption in namespace " + namespace + " needs approval, and the CheckPolicy names nobody who may give it.\n" +
			"    Change:   ask the owners of this cluster's CheckPolicy to name groups in spec.exemptions.approvers, or to write the Exemption in the namespace of Gatehouse"
	}
	return fmt.Sprintf("an Exemption in namespace %s needs approval, which %s may not give.\n"+
		"    Change:   ask a member of one of these groups to apply it: %s", namespace, checks.Plain(r.User), strings.Join(approvers, ", "))
}

func refused(r Review, fault string) Answer {
	name := r.Namespace + "/" + r.Name
	return Answer{
		Message:     fmt.Sprintf("SELF-002 exemption: %s (request %s)", fault, checks.Plain(r.UID)),
		Annotations: map[string]string{"findings": "deny SELF-002 " + checks.Plain(name)},
	}
}
