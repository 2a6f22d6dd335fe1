// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/expose"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// prefix is that of Gatehouse's own keys.
const prefix = v1alpha1.GroupName + "/"

// keys are what stands behind the prefix in labels and annotations that Gatehouse reads
// or writes, here and elsewhere. Those by which a Service is published are expose.Keys.
var keys = []string{
	"admission", "allow-from", "allow-to", "because", "canary", "checks", "controller", "exemptions-end", "gateway", "keep-node-ports", "managed",
	"network", "network-role", "opt-out-reason", "profile", "rotate-before", "shards", "taken-at",
}

// strange tells keys of Gatehouse's that nobody reads: what they ask for is not done.
func (r *reader) strange(self generator.Peer, object inventory.Key, field, what string, values map[string]string) {
	known := keys
	if object.Kind == inventory.ServiceKind {
		known = slices.Concat(keys, expose.Keys())
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name, ours := strings.CutPrefix(key, prefix)
		if !ours || slices.Contains(known, name) {
			continue
		}
		at := place{object: object, field: field + "[" + key + "]", what: what + " " + notation.Shortened(key), about: self}
		if expose.Known(name) {
			r.problem(&at, "only a Service is published by it")
			continue
		}
		hint := ""
		if near := nearest(name, known); near != "" {
			hint = fmt.Sprintf(": did you mean %s?", prefix+near)
		}
		r.problem(&at, "Gatehouse has no such key%s", hint)
	}
}

// namespace reads the keys of a Namespace. What connects is said elsewhere.
func (r *reader) namespace(n *corev1.Namespace) {
	key, self := inventory.KeyOf(n), generator.NamespacePeerOf(n.Name)
	r.strange(self, key, "metadata.labels", "label", n.Labels)
	for _, name := range []string{AllowFrom, AllowTo} {
		if _, has := n.Annotations[name]; has {
			at := place{object: key, field: annotationField("metadata", name), what: "annotation " + name, about: self}
			r.problem(&at, "a Namespace asks for no connections: say it at the workload, or in the NetworkPlan of the namespace")
		}
	}
	mode, has := n.Labels[v1alpha1.NetworkLabel]
	if known := []string{string(v1alpha1.NetworkPreview), string(v1alpha1.NetworkApply)}; has && !slices.Contains(known, mode) {
		at := place{object: key, field: "metadata.labels[" + v1alpha1.NetworkLabel + "]", what: fmt.Sprintf("label %s %q", v1alpha1.NetworkLabel, notation.Shortened(mode)), about: self}
		hint := ""
		if near := nearest(mode, known); near != "" {
			hint = fmt.Sprintf(": did you mean %s?", near)
		}
		r.problem(&at, "it is preview or apply%s", hint)
	}
}

// speaker is whom an object speaks for.
func (r *reader) speaker(e *inventory.Entry) generator.Peer {
	switch {
	case e.Workload != nil:
		return generator.WorkloadPeerOf(generator.OwnerOf(r.inv, e.Workload))
	case e.Key.Kind == inventory.ServiceKind:
		return generator.ServicePeerOf(e.Key.Namespace, e.Key.Name)
	case e.Key.Kind == inventory.NamespaceKind:
		return generator.NamespacePeerOf(e.Key.Name)
	}
	return generator.NamespacePeerOf(e.Key.Namespace)
}

// nearest returns the word that differs least from a text, in no more than two letters
// or a third of them; empty without one.
func nearest(text string, words []string) string {
	best, least := "", min(2, len(text)/3)+1
	if len(text) > 63 { // longer than any name of a key
		return ""
	}
	for _, word := range words {
		if d := distance(text, word); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance is how many letters are to be changed, added or left out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
