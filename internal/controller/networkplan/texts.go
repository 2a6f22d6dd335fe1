// SPDX-License-Identifier: Apache-2.0

package networkplan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/generator/intents"
	"github.com/gatehouse-sh/gatehouse/internal/endpoint"
	"github.com/gatehouse-sh/gatehouse/internal/network"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// listed is how many ConfigMaps one request asks for: client-go's own default
// (k8s.io/client-go/tools/pager).
const listed = 500

// Kinds returns those that the inventory of a Controller follows: what every
// inventory keeps, and what only plans are made of, where it is installed.
func Kinds() []inventory.Kind {
	out := slices.DeleteFunc(inventory.Kinds(), func(k inventory.Kind) bool { return !k.Kept })
	monitor := func(kind, resource string) inventory.Kind {
		return inventory.Kind{GroupKind: schema.GroupKind{Group: "monitoring.coreos.com", Kind: kind}, Version: "v1", Resource: resource, Namespaced: true}
	}
	for _, k := range endpoint.Kinds() { // policies of the gateway
		if _, kept := inventory.KindOf(k.GroupKind); !kept {
			out = append(out, k)
		}
	}
	return append(
		out,
		inventory.Kind{GroupKind: intents.ClientIntentsKind, Version: "v2beta1", Resource: "clientintents", Namespaced: true},
		monitor("ServiceMonitor", "servicemonitors"), monitor("PodMonitor", "podmonitors"), monitor("Prometheus", "prometheuses"),
	)
}

// texts are the ConfigMaps of a namespace that its pods name. They are read only
// where somebody opted in, so no inventory has them, and no watch brings them.
type texts struct {
	tried  time.Time
	names  []string           // that the pods named then
	maps   []*inventory.Entry // as they were read last
	unread network.Unread
}

// fresh reports whether nothing is to be read anew.
func (t *texts) fresh(names []string, now time.Time) bool {
	return slices.Equal(t.names, names) && now.Sub(t.tried).Abs() < sweep
}

// texts reads the ConfigMaps of some namespaces, no more than once a sweep, and
// returns the version of the cluster that has them. Where they may not be read a
// plan is made without them; where it is not known what they say, none is applied.
func (p *pass) texts(ctx context.Context, namespaces []string) (*inventory.Inventory, map[string]network.Unread) {
	edit, unread := p.inv.Edit(), map[string]network.Unread{}
	for _, namespace := range namespaces {
		t := p.read[namespace]
		names := named(p.inv, namespace)
		if t == nil {
			t = &texts{}
			p.read[namespace] = t
		}
		if len(names) == 0 {
			*t = texts{}
			continue
		}
		if !t.fresh(names, p.now) {
			p.list(ctx, namespace, names, t)
		}
		for _, e := range t.maps {
			edit.Put(e)
		}
		if t.unread != (network.Unread{}) {
			unread[namespace] = t.unread
		}
	}
	maps.DeleteFunc(p.read, func(namespace string, _ *texts) bool { return !slices.Contains(namespaces, namespace) })
	return edit.Inventory(), unread
}

// list reads the ConfigMaps of a namespace and keeps those with some names. Those
// that were read before stay where it fails.
func (p *pass) list(ctx context.Context, namespace string, names []string, t *texts) {
	known := t.maps != nil
	found := make([]*inventory.Entry, 0, len(names))
	list := &corev1.ConfigMapList{}
	for more := true; more; more = list.Continue != "" {
		err := p.Reader.List(ctx, list, client.InNamespace(namespace), client.Limit(listed), client.Continue(list.Continue))
		switch {
		case apierrors.IsForbidden(err):
			t.tried, t.names = p.now, names
			t.unread.What = fmt.Sprintf("ConfigMaps of %s may not be read: addresses that stand in them are not known; manifests/network-namespace gives the right", namespace)
			if known {
				t.unread.What = fmt.Sprintf("ConfigMaps of %s may not be read any more: what they said last counts", namespace)
			}
			return
		case err != nil:
			p.next = min(p.next, sweep/6)
			t.unread = network.Unread{What: fmt.Sprintf("ConfigMaps of %s cannot be read: %v", namespace, err), Holds: !known}
			return
		}
		for i := range list.Items {
			m := &list.Items[i]
			if _, wanted := slices.BinarySearch(names, m.Name); wanted {
				// The keys of binaryData hold no text, and nobody else reads the rest.
				kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name}, Data: m.Data}
				found = append(found, inventory.NewEntry(kept))
			}
		}
	}
	*t = texts{tried: p.now, names: names, maps: found}
}

// named returns the names of the ConfigMaps that pods of a namespace get variables
// and files from, in order.
func named(inv *inventory.Inventory, namespace string) []string {
	set := map[string]bool{}
	for _, kind := range inventory.Kinds() {
		for e := range inv.Entries(kind.GroupKind, namespace) {
			if e.Workload != nil && e.Workload.Spec != nil {
				configMapsOf(e.Workload.Spec, set)
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func configMapsOf(spec *corev1.PodSpec, set map[string]bool) {
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			for _, from := range list[i].EnvFrom {
				if from.ConfigMapRef != nil {
					set[from.ConfigMapRef.Name] = true
				}
			}
			for _, v := range list[i].Env {
				if v.ValueFrom != nil && v.ValueFrom.ConfigMapKeyRef != nil {
					set[v.ValueFrom.ConfigMapKeyRef.Name] = true
				}
			}
		}
	}
	for i := range spec.Volumes {
		v := &spec.Volumes[i]
		if v.ConfigMap != nil {
			set[v.ConfigMap.Name] = true
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				set[s.ConfigMap.Name] = true
			}
		}
	}
}
