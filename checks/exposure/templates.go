// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// templateKinds are pods and every kind that carries a pod template.
func templateKinds() []schema.GroupKind {
	var out []schema.GroupKind
	for _, k := range inventory.Kinds() {
		if _, typed := inventory.TemplateOf(k.Object()); typed || len(k.PodTemplate) > 0 || k.GroupKind == replicationController {
			out = append(out, k.GroupKind)
		}
	}
	return out
}

// replicationController's template is a pointer, so an empty one has none.
var replicationController = schema.GroupKind{Kind: "ReplicationController"}

// onPods adapts a function over a pod template to Check.Run. It leaves out
// mirror pods: the kubelet makes them to show its static pods, whose files no
// admission sees, and never runs one that somebody else made. A custom resource
// without a template, such as a Rollout that refers to a Deployment, runs nothing
// itself.
func onPods(run func(inventory.Template, checks.Input) []checks.Finding) func(checks.Input) []checks.Finding {
	judge := checks.OnTemplate(run)
	return func(in checks.Input) []checks.Finding {
		switch o := in.Object.(type) {
		case *corev1.Pod:
			if inventory.IsMirror(o) {
				return nil
			}
		case *unstructured.Unstructured:
			if !hasTemplate(o) {
				return nil
			}
		}
		return judge(in)
	}
}

// hasTemplate reports whether a custom resource has anything where its pod
// template belongs.
func hasTemplate(u *unstructured.Unstructured) bool {
	kind, known := inventory.KindOf(u.GroupVersionKind().GroupKind())
	if !known || len(kind.PodTemplate) == 0 {
		return false
	}
	at := u.Object
	for i, step := range kind.PodTemplate {
		v, present := at[step]
		if !present || v == nil {
			return false
		}
		m, isMap := v.(map[string]any)
		if !isMap || i == len(kind.PodTemplate)-1 {
			return true
		}
		at = m
	}
	return false
}

// containerList names the three lists of containers of a pod spec.
type containerList string

const (
	plainContainers     containerList = "containers"
	initContainers      containerList = "initContainers"
	ephemeralContainers containerList = "ephemeralContainers"
)

// eachContainer visits the containers of every list.
func eachContainer(spec *corev1.PodSpec, visit func(list containerList, i int, c *corev1.Container)) {
	for i := range spec.Containers {
		visit(plainContainers, i, &spec.Containers[i])
	}
	for i := range spec.InitContainers {
		visit(initContainers, i, &spec.InitContainers[i])
	}
	for i := range spec.EphemeralContainers {
		// The common part has the fields of a Container, by design of the API.
		visit(ephemeralContainers, i, (*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
}

// containerField is the path of a container: "spec.template.spec.containers[0]".
func containerField(t inventory.Template, list containerList, i int) string {
	return fmt.Sprintf("%s.%s[%d]", t.SpecField(), list, i)
}

// eachRawContainer visits the containers of a custom resource's pod template in
// place, so that a fix can change them.
func eachRawContainer(u *unstructured.Unstructured, visit func(container map[string]any)) {
	kind, known := inventory.KindOf(u.GroupVersionKind().GroupKind())
	if !known || len(kind.PodTemplate) == 0 {
		return
	}
	at := u.Object
	for _, step := range append(slices.Clip(kind.PodTemplate), "spec") {
		next, ok := at[step].(map[string]any)
		if !ok {
			return
		}
		at = next
	}
	for _, list := range []containerList{plainContainers, initContainers, ephemeralContainers} {
		items, ok := at[string(list)].([]any)
		if !ok {
			continue
		}
		for _, item := range items {
			if c, ok := item.(map[string]any); ok {
				visit(c)
			}
		}
	}
}
