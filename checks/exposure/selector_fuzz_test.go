// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"encoding/json"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// FuzzSelector compares selects with Kubernetes' own reading of a selector: the
// short cut for matchLabels must not change an answer, and what Kubernetes
// refuses must never match.
func FuzzSelector(f *testing.F) {
	f.Add(`{}`, `{"app":"web"}`)
	f.Add(`{"matchLabels":{"app":"web"}}`, `{"app":"web","tier":"a"}`)
	f.Add(`{"matchExpressions":[{"key":"app","operator":"NotIn","values":["web"]}]}`, `{}`)
	f.Add(`{"matchExpressions":[{"key":"app","operator":"In","values":[]}]}`, `{"app":"web"}`)
	f.Add(`{"matchExpressions":[{"key":"","operator":"exists"}]}`, `{"":""}`)
	f.Add(`{"matchLabels":{"a b":"c"},"matchExpressions":[{"key":"-","operator":"Exists"}]}`, `{"a b":"c"}`)
	f.Fuzz(func(t *testing.T, selector, set string) {
		var s metav1.LabelSelector
		var l map[string]string
		if json.Unmarshal([]byte(selector), &s) != nil || json.Unmarshal([]byte(set), &l) != nil {
			t.Skip("not a selector and labels: refused before")
		}
		got, err := selects(&s, l)
		if err != nil && got {
			t.Fatal("an unreadable selector matches")
		}
		own, ownErr := metav1.LabelSelectorAsSelector(&s)
		if ownErr != nil {
			if got && len(s.MatchExpressions) > 0 {
				t.Fatalf("matches a selector that Kubernetes refuses: %v", ownErr)
			}
			return
		}
		if want := own.Matches(labels.Set(l)); err == nil && got != want {
			t.Fatalf("%s on %s: %v, Kubernetes says %v", selector, set, got, want)
		}
	})
}
