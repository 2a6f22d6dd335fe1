// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Trim drops, in place, what no check reads, so that a kept object costs what
// its judged fields cost. It never changes a verdict: a law test over every
// fixture says so. Secrets that stand in environment variables go with it.
func Trim(o Object) { trim(o, false) }

// trim leaves the pod template alone where it is to stay whole.
func trim(o Object, whole bool) {
	o.SetManagedFields(nil)
	if !controls(KeyOf(o).Kind) {
		o.SetUID("")
	}
	o.SetResourceVersion("")
	o.SetSelfLink("")
	dropAnnotation(o, corev1.LastAppliedConfigAnnotation)
	if len(o.GetFinalizers()) > 0 {
		o.SetFinalizers(nil)
	}
	if refs := o.GetOwnerReferences(); len(refs) > 0 && KeyOf(o).Kind.Group != ownGroup { // with any of its owners a policy may go
		o.SetOwnerReferences(onlyController(refs))
	}
	if t, ok := TemplateOf(o); ok && !whole {
		trimPodSpec(t.Spec)
	}
	trimKind(o)
}

func trimKind(o Object) {
	switch w := o.(type) {
	case *corev1.Pod:
		w.Status = corev1.PodStatus{PodIP: w.Status.PodIP, PodIPs: w.Status.PodIPs}
	case *corev1.Namespace:
		w.Spec, w.Status = corev1.NamespaceSpec{}, corev1.NamespaceStatus{}
	case *corev1.Node:
		w.Labels, w.Annotations = nil, nil
		w.Spec = corev1.NodeSpec{PodCIDR: w.Spec.PodCIDR, PodCIDRs: w.Spec.PodCIDRs}
		w.Status = corev1.NodeStatus{Addresses: w.Status.Addresses}
	case *corev1.Service:
		w.Status.Conditions = nil
	case *appsv1.Deployment:
		w.Status = appsv1.DeploymentStatus{}
	case *appsv1.StatefulSet:
		w.Status, w.Spec.VolumeClaimTemplates = appsv1.StatefulSetStatus{}, nil
	case *appsv1.DaemonSet:
		w.Status = appsv1.DaemonSetStatus{}
	case *appsv1.ReplicaSet:
		w.Status = appsv1.ReplicaSetStatus{}
	case *corev1.ReplicationController:
		w.Status = corev1.ReplicationControllerStatus{}
	case *batchv1.Job:
		w.Status = batchv1.JobStatus{}
	case *batchv1.CronJob:
		w.Status = batchv1.CronJobStatus{}
	case *discoveryv1.EndpointSlice:
		for i := range w.Endpoints {
			w.Endpoints[i] = discoveryv1.Endpoint{Addresses: w.Endpoints[i].Addresses}
		}
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		for i := range w.Webhooks {
			w.Webhooks[i] = admissionregistrationv1.ValidatingWebhook{Name: w.Webhooks[i].Name, ClientConfig: onlyService(w.Webhooks[i].ClientConfig)}
		}
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		for i := range w.Webhooks {
			w.Webhooks[i] = admissionregistrationv1.MutatingWebhook{Name: w.Webhooks[i].Name, ClientConfig: onlyService(w.Webhooks[i].ClientConfig)}
		}
	case *apiextensionsv1.CustomResourceDefinition:
		trimDefinition(w)
	case *gatewayv1.Gateway:
		w.Status = gatewayv1.GatewayStatus{}
	case *gatewayv1.GatewayClass:
		w.Status = gatewayv1.GatewayClassStatus{}
	case *gatewayv1.HTTPRoute:
		w.Status = gatewayv1.HTTPRouteStatus{}
	case *gatewayv1.GRPCRoute:
		w.Status = gatewayv1.GRPCRouteStatus{}
	case *gatewayv1.TLSRoute:
		w.Status = gatewayv1.TLSRouteStatus{}
	case *gatewayv1.TCPRoute:
		w.Status = gatewayv1.TCPRouteStatus{}
	case *gatewayv1.UDPRoute:
		w.Status = gatewayv1.UDPRouteStatus{}
	case *unstructured.Unstructured:
		review, reviewed, err := unstructured.NestedString(w.Object, "status", reviewStatus)
		delete(w.Object, "status")
		if reviewed && err == nil {
			w.Object["status"] = map[string]any{reviewStatus: review}
		}
	}
}

// reviewStatus says of ClientIntents of Otterize whether somebody approved them
// (generator/intents). Other kinds have no such field.
const reviewStatus = "reviewStatus"

// trimDefinition keeps what says where conversion requests go and which
// resource the definition serves; schemas are most of a cluster's CRD bytes.
func trimDefinition(d *apiextensionsv1.CustomResourceDefinition) {
	if c := d.Spec.Conversion; c != nil && c.Webhook != nil && c.Webhook.ClientConfig != nil {
		c.Webhook.ClientConfig.CABundle = nil
	}
	for i := range d.Spec.Versions {
		v := &d.Spec.Versions[i]
		d.Spec.Versions[i] = apiextensionsv1.CustomResourceDefinitionVersion{Name: v.Name, Served: v.Served, Storage: v.Storage}
	}
	d.Status = apiextensionsv1.CustomResourceDefinitionStatus{}
}

func onlyService(c admissionregistrationv1.WebhookClientConfig) admissionregistrationv1.WebhookClientConfig {
	return admissionregistrationv1.WebhookClientConfig{Service: c.Service}
}

func onlyController(refs []metav1.OwnerReference) []metav1.OwnerReference {
	for _, r := range refs {
		if r.Controller != nil && *r.Controller {
			return []metav1.OwnerReference{{APIVersion: r.APIVersion, Kind: r.Kind, Name: r.Name, UID: r.UID, Controller: r.Controller}}
		}
	}
	return nil
}

// dropAnnotation deletes in place: Trim owns its object.
func dropAnnotation(o Object, key string) {
	a := o.GetAnnotations()
	if _, present := a[key]; !present {
		return
	}
	delete(a, key)
	o.SetAnnotations(a)
}

// trimPodSpec keeps identity, reachability and what breaks out of a container.
func trimPodSpec(s *corev1.PodSpec) {
	volumes := trimVolumes(s.Volumes)
	*s = corev1.PodSpec{
		InitContainers:               trimContainers(s.InitContainers, volumes),
		Containers:                   trimContainers(s.Containers, volumes),
		EphemeralContainers:          trimEphemeral(s.EphemeralContainers, volumes),
		Volumes:                      volumes,
		ServiceAccountName:           s.ServiceAccountName,
		DeprecatedServiceAccount:     s.DeprecatedServiceAccount,
		AutomountServiceAccountToken: s.AutomountServiceAccountToken,
		HostNetwork:                  s.HostNetwork,
		HostPID:                      s.HostPID,
		HostIPC:                      s.HostIPC,
		HostUsers:                    s.HostUsers,
		SecurityContext:              s.SecurityContext,
		ImagePullSecrets:             s.ImagePullSecrets,
		RuntimeClassName:             s.RuntimeClassName,
	}
}

func trimContainers(list []corev1.Container, volumes []corev1.Volume) []corev1.Container {
	for i := range list {
		c := &list[i]
		list[i] = corev1.Container{
			Name: c.Name, Image: c.Image, Ports: c.Ports, SecurityContext: c.SecurityContext, RestartPolicy: c.RestartPolicy,
			LivenessProbe: withHost(c.LivenessProbe), ReadinessProbe: withHost(c.ReadinessProbe), StartupProbe: withHost(c.StartupProbe),
			Lifecycle: c.Lifecycle, VolumeMounts: ofNode(c.VolumeMounts, volumes),
			EnvFrom: wholeSecrets(c.EnvFrom), Env: tokens(c.Env),
		}
	}
	return list
}

func trimEphemeral(list []corev1.EphemeralContainer, volumes []corev1.Volume) []corev1.EphemeralContainer {
	for i := range list {
		c := &list[i].EphemeralContainerCommon
		list[i] = corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: c.Name, Image: c.Image, Ports: c.Ports, SecurityContext: c.SecurityContext,
			LivenessProbe: withHost(c.LivenessProbe), ReadinessProbe: withHost(c.ReadinessProbe), StartupProbe: withHost(c.StartupProbe),
			Lifecycle: c.Lifecycle, VolumeMounts: ofNode(c.VolumeMounts, volumes),
			EnvFrom: wholeSecrets(c.EnvFrom), Env: tokens(c.Env),
		}}
	}
	return list
}

// wholeSecrets keeps the names of the Secrets that become environment variables.
func wholeSecrets(list []corev1.EnvFromSource) []corev1.EnvFromSource {
	var out []corev1.EnvFromSource
	for i := range list {
		if s := list[i].SecretRef; s != nil {
			out = append(out, corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: s.LocalObjectReference}})
		}
	}
	return out
}

// tokens keeps of the environment variables the names of the Secrets whose key is
// that of a ServiceAccount token.
func tokens(list []corev1.EnvVar) []corev1.EnvVar {
	var out []corev1.EnvVar
	for i := range list {
		if f := list[i].ValueFrom; f != nil && f.SecretKeyRef != nil && f.SecretKeyRef.Key == corev1.ServiceAccountTokenKey {
			key := &corev1.SecretKeySelector{LocalObjectReference: f.SecretKeyRef.LocalObjectReference, Key: f.SecretKeyRef.Key}
			out = append(out, corev1.EnvVar{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: key}})
		}
	}
	return out
}

// ofNode keeps of the mounts those of the node's own paths, and of these what is
// mounted and whether it can be written.
func ofNode(mounts []corev1.VolumeMount, volumes []corev1.Volume) []corev1.VolumeMount {
	var out []corev1.VolumeMount
	for i := range mounts {
		for j := range volumes {
			if volumes[j].HostPath != nil && volumes[j].Name == mounts[i].Name {
				out = append(out, corev1.VolumeMount{Name: mounts[i].Name, ReadOnly: mounts[i].ReadOnly})
				break
			}
		}
	}
	return out
}

// withHost keeps a probe only when it names a host (EXP-042).
func withHost(p *corev1.Probe) *corev1.Probe {
	if p == nil || (p.HTTPGet == nil || p.HTTPGet.Host == "") && (p.TCPSocket == nil || p.TCPSocket.Host == "") {
		return nil
	}
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: p.HTTPGet, TCPSocket: p.TCPSocket}}
}

// generatedToken is the name of the volume that the API server adds for the
// ServiceAccount token; its random suffix would make every replica unique.
const generatedToken = "kube-api-access-"

// trimVolumes keeps the sources that carry identity or reach the node.
func trimVolumes(list []corev1.Volume) []corev1.Volume {
	out := list[:0]
	for _, v := range list {
		if v.HostPath == nil && v.Secret == nil && v.Projected == nil && v.CSI == nil {
			continue
		}
		kept := corev1.Volume{Name: v.Name, VolumeSource: corev1.VolumeSource{HostPath: v.HostPath, Secret: v.Secret, Projected: v.Projected, CSI: v.CSI}}
		if len(v.Name) > len(generatedToken) && v.Name[:len(generatedToken)] == generatedToken {
			kept.Name = generatedToken
		}
		out = append(out, kept)
	}
	return out
}
