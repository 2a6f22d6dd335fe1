// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Where data planes find what is mounted.
const (
	handed = "/var/run/gatehouse" // token and ca.crt
	kept   = "/var/lib/gatehouse"
)

// user is that of the image, who is nobody.
const user = 65532

// tokenSeconds is an hour: the kubelet replaces the token when a fifth of it is left.
const tokenSeconds = 3600

// linger is how many seconds those who send clients to a Pod may take to learn that it
// ends, and grace has the 30 s besides in which requests under way may end.
const (
	linger = 5
	grace  = 45
)

func (b *builder) deployment() *appsv1.Deployment {
	least, most := b.replicas()
	none, one, history := intstr.FromInt32(0), intstr.FromInt32(1), int32(3)
	out := &appsv1.Deployment{TypeMeta: metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"}, ObjectMeta: b.meta()}
	out.Spec = appsv1.DeploymentSpec{
		RevisionHistoryLimit: &history, Selector: &metav1.LabelSelector{MatchLabels: b.selector()},
		Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &one, MaxUnavailable: &none}},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: b.labels(), Annotations: b.gateway.Annotations}, Spec: b.pod()},
	}
	if least == most { // otherwise it is the autoscaler's to say
		out.Spec.Replicas = &least
	}
	return out
}

// pod is as the standard "restricted" wants it: ip_unprivileged_port_start, by which the
// ports of listeners need no privileges, is among the sysctls that it allows
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
func (b *builder) pod() corev1.PodSpec {
	yes, no, id, seconds := true, false, int64(user), int64(grace)
	spread := func(key string) corev1.TopologySpreadConstraint {
		return corev1.TopologySpreadConstraint{MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: &metav1.LabelSelector{MatchLabels: b.selector()}}
	}
	return corev1.PodSpec{
		ServiceAccountName: Name(b.gateway.Name), AutomountServiceAccountToken: &no, EnableServiceLinks: &no, TerminationGracePeriodSeconds: &seconds,
		NodeSelector: map[string]string{corev1.LabelOSStable: "linux"}, TopologySpreadConstraints: []corev1.TopologySpreadConstraint{spread(corev1.LabelTopologyZone), spread(corev1.LabelHostname)},
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: &yes, RunAsUser: &id, RunAsGroup: &id, FSGroup: &id, SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			Sysctls: []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}},
		},
		Containers: []corev1.Container{b.container()}, Volumes: b.volumes(),
	}
}

func (b *builder) container() corev1.Container {
	no, yes := false, true
	probe := func(path string, every, failures int32) *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("metrics")}}, PeriodSeconds: every, FailureThreshold: failures}
	}
	cpu, memory := resource.MustParse("100m"), b.memory()
	if q := b.parameters.Resources.CPU; q != nil {
		cpu = *q
	}
	return corev1.Container{
		Name: "gateway", Image: b.options.Image, ImagePullPolicy: corev1.PullIfNotPresent,
		Args: []string{
			"--control=" + b.options.Control, "--ca=" + handed + "/" + caKey, "--token=" + handed + "/token", "--keep=" + kept, fmt.Sprintf("--metrics=:%d", b.options.Metrics), fmt.Sprintf("--linger=%ds", linger),
		},
		Env:           []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: fmt.Sprint(memory.Value() / 10 * 9)}},
		Ports:         []corev1.ContainerPort{{Name: "metrics", ContainerPort: int32(b.options.Metrics), Protocol: corev1.ProtocolTCP}},
		LivenessProbe: probe("/healthz", 10, 6), ReadinessProbe: probe("/readyz", 5, 1),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory}, Limits: corev1.ResourceList{corev1.ResourceMemory: memory},
		},
		SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
		VolumeMounts:    []corev1.VolumeMount{{Name: "handed", MountPath: handed, ReadOnly: true}, {Name: "kept", MountPath: kept}},
	}
}

// memory is what a Pod may have, the folder for what is served included.
func (b *builder) memory() resource.Quantity {
	if q := b.parameters.Resources.Memory; q != nil {
		return *q
	}
	return resource.MustParse("256Mi")
}

// maxKept is config.MaxFile, and once more while it is replaced.
const maxKept = 128 << 20

// keeps is how much of the memory what is served may take in its folder, in bytes: half of
// it at most. The process, which leaves out what is in it, has the rest.
func (b *builder) keeps() int64 {
	memory := b.memory()
	return min(maxKept, memory.Value()/2)
}

// volumes are the token and the authority of the control plane, and memory for what is
// served: it has the keys of certificates.
func (b *builder) volumes() []corev1.Volume {
	seconds, size := int64(tokenSeconds), *resource.NewQuantity(b.keeps(), resource.BinarySI)
	return []corev1.Volume{
		{Name: "handed", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: b.options.Audience, ExpirationSeconds: &seconds, Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: Name(b.gateway.Name)}, Items: []corev1.KeyToPath{{Key: caKey, Path: caKey}}}},
		}}}},
		{Name: "kept", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &size}}},
	}
}

// busy is how much of the CPU that they ask for replicas use before there are more, in
// percent.
const busy = 80

func (b *builder) autoscaler(least, most int32) *autoscalingv2.HorizontalPodAutoscaler {
	percent := int32(busy)
	out := &autoscalingv2.HorizontalPodAutoscaler{TypeMeta: metav1.TypeMeta{APIVersion: autoscalingv2.SchemeGroupVersion.String(), Kind: "HorizontalPodAutoscaler"}, ObjectMeta: b.meta()}
	out.Spec = autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment", Name: Name(b.gateway.Name)},
		MinReplicas:    &least, MaxReplicas: most,
		Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
		}}},
	}
	return out
}

func (b *builder) budget() *policyv1.PodDisruptionBudget {
	one := intstr.FromInt32(1)
	out := &policyv1.PodDisruptionBudget{TypeMeta: metav1.TypeMeta{APIVersion: policyv1.SchemeGroupVersion.String(), Kind: "PodDisruptionBudget"}, ObjectMeta: b.meta()}
	out.Spec = policyv1.PodDisruptionBudgetSpec{MaxUnavailable: &one, Selector: &metav1.LabelSelector{MatchLabels: b.selector()}}
	return out
}
