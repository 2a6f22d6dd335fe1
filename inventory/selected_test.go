// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestSelectionsOfCommonLabels covers selectors whose labels are carried by more
// workloads than the first look takes in.
func TestSelectionsOfCommonLabels(t *testing.T) {
	t.Parallel()
	const pods = 600
	edit := (&Inventory{}).Edit()
	for i := range pods {
		edit.Put(CompactEntry(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: fmt.Sprintf("web-%03d", i),
			Labels: map[string]string{"tier": "front-of-the-house", "half": fmt.Sprint(i % 2), "app": fmt.Sprint(i / 6)},
		}}))
	}
	stored := edit.Inventory()
	extra := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-extra", Labels: map[string]string{"tier": "front-of-the-house", "half": "1", "app": "7"}}}
	gone := KeyOf(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-043"}})
	for name, tc := range map[string]struct {
		selector         map[string]string
		stored, overlaid int
	}{
		"everything":                              {map[string]string{"tier": "front-of-the-house"}, pods, pods},
		"two common labels":                       {map[string]string{"tier": "front-of-the-house", "half": "1"}, pods / 2, pods / 2},
		"a rare label behind a common one":        {map[string]string{"tier": "front-of-the-house", "app": "7"}, 6, 6},
		"a rare label alone":                      {map[string]string{"app": "7"}, 6, 6},
		"three labels":                            {map[string]string{"tier": "front-of-the-house", "app": "7", "half": "0"}, 3, 3},
		"a value that nothing carries":            {map[string]string{"tier": "front-of-the-house", "app": "none"}, 0, 0},
		"labels that no workload carries at once": {map[string]string{"tier": "front-of-the-house", "app": "7", "half": "2"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for inv, want := range map[*Inventory]int{stored: tc.stored, stored.With(extra).Without(gone): tc.overlaid} {
				got := map[string]bool{}
				for w := range inv.Selected("shop", tc.selector) {
					if got[w.Key.Name] || !Matches(tc.selector, w.Labels) {
						t.Errorf("%s comes twice or does not match", w.Key.Name)
					}
					got[w.Key.Name] = true
				}
				if len(got) != want {
					t.Errorf("%d workloads, want %d", len(got), want)
				}
				if inv != stored && got["web-043"] {
					t.Error("a deleted pod is selected")
				}
			}
			for range stored.Selected("shop", tc.selector) {
				break // stopping early must not panic
			}
		})
	}
}
