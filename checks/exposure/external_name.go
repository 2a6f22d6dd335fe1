// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// externalName flags ExternalName Services that lead where their author could
// not go (EXP-008).
func externalName() checks.Check {
	return checks.Check{
		ID: "EXP-008", Name: "external-name",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "ExternalName Services do not lead back inside",
			Why: "An ExternalName Service is a DNS alias, and a proxy that routes to it connects to whatever the name means where the proxy runs. " +
				"Names of the machine itself, of cloud metadata servers, of Services in other namespaces and bare addresses turn such a proxy into a way around NetworkPolicies and namespaces. " +
				"Names are compared in lower case, without final dots, and numeric forms such as 2130706433 or 0177.0.0.1 are read as the C library reads them; " +
				"names of public DNS zones that answer with an address written in the name (nip.io and others) count as that address. " +
				"Any other name can be pointed inside by whoever owns its zone, which cannot be seen here: therefore an ExternalName behind an Ingress or a route that does not pass the gateway is reported too, one step milder.",
			Attack: "a proxy or ingress controller is led to loopback, to cloud credentials or to another tenant's Service",
			Fix:    "name a public DNS host, or replace the Service by one with a selector in the namespace of the pods",
			Exempt: "An alias for a Service of another namespace whose owner agrees; a Gateway API ReferenceGrant says that better.",
			Sources: []string{
				"https://kubernetes.io/docs/concepts/services-networking/service/#externalname",
				"https://github.com/kubernetes/kubernetes/issues/103675",
				"https://pubs.opengroup.org/onlinepubs/9799919799/functions/inet_addr.html",
				"https://url.spec.whatwg.org/#ends-in-a-number-checker",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if svc.Spec.Type != corev1.ServiceTypeExternalName || in.Parameters.Gateway.OwnsService(svc) {
				return nil
			}
			host := canonicalHost(svc.Spec.ExternalName)
			if host == "" {
				return []checks.Finding{{
					Certainty: checks.Undetermined, Subject: "externalName", Field: "spec.externalName",
					Message: "is of type ExternalName and names no host",
				}}
			}
			if a, isAddress := hostAddress(host); isAddress {
				host = a.String()
			}
			if why, leads := leadsInside(host, svc.Namespace, in); leads {
				return []checks.Finding{{
					Subject: "externalName/" + host, Field: "spec.externalName",
					Message: "leads to " + shown(svc.Spec.ExternalName, host) + ", " + why,
					Path:    []string{"any client of the Service", inputName(in) + " (ExternalName)", host},
				}}
			}
			if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
				return []checks.Finding{{
					Certainty: checks.Undetermined, Subject: "externalName", Field: "spec.externalName",
					Message: "leads to something that is not a host name",
				}}
			}
			for _, w := range Ways(svc, in) {
				if w.Gateway {
					continue
				}
				return []checks.Finding{{
					Severity: checks.Medium, Subject: "backend/" + host, Field: "spec.externalName",
					Message: "makes " + shown(svc.Spec.ExternalName, host) + ", a name that its owner can point anywhere, answer for " + w.By,
					Path:    w.Path(inputName(in)+" (ExternalName)", host),
				}}
			}
			return nil
		}),
	}
}

// shown is how a message names a host: as written, and as read where that
// differs.
func shown(written, read string) string {
	if written == read {
		return read
	}
	if len(written) > 253 { // the longest DNS name, RFC 1035 §2.3.4
		return read
	}
	return read + " (written " + strings.ToValidUTF8(written, "?") + ")"
}
