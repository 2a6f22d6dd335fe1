// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// admissionLabel is the namespace label by which a namespace opts in; only in
// namespaces that are enforced are the routes that use a grant refused when
// they lead outside.
const admissionLabel = "gatehouse.sh/admission"

// broadReferenceGrant flags ReferenceGrants that hand out more than one named
// thing to a judged namespace (EXP-032).
func broadReferenceGrant() checks.Check {
	return checks.Check{
		ID: "EXP-032", Name: "broad-reference-grant",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    []schema.GroupKind{inventory.ReferenceGrantKind},
		Doc: checks.Doc{
			Title: "ReferenceGrants name what they hand out, and hand no Secrets to tenants",
			Why: "A ReferenceGrant lets another namespace use this one's Services as route backends, or its Secrets as certificates of a Gateway. Without a name in spec.to it covers every object of the kind, " +
				"those that come later included. A Secret that is granted to a namespace other than the bundled gateway's gives that namespace a private key to serve. " +
				"A grant of everything to the bundled gateway's own namespace is one degree less severe. " +
				"A Service granted by name is reported, as Medium, when the other namespace is not enforced by Gatehouse, because nobody judges the routes there; " +
				"when that namespace is not known, the verdict is undetermined.",
			Attack: "publishes Services, or serves with certificates, of a namespace that the attacker does not own",
			Fix:    "name one object in each entry of spec.to, and grant Secrets to the gateway's namespace only",
			Exempt: "A platform namespace that routes to every application by design.",
			Sources: []string{
				"https://gateway-api.sigs.k8s.io/api-types/referencegrant/",
				"https://gateway-api.sigs.k8s.io/concepts/security-model/",
			},
		},
		Run: checks.On(judgeGrant),
	}
}

func judgeGrant(g *gatewayv1.ReferenceGrant, in checks.Input) []checks.Finding {
	var out []checks.Finding
	for i := range g.Spec.To {
		for j := range g.Spec.From {
			if f, bad := judgeGranted(&g.Spec.To[i], &g.Spec.From[j], g.Namespace, in); bad {
				f.Field = fmt.Sprintf("spec.to[%d]", i)
				out = append(out, f)
			}
		}
	}
	return out
}

func judgeGranted(to *gatewayv1.ReferenceGrantTo, from *gatewayv1.ReferenceGrantFrom, own string, in checks.Input) (checks.Finding, bool) {
	name, namespace := "*", string(from.Namespace)
	if to.Name != nil && *to.Name != "" {
		name = string(*to.Name)
	}
	platform := slices.Contains(in.Parameters.Gateway.Namespaces, namespace)
	secret := to.Group == "" && to.Kind == "Secret"
	f := checks.Finding{}
	switch {
	case namespace == own:
		return f, false // grants nothing that is not allowed anyway
	case name == "*":
		f.Message = fmt.Sprintf("lets every %s of namespace %s use every %s of namespace %s", from.Kind, namespace, to.Kind, own)
		if platform {
			f.Severity = checks.Medium
		}
	case platform:
		return f, false
	case secret:
		f.Message = fmt.Sprintf("lets every %s of namespace %s use the Secret %s", from.Kind, namespace, name)
	default:
		ns := in.Inventory.Namespace(namespace)
		f.Severity = checks.Medium
		switch {
		case ns == nil:
			f.Certainty = checks.Undetermined
			f.Message = fmt.Sprintf("lets every %s of namespace %s use %s %s, and that namespace is not known here", from.Kind, namespace, to.Kind, name)
		case ns.Labels[admissionLabel] != "enforce":
			f.Message = fmt.Sprintf("lets every %s of namespace %s use %s %s, and the routes of that namespace are not enforced", from.Kind, namespace, to.Kind, name)
		default:
			return f, false
		}
	}
	f.Subject = fmt.Sprintf("%s/%s/%s/%s", namespace, from.Kind, to.Kind, name)
	f.Path = []string{string(from.Kind) + " in " + namespace, inputName(in), string(to.Kind) + " " + own + "/" + name}
	return f, true
}
