// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// addedPorts compares the ports of a Service that was and is exposed.
func addedPorts(old, svc *corev1.Service) []checks.Finding {
	var out []checks.Finding
	had := make(map[string]int, len(old.Spec.Ports))
	for i := range old.Spec.Ports {
		if s := portSubject(old.Spec.Ports[i]); had[s] == 0 {
			had[s] = i + 1
		}
	}
	for i, p := range svc.Spec.Ports {
		subject := portSubject(p)
		at := had[subject] - 1
		if at < 0 {
			out = append(out, checks.Finding{
				Subject: subject, Field: fmt.Sprintf("spec.ports[%d].port", i),
				Message: fmt.Sprintf("adds port %d to a Service that is exposed already", p.Port),
			})
			continue
		}
		if before, now := targetOf(old.Spec.Ports[at]), targetOf(p); before != now {
			out = append(out, checks.Finding{
				Severity: checks.Medium, Subject: subject + "/target", Field: fmt.Sprintf("spec.ports[%d].targetPort", i),
				Message: fmt.Sprintf("points the exposed port %d at target port %s instead of %s", p.Port, now, before),
			})
		}
	}
	return out
}

// targetOf is the port of the pods, which is the Service's own when none is
// given.
func targetOf(p corev1.ServicePort) string {
	if t := p.TargetPort.String(); t != "0" && t != "" {
		return t
	}
	return fmt.Sprint(p.Port)
}

// addedFamilies reports the address families that an exposed Service gains. One
// without stated families had the cluster's default, which is not known.
func addedFamilies(old, svc *corev1.Service) []checks.Finding {
	before, now := familiesOf(old), familiesOf(svc)
	if len(before) == 0 || typeOf(old) == corev1.ServiceTypeExternalName {
		return nil
	}
	var out []checks.Finding
	for _, family := range now {
		if slices.Contains(before, family) {
			continue
		}
		out = append(out, checks.Finding{
			Subject: "family/" + string(family), Field: "spec.ipFamilies",
			Message: fmt.Sprintf("adds %s addresses to an exposed Service that had only %s", family, before[0]),
		})
	}
	return out
}

// selectorStep reports a changed selector of a Service that something outside
// the gateway reaches.
func selectorStep(old, svc *corev1.Service, is reach, in checks.Input) []checks.Finding {
	for _, w := range Ways(svc, in) {
		if w.Gateway {
			continue
		}
		severity := reachSeverity[is]
		if w.Internal {
			severity = checks.Medium
		} else if severity < checks.High {
			severity = checks.High
		}
		return []checks.Finding{{
			Severity: severity, Subject: "selector", Field: "spec.selector",
			Message: fmt.Sprintf("points an exposed Service at pods with %s instead of %s", selectorText(svc), selectorText(old)),
			Path:    w.Path(),
		}}
	}
	return nil
}

func selectorText(svc *corev1.Service) string {
	if len(svc.Spec.Selector) == 0 {
		return "no selector"
	}
	return labels.Set(svc.Spec.Selector).String()
}
