// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Obstacle is a ground on which an exemption does not cover a finding.
type Obstacle uint8

// The obstacles, in the order in which Against gives them.
const (
	OtherCheck     Obstacle = iota // it names other checks
	OtherObject                    // it selects other objects
	OtherSubject                   // it names other faults of the object
	OutOfReach                     // the object is not in the exemption's namespace
	NotApproved                    // nobody approved it
	EndsTooLate                    // it ends later than the policy allows
	AlreadyExpired                 // it is over
)

var obstacleNames = [...]string{"other-check", "other-object", "other-subject", "out-of-reach", "not-approved", "ends-too-late", "expired"}

// String returns the word of the JSON output.
func (o Obstacle) String() string {
	if int(o) < len(obstacleNames) {
		return obstacleNames[o]
	}
	return obstacleNames[OtherCheck]
}

// Against yields every ground on which the exemption does not cover a finding of
// an object at a moment. When it yields none, the exemption covers it.
func (e *Exemption) Against(k inventory.Key, f checks.Finding, t Terms, now time.Time) iter.Seq[Obstacle] {
	return func(yield func(Obstacle) bool) {
		for _, one := range [...]struct {
			obstacle Obstacle
			holds    bool
		}{
			{OtherCheck, !slices.Contains(e.Checks, f.Check)},
			{OtherObject, !slices.ContainsFunc(e.Objects, func(s Selector) bool { return s.misses(k) == "" })},
			{OtherSubject, len(e.Subjects) > 0 && !anyPattern(e.Subjects, f.Subject)},
			{OutOfReach, e.Reach != Everywhere && (k.Namespace == "" || k.Namespace != e.Namespace)},
			{NotApproved, e.unapproved(t)},
			{EndsTooLate, e.EndsTooLate(t, now)},
			{AlreadyExpired, e.Expired(now)},
		} {
			if one.holds && !yield(one.obstacle) {
				return
			}
		}
	}
}

func (e *Exemption) unapproved(t Terms) bool {
	return e.Reach != Everywhere && (e.Reach != OwnNamespace || !t.Approved)
}

// EndsTooLate reports whether the end is further away than the terms allow. As
// the end comes nearer it no longer is: an exemption counts for no longer than
// the terms allow, whenever it was written.
func (e *Exemption) EndsTooLate(t Terms, now time.Time) bool {
	return e.ExpiresAt.Sub(now) > t.MaxDuration
}

// misses names the list of the selector that an object is not in, "" when the
// selector picks it.
func (s Selector) misses(k inventory.Key) string {
	switch {
	case len(s.Kinds) > 0 && !slices.ContainsFunc(s.Kinds, func(name string) bool { return isKind(name, k) }):
		return "kinds"
	case len(s.Namespaces) > 0 && (k.Namespace == "" || !anyPattern(s.Namespaces, k.Namespace)):
		return "namespaces"
	case len(s.Names) > 0 && !anyPattern(s.Names, k.Name):
		return "names"
	}
	return ""
}

// Text says in one clause why an obstacle stands between the exemption and a
// finding of an object.
func (e *Exemption) Text(o Obstacle, k inventory.Key, f checks.Finding, t Terms, now time.Time) string {
	switch o {
	case OtherCheck:
		return "it is about " + strings.Join(e.Checks, ", ")
	case OtherObject:
		return e.otherObject(k)
	case OtherSubject:
		if f.Subject == "" {
			return "it is only about the subjects " + strings.Join(e.Subjects, ", ")
		}
		return fmt.Sprintf("it is only about the subjects %s, not %s", strings.Join(e.Subjects, ", "), f.Subject)
	case OutOfReach:
		if k.Namespace == "" {
			return "in namespace " + e.Namespace + " it cannot be about cluster-scoped objects"
		}
		return fmt.Sprintf("in namespace %s it counts for objects of that namespace only", e.Namespace)
	case NotApproved:
		return e.WhyNotApproved(t)
	case EndsTooLate:
		return e.TooLate(t)
	case AlreadyExpired:
		return fmt.Sprintf("it expired %s, %s ago", Moment(e.ExpiresAt), Span(now.Sub(e.ExpiresAt)))
	}
	return "it does not cover this finding"
}

// TooLate says until when an exemption that ends too late does not count.
func (e *Exemption) TooLate(t Terms) string {
	return fmt.Sprintf("it ends %s and may count for %s at most, so not before %s (spec.exemptions.maxDuration of the CheckPolicy)",
		Moment(e.ExpiresAt), Span(t.MaxDuration), Moment(e.ExpiresAt.Add(-t.MaxDuration)))
}

// WhyNotApproved says what is missing to an exemption that nobody approved; ""
// when nothing is.
func (e *Exemption) WhyNotApproved(t Terms) string {
	switch {
	case !e.unapproved(t):
		return ""
	case !t.Approved:
		return "outside the namespace of Gatehouse it needs approval, and the CheckPolicy names nobody who may give it (spec.exemptions.approvers)"
	}
	return "it was written before the webhook could see who wrote it; an approver has to delete it and write it again"
}

// otherObject names, for each selector, the list that the object is not in.
func (e *Exemption) otherObject(k inventory.Key) string {
	parts := make([]string, 0, len(e.Objects))
	for i, s := range e.Objects {
		var has []string
		object := k.Name
		list := s.misses(k)
		switch list {
		case "kinds":
			has, object = s.Kinds, kindName(k)
		case "namespaces":
			has, object = s.Namespaces, k.Namespace
			if object == "" {
				object = "cluster-scoped"
			}
		case "names":
			has = s.Names
		}
		parts = append(parts, fmt.Sprintf("objects[%d] has the %s %s, the object is %s", i, list, strings.Join(has, ", "), object))
	}
	return strings.Join(parts, "; ")
}

func kindName(k inventory.Key) string {
	if k.Kind.Group == "" {
		return k.Kind.Kind
	}
	return k.Kind.Kind + "." + k.Kind.Group
}
