// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/expose"
)

// exposeAnnotations flags annotations of a Service by which the bundled gateway would
// publish less than is meant, or nothing (EXP-052).
func exposeAnnotations() checks.Check {
	return checks.Check{
		ID: "EXP-052", Name: "expose-annotations",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Annotations that publish a Service say what is meant",
			Why: "The gateway publishes a Service by annotations: gatehouse.sh/expose says where, gatehouse.sh/auth who is let in, others how often and by which certificate. " +
				"One with a typing mistake is one that is not there, and it may be the one that guards; the gateway then serves nothing and tells of it by an Event, which nobody reads. " +
				"The rule reports, when the Service is written, a name that there is not, gatehouse.sh/expose without gatehouse.sh/auth, the form of gatehouse.sh/auth, and the others without gatehouse.sh/expose. " +
				"Values that only the cluster can judge (a Secret, a port, a class) are told by the Event. " +
				"The type of a Service is nobody's to change: one of type LoadBalancer or NodePort stays open beside the gateway, which EXP-001 and EXP-002 refuse.",
			Attack: "nothing at first: what was meant to be guarded is not served, until somebody publishes it another way",
			Fix:    "write the annotations as docs/ingress.md has them",
			Exempt: "Annotations of that form that another program reads.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/",
			},
		},
		Run: checks.On(judgeAnnotations),
	}
}

func judgeAnnotations(svc *corev1.Service, _ checks.Input) []checks.Finding {
	var out []checks.Finding
	report := func(name, message, fix string) {
		key := expose.Prefix + name
		out = append(out, checks.Finding{Subject: "annotation/" + key, Field: annotationField(key), Message: message, Fix: fix})
	}
	published := strings.TrimSpace(svc.Annotations[exposeAnnotation]) != ""
	var own []string // seldom any: no allocation without
	for key := range svc.Annotations {
		if strings.HasPrefix(key, expose.Prefix) {
			own = append(own, key)
		}
	}
	slices.Sort(own)
	for _, key := range own {
		name := strings.TrimPrefix(key, expose.Prefix)
		meant, near := expose.Meant(name)
		switch {
		case !expose.Known(name) && near:
			report(name, "has the annotation "+key+", which there is not: "+expose.Prefix+meant+" may be meant", "write "+expose.Prefix+meant)
		case !expose.Known(name) && published && !expose.Elsewhere(name):
			report(name, "has the annotation "+key+", which there is not: the gateway serves nothing of a Service that says what it does not know", "remove "+key+", or write one of "+strings.Join(expose.Keys(), ", "))
		case !expose.Known(name), name == expose.Host:
		case !published:
			report(name, "has the annotation "+key+", and nothing is published without "+exposeAnnotation, "add "+exposeAnnotation+", or remove "+key)
		case name == expose.Auth && !authForm(svc.Annotations[key]):
			report(name, "lets in nobody: "+key+" has none of the forms jwt:ISSUER, apikey:SECRET, basic:SECRET and none", "write one of jwt:ISSUER, apikey:SECRET, basic:SECRET, none")
		}
	}
	if _, given := svc.Annotations[authAnnotation]; published && !given {
		report(expose.Auth, "asks to be published at "+svc.Annotations[exposeAnnotation]+", and does not say who is let in: without "+authAnnotation+" nothing is",
			"add "+authAnnotation+": jwt:ISSUER, apikey:SECRET or basic:SECRET, or none, which lets everybody in")
	}
	return out
}

// authForm reports whether a value of auth begins as one that the gateway reads.
func authForm(v string) bool {
	v = strings.TrimSpace(v)
	if v == "none" {
		return true
	}
	form, rest, _ := strings.Cut(v, ":")
	return rest != "" && (form == "jwt" || form == "apikey" || form == "basic")
}
