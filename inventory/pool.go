// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"hash/maphash"
	"maps"
	"reflect"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The most that a pool remembers, a few megabytes in all. A full table is
// emptied, and sharing begins again.
const (
	maxPooledTexts = 1 << 15
	maxPooledPairs = 1 << 14
)

// Pool makes compact entries that share what they have in common: a cluster
// repeats its namespaces, labels, annotations and selectors from object to
// object, and a map of one pair takes 336 bytes. The zero value is ready. Safe
// for concurrent use.
type Pool struct {
	// Connections keeps the whole pod template of objects that nothing controls:
	// what generator/manifests reads of them. Literal values of environment
	// variables are then in memory. Set before the first Entry.
	Connections bool

	mu    sync.Mutex
	seed  maphash.Seed
	texts map[string]string
	pairs map[uint64]map[string]string
	token *corev1.ProjectedVolumeSource // of the volume that the API server gives nearly every pod
}

// Entry is CompactEntry for an object that nobody else has: its maps may be
// replaced by equal ones, which are read-only like all that an entry holds.
func (p *Pool) Entry(o Object) *Entry {
	trim(o, p.Connections && metav1.GetControllerOfNoCopy(o) == nil)
	p.mu.Lock()
	p.share(o)
	p.mu.Unlock()
	return compactEntry(o)
}

func (p *Pool) share(o Object) {
	if p.texts == nil {
		p.seed = maphash.MakeSeed()
		p.texts, p.pairs = map[string]string{}, map[uint64]map[string]string{}
	}
	if _, custom := o.(*unstructured.Unstructured); custom {
		return // its accessors copy
	}
	o.SetNamespace(p.text(o.GetNamespace()))
	o.SetLabels(p.same(o.GetLabels()))
	o.SetAnnotations(p.same(o.GetAnnotations()))
	if t, ok := TemplateOf(o); ok {
		t.Meta.Labels, t.Meta.Annotations = p.same(t.Meta.Labels), p.same(t.Meta.Annotations)
		p.volumes(t.Spec.Volumes)
	}
	switch w := o.(type) {
	case *corev1.Service:
		w.Spec.Selector = p.same(w.Spec.Selector)
		for i := range w.Spec.Ports {
			port := &w.Spec.Ports[i]
			port.Name, port.Protocol = p.text(port.Name), corev1.Protocol(p.text(string(port.Protocol)))
		}
	case *networkingv1.NetworkPolicy:
		w.Spec.PodSelector.MatchLabels = p.same(w.Spec.PodSelector.MatchLabels)
	case *rbacv1.RoleBinding:
		p.binding(&w.RoleRef, w.Subjects)
	case *rbacv1.ClusterRoleBinding:
		p.binding(&w.RoleRef, w.Subjects)
	case *rbacv1.Role:
		p.rules(w.Rules)
	case *rbacv1.ClusterRole:
		p.rules(w.Rules)
	}
}

func (p *Pool) volumes(list []corev1.Volume) {
	for i := range list {
		v := &list[i]
		switch {
		case v.Name != generatedToken || v.Projected == nil:
		case p.token == nil:
			p.token = v.Projected
		case reflect.DeepEqual(p.token, v.Projected):
			v.Projected = p.token
		}
	}
}

func (p *Pool) binding(ref *rbacv1.RoleRef, subjects []rbacv1.Subject) {
	ref.APIGroup, ref.Kind, ref.Name = p.text(ref.APIGroup), p.text(ref.Kind), p.text(ref.Name)
	for i := range subjects {
		s := &subjects[i]
		s.Kind, s.APIGroup, s.Namespace = p.text(s.Kind), p.text(s.APIGroup), p.text(s.Namespace)
	}
}

func (p *Pool) rules(list []rbacv1.PolicyRule) {
	for i := range list {
		r := &list[i]
		for _, words := range [][]string{r.Verbs, r.APIGroups, r.Resources} {
			for j := range words {
				words[j] = p.text(words[j])
			}
		}
	}
}

// text returns a string with the same bytes, the one seen first.
func (p *Pool) text(s string) string {
	if s == "" {
		return ""
	}
	if known, ok := p.texts[s]; ok {
		return known
	}
	if len(p.texts) >= maxPooledTexts {
		clear(p.texts)
	}
	p.texts[s] = s
	return s
}

// same returns a map with the same pairs, the one seen first. An empty one is
// nil.
func (p *Pool) same(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	var sum uint64 // of the pairs in any order
	for k, v := range pairs {
		sum += maphash.String(p.seed, k)*31 ^ maphash.String(p.seed, v)
	}
	if known, ok := p.pairs[sum]; ok && maps.Equal(known, pairs) {
		return known
	}
	// A new map: one that grew while it was decoded may have room for more.
	out := make(map[string]string, len(pairs))
	for k, v := range pairs {
		out[p.text(k)] = p.text(v)
	}
	if len(p.pairs) >= maxPooledPairs {
		clear(p.pairs)
	}
	p.pairs[sum] = out
	return out
}
