// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"maps"
	"slices"
	"strings"
)

// churning are labels that change from pod to pod or from release to release,
// so that a policy that selects one would stop matching: those that controllers
// write (k8s.io/api/apps/v1, k8s.io/api/batch/v1 well-known labels), and those
// by which charts, roll-outs and meshes mark a version.
var churning = []string{
	"pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name",
	"apps.kubernetes.io/pod-index", "job-name", "batch.kubernetes.io/job-name", "controller-uid", "batch.kubernetes.io/controller-uid",
	"batch.kubernetes.io/job-completion-index", "app.kubernetes.io/version", "helm.sh/chart", "chart", "heritage", "version",
	"rollouts-pod-template-hash", "istio.io/rev", "service.istio.io/canonical-revision", "topology.kubernetes.io/region", "topology.kubernetes.io/zone",
}

// churningPrefixes are prefixes of such labels.
var churningPrefixes = []string{
	"topology.", "failure-domain.beta.kubernetes.io/", "security.istio.io/", "linkerd.io/", "checksum/",
}

// Churns reports whether a label key must not be in the selector of a policy.
// app.kubernetes.io/instance does not churn: it tells two releases of a chart
// apart.
func Churns(key string) bool {
	return slices.Contains(churning, key) || slices.ContainsFunc(churningPrefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// stable returns the labels that do not churn.
func stable(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	maps.DeleteFunc(out, func(key, _ string) bool { return Churns(key) })
	return out
}
