// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Bounds of the look at what a namespace holds when it opts in: as many objects
// as Pod Security admission looks at, and half of its second, for the answer
// must arrive within the webhook's timeout.
// https://github.com/kubernetes/pod-security-admission/blob/v0.36.3/admission/admission.go
const (
	maxExisting  = 3000
	existingTime = 500 * time.Millisecond
)

// existing says what is there already that the new labels would refuse, "" when
// nothing is. It is told as a warning: opting in is never refused.
func (e Engine) existing(ctx context.Context, namespace string, mode policy.Mode, profile policy.Profile) string {
	ctx, cancel := context.WithTimeout(ctx, existingTime)
	defer cancel()
	p, inv := e.Policy(), e.Inventory()
	judge := e.judging(p)
	seen, bad, complete := 0, 0, true
	byCheck := map[string]int{}
	for _, kind := range p.Set().Kinds() {
		for entry := range inv.Entries(kind, namespace) {
			if seen == maxExisting || ctx.Err() != nil {
				complete = false
				break
			}
			v, err := judge.Within(ctx, verdict.Question{Object: stored(entry), Inventory: inv, Held: true, Request: checks.Request{Stored: true}, Profile: profile})
			if err != nil {
				complete = false
				break
			}
			seen++
			if v.Denied() {
				bad++
			}
			for _, j := range v.With(checks.Deny) {
				byCheck[j.Check]++
			}
		}
	}
	if bad == 0 {
		return ""
	}
	limit := ""
	if !complete {
		limit = " (not all were looked at)"
	}
	return fmt.Sprintf("gatehouse: %d of %d objects in namespace %s%s break rules that %s=%s is about: %s; updates may keep what is there",
		bad, seen, namespace, limit, policy.AdmissionLabel, mode, tally(byCheck))
}

// stored is the object of an entry; a pod's is made from what is kept of it.
func stored(e *inventory.Entry) inventory.Object {
	if e.Object == nil {
		return e.Workload.Pod()
	}
	return e.Object
}

// tally writes counts, the most frequent first.
func tally(n map[string]int) string {
	ids := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) })
	const shown = 6
	var parts []string
	for i, id := range ids {
		if i == shown {
			parts = append(parts, fmt.Sprintf("%d more", len(ids)-shown))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d times", id, n[id]))
	}
	return strings.ReplaceAll(strings.Join(parts, ", "), " 1 times", " once")
}
