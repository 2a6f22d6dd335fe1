// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// namedPortConfusion flags target names that mean different numbers (EXP-019).
func namedPortConfusion() checks.Check {
	return checks.Check{
		ID: "EXP-019", Name: "named-port-confusion",
		Severity: checks.Low,
		Actions:  checks.Actions{Baseline: checks.Warn, Strict: checks.Warn},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "A target port's name means one number",
			Why: "A targetPort that is a name is looked up in each pod by itself, so pods of one Service may answer on different numbers. " +
				"That is made for rolling out a new number; it also lets whoever writes one of the pod templates decide where the Service's traffic arrives in his pods, an administration port included, while the Service and the NetworkPolicies that name a number look the same. " +
				"The rule compares the pods and templates that the Service selects, with sidecars, protocol by protocol. A name that no container has leads nowhere and is not reported.",
			Attack: "a pod that joins the Service by its labels decides on which port it is reached",
			Fix:    "write the number in targetPort, or give the named container port the same number in every workload that the Service selects",
			Exempt: "A rollout that changes the number.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports",
				"https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/endpointslice/utils.go",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			var out []checks.Finding
			for i := range svc.Spec.Ports {
				p := &svc.Spec.Ports[i]
				if p.TargetPort.Type != intstr.String || p.TargetPort.StrVal == "" {
					continue
				}
				if a, b, differ := differing(svc, p, in); differ {
					out = append(out, checks.Finding{
						Subject: portSubject(*p), Field: fmt.Sprintf("spec.ports[%d].targetPort", i),
						Message: fmt.Sprintf("leads by the name %s to port %d of %s, but to port %d of %s", p.TargetPort.StrVal, a.number, a.workload, b.number, b.workload),
						Path:    []string{inputName(in) + fmt.Sprintf(" port %d", p.Port), b.workload + fmt.Sprintf(" port %d", b.number)},
					})
				}
			}
			return out
		}),
	}
}

type resolvedPort struct {
	number   int32
	workload string
}

// differing returns two workloads in which a name means different numbers: the
// first that has the name, and the first that disagrees.
func differing(svc *corev1.Service, p *corev1.ServicePort, in checks.Input) (a, b resolvedPort, differ bool) {
	var first *inventory.Workload
	var number int32
	var last *corev1.PodSpec
	for _, w := range Selected(svc, in) {
		if w.Spec == last {
			continue // replicas share one spec
		}
		last = w.Spec
		n := namedPort(w.Spec, p.TargetPort.StrVal, protocol(p.Protocol))
		switch {
		case n == 0:
		case first == nil:
			first, number = w, n
		case n != number:
			return resolvedPort{number, root(first, in.Inventory)}, resolvedPort{n, root(w, in.Inventory)}, true
		}
	}
	return a, b, false
}
