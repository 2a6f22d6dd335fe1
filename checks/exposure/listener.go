// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// resolved returns the first number that a target name has in the Service's
// pods, a sensitive one before others; 0 when no pod has it.
func resolved(svc *corev1.Service, p *corev1.ServicePort, in checks.Input) int32 {
	var first int32
	var last *corev1.PodSpec
	for _, w := range Selected(svc, in) {
		if w.Spec == last {
			continue // replicas share one spec
		}
		last = w.Spec
		n := namedPort(w.Spec, p.TargetPort.StrVal, protocol(p.Protocol))
		if _, sensitive := in.Parameters.SensitivePorts[n]; sensitive {
			return n
		}
		if first == 0 {
			first = n
		}
	}
	return first
}

// listensOn says what listens behind a port, and by which field of the port that
// is known.
func listensOn(svc *corev1.Service, p *corev1.ServicePort, in checks.Input) (what, field string, sensitive bool) {
	table := in.Parameters.SensitivePorts
	if what, sensitive = table[p.Port]; sensitive {
		return what, "port", true
	}
	target := p.TargetPort.IntVal
	if p.TargetPort.Type == intstr.String && p.TargetPort.StrVal != "" {
		target = resolved(svc, p, in)
		if what, sensitive = checks.SensitiveProtocol(p.TargetPort.StrVal); sensitive {
			return what, "targetPort", true
		}
	}
	if what, sensitive = table[target]; sensitive {
		return what, "targetPort", true
	}
	if what, sensitive = checks.SensitiveProtocol(p.Name); sensitive {
		return what, "name", true
	}
	if p.AppProtocol != nil {
		if what, sensitive = checks.SensitiveProtocol(*p.AppProtocol); sensitive {
			return what, "appProtocol", true
		}
	}
	if what, sensitive = namesAmbiguous(svc, p, p.Port, in); sensitive {
		return what, "port", true
	}
	if target != 0 && target != p.Port {
		what, sensitive = namesAmbiguous(svc, p, target, in)
	}
	return what, "targetPort", sensitive
}

// ambiguousProbe bounds how many pod specs are looked at for a sign: what stands
// behind one Service are replicas of a few templates.
const ambiguousProbe = 32

// namesAmbiguous looks for a sign of what listens on a number that means nothing
// by itself.
func namesAmbiguous(svc *corev1.Service, p *corev1.ServicePort, number int32, in checks.Input) (string, bool) {
	candidates := checks.AmbiguousPorts(number)
	if len(candidates) == 0 {
		return "", false
	}
	for _, may := range candidates {
		if hasSign(may.Signs, p.Name) || hasSign(may.Signs, svc.Name) || p.TargetPort.Type == intstr.String && hasSign(may.Signs, p.TargetPort.StrVal) {
			return may.What, true
		}
	}
	var last *corev1.PodSpec
	looked := 0
	for _, w := range Selected(svc, in) {
		if w.Spec == nil || w.Spec == last {
			continue
		}
		if last, looked = w.Spec, looked+1; looked > ambiguousProbe {
			break
		}
		for i := range w.Spec.Containers {
			c := &w.Spec.Containers[i]
			for _, may := range candidates {
				if hasSign(may.Signs, c.Name) || hasSign(may.Signs, imageBase(c.Image)) {
					return may.What, true
				}
			}
		}
	}
	return "", false
}

// hasSign reports whether a name contains one of the words, bounded by the ends
// of the name, "-", "_" or ".".
func hasSign(signs []string, name string) bool {
	for _, sign := range signs {
		for at := 0; ; {
			i := strings.Index(name[at:], sign)
			if i < 0 {
				break
			}
			at += i
			end := at + len(sign)
			if (at == 0 || separates(name[at-1])) && (end == len(name) || separates(name[end])) {
				return true
			}
			at = end
		}
	}
	return false
}

func separates(b byte) bool { return b == '-' || b == '_' || b == '.' }

// imageBase returns the last part of an image's repository: "postgres" of
// "registry.example.com:5000/library/postgres:17@sha256:...".
func imageBase(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	image, _, _ = strings.Cut(image, ":")
	return image
}
