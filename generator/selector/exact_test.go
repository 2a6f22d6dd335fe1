// SPDX-License-Identifier: Apache-2.0

package selector

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// TestSelectorsAreExact asks the selectors of Kubernetes what ours select, in
// random namespaces, and whether fewer labels would do.
func TestSelectorsAreExact(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 19))
	covers, sizes := 0, map[string]int{}
	for range 2000 {
		var texts []string
		values := 2 + r.IntN(3)
		for i := range 1 + r.IntN(20) {
			line := fmt.Sprintf("w%d:", i)
			if r.IntN(8) == 0 {
				line = "host-" + line
			}
			for _, key := range []string{"app", "tier", "x", "y", "z", "version"} {
				if r.IntN(4) > 0 {
					line += fmt.Sprintf(" %s=%d", key, r.IntN(values))
				}
			}
			texts = append(texts, line)
		}
		u := universe(t, texts...)
		x := New(u, Options{})
		var chosen []*Class
		for _, w := range u.Workloads() {
			c := x.ClassOf(w)
			if c == nil || slices.Contains(chosen, c) || r.IntN(2) == 0 {
				continue
			}
			s, err := x.One(c)
			if err != nil {
				continue
			}
			chosen = append(chosen, c)
			exact(t, u, x, texts, []Selection{s}, []*Class{c})
			smallest(t, u, texts, s)
			sizes[fmt.Sprintf("%d labels, %d absent", len(s.Pods.MatchLabels), len(s.Pods.MatchExpressions))]++
		}
		if len(chosen) > 0 {
			covers++
			exact(t, u, x, texts, x.Cover("shop", chosen), chosen)
		}
	}
	if covers == 0 {
		t.Error("nothing was covered")
	}
	for _, size := range []string{"1 labels, 0 absent", "2 labels, 0 absent", "3 labels, 0 absent", "4 labels, 0 absent", "1 labels, 1 absent", "1 labels, 2 absent"} {
		if sizes[size] == 0 {
			t.Errorf("no selector of %s: %v", size, sizes)
		}
	}
}

// smallest shows that no fewer labels of a class select it alone, and that keys must be
// absent only where no labels are enough, and each of them.
func smallest(t *testing.T, u *generator.Universe, texts []string, s Selection) {
	t.Helper()
	seen := func(w *generator.Workload) labels.Set {
		out := labels.Set{}
		for key, value := range w.Labels {
			if (Options{}).Sees(key) {
				out[key] = value
			}
		}
		return out
	}
	own := seen(s.Classes[0].Workloads[0])
	alone := func(pairs map[string]string, absent []metav1.LabelSelectorRequirement) bool {
		parsed, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchLabels: pairs, MatchExpressions: absent})
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(u.Workloads(), func(w *generator.Workload) bool {
			labels := seen(w)
			return parsed.Matches(labels) != maps.Equal(labels, own)
		})
	}
	keys := slices.Sorted(maps.Keys(own))
	for chosen := 1; chosen < 1<<len(keys); chosen++ {
		few := map[string]string{}
		for i, key := range keys {
			if chosen>>i&1 == 1 {
				few[key] = own[key]
			}
		}
		if (len(few) < len(s.Pods.MatchLabels) || len(s.Pods.MatchExpressions) > 0) && alone(few, nil) {
			t.Errorf("%q: %v is enough, not only %s", texts, few, text(s.Pods))
		}
	}
	if len(s.Pods.MatchExpressions) == 0 {
		return
	}
	for key := range s.Pods.MatchLabels {
		few := maps.Clone(s.Pods.MatchLabels)
		if delete(few, key); len(few) > 0 && alone(few, s.Pods.MatchExpressions) {
			t.Errorf("%q: %s does without %s", texts, text(s.Pods), key)
		}
	}
	for i := range s.Pods.MatchExpressions {
		if alone(s.Pods.MatchLabels, slices.Delete(slices.Clone(s.Pods.MatchExpressions), i, i+1)) {
			t.Errorf("%q: %s does without %s", texts, text(s.Pods), s.Pods.MatchExpressions[i].Key)
		}
	}
}

// exact shows that selections match the pods of the classes, and no others.
func exact(t *testing.T, u *generator.Universe, x *Index, texts []string, got []Selection, want []*Class) {
	t.Helper()
	var said []*Class
	for _, s := range got {
		said = append(said, s.Classes...)
	}
	for _, w := range u.Workloads() {
		c := x.ClassOf(w)
		if c == nil {
			continue
		}
		matched := false
		for _, s := range got {
			parsed, err := metav1.LabelSelectorAsSelector(&s.Pods)
			if err != nil {
				t.Fatal(err)
			}
			hit := parsed.Matches(labels.Set(w.Labels))
			if hit != slices.Contains(s.Classes, c) {
				t.Errorf("%q: %s, %s, says it selects %v", texts, w.ID, text(s.Pods), hit)
			}
			matched = matched || hit
			if parsed.Matches(labels.Set{}) || parsed.Matches(labels.Set{"stranger": "yes"}) {
				t.Errorf("%s selects pods that nobody described", text(s.Pods))
			}
		}
		if matched != slices.Contains(want, c) || matched != slices.Contains(said, c) {
			t.Errorf("%q: %s, selected %v", texts, w.ID, matched)
		}
	}
}
