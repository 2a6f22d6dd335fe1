// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// workload returns the workload of a pod: by its owner, by the pod, by the form
// of its name where the pod is gone, and by its labels.
func (d *directory) workload(e *Endpoint) end {
	for _, w := range e.Workloads {
		if id, ok := d.owner(e.Namespace, w); ok {
			return known(generator.WorkloadPeerOf(id), generator.Certain)
		}
	}
	if e.Pod != "" {
		namespace, name := e.Namespace, e.Pod
		if before, after, both := strings.Cut(name, "/"); both && namespace == "" {
			namespace, name = before, after
		}
		if id, ok := d.podsNamed[podName{namespace, name}]; ok {
			return known(generator.WorkloadPeerOf(id), generator.Certain)
		}
		if id, ok := d.likeName(namespace, name); ok {
			return known(generator.WorkloadPeerOf(id), generator.Likely)
		}
	}
	if id, ok := d.labelled(e); ok {
		return known(generator.WorkloadPeerOf(id), generator.Likely)
	}
	if p, ok := d.grouped(e); ok {
		return end{kind: aPeer, peer: p, sure: generator.Certain, pod: true}
	}
	return end{what: d.stranger(e)}
}

// grouped finds the group of the environment to which a pod belongs that the
// inventory does not have: files of one application seldom have the name servers and
// the gateway.
func (d *directory) grouped(e *Endpoint) (generator.Peer, bool) {
	if e.Namespace == "" || len(e.Labels) == 0 {
		return generator.Peer{}, false
	}
	labels := make(map[string]string, len(e.Labels))
	for _, l := range e.Labels {
		labels[l.Key] = l.Value
	}
	var out []generator.Peer
	for _, kind := range []generator.PeerKind{generator.DNSPeer, generator.APIServerPeer, generator.GatewayPeer, generator.MonitoringPeer} {
		group, _ := d.env.Group(kind)
		if slices.ContainsFunc(group.Pods, func(s generator.PodSet) bool { return s.Holds(e.Namespace, labels) }) {
			out = append(out, generator.Peer{Kind: kind})
		}
	}
	if len(out) != 1 {
		return generator.Peer{}, false
	}
	return out[0], true
}

// stranger says in words who is not known.
func (d *directory) stranger(e *Endpoint) string {
	name := "pod " + e.Namespace + "/" + e.Pod
	switch {
	case len(e.Workloads) > 0:
		id := generator.WorkloadID{Namespace: e.Namespace, Kind: e.Workloads[0].Kind, Name: e.Workloads[0].Name}
		name = strings.TrimSpace(id.String())
	case e.Pod == "":
		name = "a pod of namespace " + e.Namespace
	}
	if e.Namespace != "" && d.universe.NamespaceLabels(e.Namespace) == nil {
		name += ", whose namespace is not known"
	}
	return name
}

// owner finds what a recorder names as the owner of a pod. What is made by
// another object belongs to that: the ReplicaSet of a Deployment and the Job of
// a CronJob have its name and one word more.
func (d *directory) owner(namespace string, w WorkloadName) (generator.WorkloadID, bool) {
	id := generator.WorkloadID{Namespace: namespace, Kind: w.Kind, Name: w.Name}
	if w.Kind == "" {
		return d.only(namespace, func(o *generator.Workload) bool { return o.ID.Name == w.Name })
	}
	if d.universe.Workload(id) != nil {
		return id, true
	}
	above := map[string]string{"ReplicaSet": "Deployment", "Job": "CronJob"}[w.Kind]
	return d.named(namespace, above, cut(w.Name))
}

// named returns a workload if it is known.
func (d *directory) named(namespace, kind, name string) (generator.WorkloadID, bool) {
	id := generator.WorkloadID{Namespace: namespace, Kind: kind, Name: name}
	return id, name != "" && kind != "" && d.universe.Workload(id) != nil
}

// likeName finds the workload whose controller gives its pods such names
// (kubernetes.io/docs/concepts/workloads): a Deployment two words more, a Job of
// a CronJob two, a StatefulSet a number, a DaemonSet one word.
func (d *directory) likeName(namespace, pod string) (generator.WorkloadID, bool) {
	once := cut(pod)
	kinds := []string{"DaemonSet", "Job", "ReplicaSet"}
	if tail := pod[min(len(pod), len(once)+1):]; strings.Trim(tail, "0123456789") == "" {
		kinds = []string{"StatefulSet"}
	}
	for _, kind := range kinds {
		if id, ok := d.named(namespace, kind, once); ok {
			return id, true
		}
	}
	for _, kind := range []string{"Deployment", "CronJob"} {
		if id, ok := d.named(namespace, kind, cut(once)); ok {
			return id, true
		}
	}
	return d.named(namespace, "Pod", pod)
}

// cut returns a name without its last word; nothing for a name of one word.
func cut(name string) string { return name[:max(strings.LastIndexByte(name, '-'), 0)] }

// labelled finds the one workload whose pods have such labels.
func (d *directory) labelled(e *Endpoint) (generator.WorkloadID, bool) {
	if len(e.Labels) == 0 {
		return generator.WorkloadID{}, false
	}
	has := func(key, value string) bool { return slices.Contains(e.Labels, Label{key, value}) }
	return d.only(e.Namespace, func(w *generator.Workload) bool {
		want := w.Selector
		if len(want) == 0 {
			want = w.Labels
		}
		for key, value := range want {
			if !generator.Churns(key) && !has(key, value) {
				return false
			}
		}
		return len(want) > 0
	})
}

// only returns the workload of a namespace that is meant, if it is one alone.
func (d *directory) only(namespace string, meant func(*generator.Workload) bool) (id generator.WorkloadID, ok bool) {
	for _, w := range d.universe.Within(namespace) {
		if meant(w) {
			if ok {
				return generator.WorkloadID{}, false
			}
			id, ok = w.ID, true
		}
	}
	return id, ok
}
