// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// meshBypass flags what takes a pod, or a port of it, out of the mesh, and
// updates that take an object's gateway annotations away (EXP-044).
func meshBypass() checks.Check {
	pods := templateKinds()
	return checks.Check{
		ID: "EXP-044", Name: "mesh-bypass",
		Severity: checks.Medium,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    slices.Concat(pods, services, []schema.GroupKind{inventory.IngressKind}, gatewayRoutes),
		Doc: checks.Doc{
			Title: "Pods stay in the mesh, and objects keep their gateway annotations",
			Why: "A service mesh enforces mutual TLS and authorisation in the traffic that it captures; an annotation or label on the pod can take the pod or some of its ports out. " +
				"The check knows those of Istio (sidecar and ambient), Linkerd, Consul and Kuma that concern injection and inbound traffic, and reads the values as the mesh does. It fires whether or not the mesh is installed. " +
				"Exclusions of outbound traffic are not reported. " +
				"A pod without sidecar that runs to its end (a Job, a CronJob, the solver of a cert-manager challenge) is one degree less severe: with a sidecar it would not end, and it serves nobody. " +
				"On an update it also reports when an annotation or label of Gatehouse's own (gatehouse.sh/...) goes away or is emptied, because the gateway and the network policies find the object by it; " +
				"gatehouse.sh/expose may go, for that withdraws the object, and what only loosens may go.",
			Attack: "reaches the pod directly, without the mutual TLS and the authorisation that its namespace relies on",
			Fix:    "remove the annotation or label that takes the pod out of the mesh, or put the gateway annotation back",
			Exempt: "Jobs that must end by themselves, and agents that the mesh itself depends on.",
			Sources: []string{
				"https://istio.io/latest/docs/reference/config/annotations/",
				"https://istio.io/latest/docs/reference/config/labels/",
				"https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy",
				"https://linkerd.io/2/reference/proxy-configuration/",
				"https://developer.hashicorp.com/consul/docs/k8s/annotations-and-labels",
				"https://kuma.io/docs/latest/reference/kubernetes-annotations/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			out := removedGatewayMarks(in)
			if _, carries := inventory.TemplateOf(in.Object); !carries {
				return out
			}
			return append(out, judgeMesh(in)...)
		},
	}
}

var judgeMesh = onPods(func(t inventory.Template, in checks.Input) []checks.Finding {
	var out []checks.Finding
	ends := runsToItsEnd(in.Object)
	for i := range bypasses {
		b := &bypasses[i]
		if b.on != onLabel {
			if v, set := t.Meta.Annotations[b.key]; set && b.bypasses.holds(v) {
				out = append(out, b.finding(t, "annotations", v, ends))
			}
		}
		if b.on != onAnnotation {
			if v, set := t.Meta.Labels[b.key]; set && b.bypasses.holds(v) {
				out = append(out, b.finding(t, "labels", v, ends))
			}
		}
	}
	return out
})

type place uint8

const (
	onAnnotation place = iota
	onLabel
	onEither
)

// bypass is one annotation or label by which a pod leaves its mesh.
type bypass struct {
	key      string
	on       place
	what     string
	bypasses valueTest
	whole    bool // keeps the proxy out of the whole pod
}

// Istio reads injection values as YAML 1.1 booleans, lower-cased: what is not
// true is false. https://github.com/istio/istio/blob/master/pkg/kube/inject/inject.go
var notTrue = valueTest{func(v string) bool {
	switch strings.ToLower(v) {
	case "", "y", "yes", "true", "on":
		return false
	}
	return true
}, `!(v.lowerAscii() in ["", "y", "yes", "true", "on"])`}

func isAnyOf(values ...string) valueTest {
	return valueTest{
		func(v string) bool { return slices.Contains(values, strings.ToLower(strings.TrimSpace(v))) },
		"v.trim().lowerAscii() in " + cel.Strings(values...),
	}
}

var notStar = valueTest{func(v string) bool { return strings.TrimSpace(v) != "*" }, `v.trim() != "*"`}

var isFalse = isAnyOf("false", "f", "0")

var bypasses = []bypass{
	{"sidecar.istio.io/inject", onEither, "keeps the Istio sidecar out of the pod", notTrue, true},
	{"sidecar.istio.io/interceptionMode", onAnnotation, "keeps the sidecar from capturing traffic", isAnyOf("none"), false},
	{"traffic.sidecar.istio.io/excludeInboundPorts", onAnnotation, "lets these ports bypass the Istio sidecar", isSet, false},
	{"traffic.sidecar.istio.io/includeInboundPorts", onAnnotation, "lets every other port bypass the Istio sidecar", notStar, false},
	{"istio.io/dataplane-mode", onLabel, "takes the pod out of the ambient mesh", isAnyOf("none"), true},
	{"ambient.istio.io/redirection", onAnnotation, "takes the pod out of the ambient mesh", isAnyOf("disabled"), true},
	{"ambient.istio.io/bypass-inbound-capture", onAnnotation, "lets inbound traffic bypass the ambient mesh", isAnyOf("true", "t", "1"), false},
	{"linkerd.io/inject", onAnnotation, "keeps the Linkerd proxy out of the pod", isAnyOf("disabled"), true},
	{"config.linkerd.io/skip-inbound-ports", onAnnotation, "lets these ports bypass the Linkerd proxy", isSet, false},
	{"consul.hashicorp.com/connect-inject", onAnnotation, "keeps the Consul proxy out of the pod", isFalse, true},
	{"consul.hashicorp.com/transparent-proxy-exclude-inbound-ports", onAnnotation, "lets these ports bypass the Consul proxy", isSet, false},
	{"kuma.io/sidecar-injection", onEither, "keeps the Kuma sidecar out of the pod", isAnyOf("disabled", "false"), true},
	{"traffic.kuma.io/exclude-inbound-ports", onAnnotation, "lets these ports bypass the Kuma sidecar", isSet, false},
}

// runsToItsEnd reports whether an object stands for pods that finish: Jobs, and
// the pods by which cert-manager answers an ACME server.
// https://cert-manager.io/docs/configuration/acme/http01/#podtemplate
func runsToItsEnd(o inventory.Object) bool {
	switch o.(type) {
	case *batchv1.Job, *batchv1.CronJob:
		return true
	}
	ref := metav1.GetControllerOfNoCopy(o)
	if ref == nil {
		return false
	}
	group, _, _ := strings.Cut(ref.APIVersion, "/") // the pods of an inventory have none, those of an API server do
	return ref.Kind == "Job" && (group == "" || group == "batch") || ref.Kind == "Challenge" && (group == "" || group == "acme.cert-manager.io")
}

func (b *bypass) finding(t inventory.Template, list, value string, ends bool) checks.Finding {
	field := "metadata." + list + "[" + b.key + "]"
	if t.Field != "" {
		field = t.Field + "." + field
	}
	severity := checks.SeverityUnset
	if ends && b.whole {
		severity = checks.Low
	}
	return checks.Finding{
		Severity: severity, Subject: list + "/" + b.key + "=" + value, Field: field,
		Message: fmt.Sprintf("%s = %q %s", b.key, value, b.what),
	}
}
