// SPDX-License-Identifier: Apache-2.0

package background

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Result is one finding on one object.
type Result struct {
	Object inventory.Key
	policy.Judged
}

// compareObject orders results by object.
func (r Result) compareObject(o Result) int { return r.Object.Compare(o.Object) }

// Fault identifies what is wrong with what: a result that keeps it is not news.
type Fault struct {
	Object  inventory.Key
	Check   string
	Subject string
}

// Fault returns the identity of a result.
func (r Result) Fault() Fault { return Fault{r.Object, r.Check, r.Subject} }

// Results returns the findings in a namespace, ordered by object; "" stands for
// cluster-scoped objects. A fault that the controller of an object has as well
// is told of the controller only: a Deployment with a thousand pods has it once.
func (s *Scan) Results(namespace string) []Result {
	verdicts := s.failing[namespace]
	var out []Result
	for k, v := range verdicts {
		owner, owned := s.owner(k)
		for _, j := range v {
			if owned && has(verdicts[owner], j) {
				continue
			}
			out = append(out, Result{k, j})
		}
	}
	slices.SortStableFunc(out, Result.compareObject)
	return out
}

// has reports whether a verdict tells the same fault as strictly, so that it need
// not be told again. One that is exempt speaks for none that is not.
func has(v policy.Verdict, j policy.Judged) bool {
	return slices.ContainsFunc(v, func(o policy.Judged) bool {
		return o.Check == j.Check && o.Subject == j.Subject && o.Action == j.Action && (o.Exemption == "" || j.Exemption != "")
	})
}

// owner returns the controller of a workload.
func (s *Scan) owner(k inventory.Key) (inventory.Key, bool) {
	e := s.at.Entry(k)
	if e == nil || e.Workload == nil {
		return inventory.Key{}, false
	}
	up := s.at.ControllerOf(e.Workload)
	if up == nil {
		return inventory.Key{}, false
	}
	return up.Key, true
}

// Added returns the results of after whose fault is not among those of before.
func Added(before, after []Result) []Result {
	had := make(map[Fault]bool, len(before))
	for _, r := range before {
		had[r.Fault()] = true
	}
	var out []Result
	for _, r := range after {
		if !had[r.Fault()] {
			out = append(out, r)
		}
	}
	return out
}
