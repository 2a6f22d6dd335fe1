// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mirror pods stand for the static pods of a node, whose files no admission sees.
// The kubelet writes them with an annotation and the Node as controller, which
// NodeRestriction demands; no kubelet runs a pod that has the annotation. It cannot
// be added by an update, but by who binds a pod (pods/binding), so that alone it
// means nothing.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/pod/mirror_client.go (CreateMirrorPod)
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/plugin/pkg/admission/noderestriction/admission.go (admitPodCreate)

// IsMirror reports whether a pod is a mirror pod.
func IsMirror(p *corev1.Pod) bool {
	ref := metav1.GetControllerOfNoCopy(p)
	return ref != nil && mirrors(p.Annotations, ref.APIVersion, ref.Kind)
}

// Mirror reports whether a workload is a mirror pod.
func (w *Workload) Mirror() bool {
	return w.Key.Kind == PodKind && w.Controller != nil && mirrors(w.Annotations, w.Controller.APIVersion, w.Controller.Kind)
}

func mirrors(annotations map[string]string, version, kind string) bool {
	_, is := annotations[corev1.MirrorPodAnnotationKey]
	return is && version == "v1" && kind == "Node"
}
