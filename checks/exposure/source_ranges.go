// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

const (
	rangesField      = "spec.loadBalancerSourceRanges"
	azureRanges      = "service.beta.kubernetes.io/azure-allowed-ip-ranges"
	azureServiceTags = "service.beta.kubernetes.io/azure-allowed-service-tags"
)

// sourceRanges flags load balancers that let every client in (EXP-006).
func sourceRanges() checks.Check {
	return checks.Check{
		ID: "EXP-006", Name: "source-ranges",
		Severity: checks.High,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    services,
		Doc: checks.Doc{
			Title: "Load balancers say which clients they serve",
			Why: "Without spec.loadBalancerSourceRanges a load balancer accepts every source address, and so it does when one entry covers the internet. " +
				"A range shorter than /8 (IPv4) or /32 (IPv6) restricts nothing, nor does a list that adds up to as much. " +
				"Where a Service has an IPv6 address, IPv4 ranges alone leave IPv6 open: kube-proxy filters each family by the ranges of that family. " +
				"Annotations of cloud controllers that carry ranges are read as well; a restriction that lies outside the cluster, such as a security group, cannot be judged. " +
				"Not every controller enforces ranges, and the node ports of a load balancer are not covered by all of them. On an internal load balancer the finding is one step milder.",
			Attack: "clients from any address reach the pods",
			Fix:    "list the clients' networks in spec.loadBalancerSourceRanges, one entry for each network, or route to the Service through the gateway",
			Exempt: "A Service that is meant for the whole internet and cannot be served by the gateway.",
			Sources: []string{
				"https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/",
				"https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec",
				"https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/serviceport.go",
				"https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/",
			},
		},
		Run: checks.On(func(svc *corev1.Service, in checks.Input) []checks.Finding {
			if !isLoadBalancer(svc, in) {
				return nil
			}
			out := openRanges(svc, in)
			if len(out) == 0 {
				return nil
			}
			v := classify(svc, in)
			for i := range out {
				out[i].Path = loadBalancerPath(v, in)
				if v.Scheme == loadbalancer.Internal {
					out[i].Severity = checks.Medium
				}
			}
			return out
		}),
	}
}

// openRanges lists what lets in too much, whatever the load balancer is.
func openRanges(svc *corev1.Service, in checks.Input) []checks.Finding {
	var out []checks.Finding
	ranges, from := loadbalancer.SourceRanges(svc)
	switch {
	case len(ranges) > 0:
		out = judgeRanges(svc, ranges, from)
	case from == azureServiceTags && internetTag(svc):
	case from != "":
		out = append(out, checks.Finding{
			Certainty: checks.Undetermined, Subject: "ranges", Field: annotationField(from),
			Message: "is restricted by something outside the cluster that cannot be judged here",
		})
	default:
		out = append(out, checks.Finding{Subject: "ranges", Field: rangesField, Message: "accepts clients from every address" + hadRanges(in)})
	}
	// The Azure controller adds up what the field and its annotations allow.
	if value := svc.Annotations[azureRanges]; value != "" && from != azureRanges && len(ranges) > 0 {
		out = append(out, judgeRanges(svc, strings.Split(value, ","), azureRanges)...)
	}
	if internetTag(svc) {
		out = append(out, checks.Finding{
			Subject: "tag/Internet", Field: annotationField(azureServiceTags),
			Message: "allows the service tag Internet, which is every public address",
		})
	}
	return out
}

func internetTag(svc *corev1.Service) bool {
	for tag := range strings.SplitSeq(svc.Annotations[azureServiceTags], ",") {
		if strings.EqualFold(strings.TrimSpace(tag), "Internet") {
			return true
		}
	}
	return false
}

// hadRanges says which ranges an update took away.
func hadRanges(in checks.Input) string {
	old, isUpdate := checks.Old[*corev1.Service](in)
	if !isUpdate || old.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return ""
	}
	ranges, _ := loadbalancer.SourceRanges(old)
	if len(ranges) == 0 {
		return ""
	}
	if len(ranges) > 3 {
		ranges = append(slices.Clone(ranges[:3]), "...")
	}
	return "; before the update only from " + strings.Join(ranges, ", ")
}

// judgeRanges looks at each entry, at what they are together, and at the
// families they leave out.
func judgeRanges(svc *corev1.Service, ranges []string, from string) []checks.Finding {
	var out []checks.Finding
	var read []netip.Prefix
	at := func(i int) string {
		if from == rangesField {
			return fmt.Sprintf("%s[%d]", rangesField, i)
		}
		return annotationField(from)
	}
	unreadable := 0
	for i, text := range ranges {
		prefixes, faults := loadbalancer.ParseRanges([]string{text})
		if len(faults) > 0 {
			unreadable++
			out = append(out, checks.Finding{
				Certainty: checks.Undetermined, Subject: "range/" + text, Field: at(i),
				Message: fmt.Sprintf("allows %q, which cannot be read as a network in one way only", text),
			})
		}
		for _, p := range prefixes {
			read = append(read, p)
			if loadbalancer.Broad(p) {
				out = append(out, checks.Finding{
					Subject: "range/" + p.String(), Field: at(i),
					Message: fmt.Sprintf("allows clients from %s, which restricts nothing", p),
				})
			}
		}
	}
	field := rangesField
	if from != rangesField {
		field = annotationField(from)
	}
	if len(read) == 0 {
		return []checks.Finding{{Subject: "ranges", Field: field, Message: "has source ranges of which none can be read as a network"}}
	}
	if len(out) == unreadable && coversMuch(read) {
		out = append(out, checks.Finding{Subject: "ranges", Field: field, Message: fmt.Sprintf("allows clients from %d ranges that together restrict nothing", len(read))})
	}
	return append(out, openFamilies(svc, read, field)...)
}

// coversMuch reports whether ranges, none of which is broad, add up to one:
// more than sixteen times the shortest length that is accepted (a /4 of IPv4, a
// /28 of IPv6).
func coversMuch(ranges []netip.Prefix) bool {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, netip.Prefix.Compare)
	var v4, v6 float64 // in units of the shortest accepted length
	var last netip.Prefix
	for _, p := range sorted {
		if last.IsValid() && last.Contains(p.Addr()) && last.Bits() <= p.Bits() {
			continue
		}
		last = p
		if p.Addr().Is4() {
			v4 += share(p.Bits(), 8)
		} else {
			v6 += share(p.Bits(), 32)
		}
	}
	return v4 > 16 || v6 > 16
}

// share is the size of a prefix in units of a shorter one.
func share(bits, unit int) float64 {
	return 1 / float64(uint64(1)<<min(max(bits-unit, 0), 63))
}

// openFamilies reports the address families of a Service that no range speaks
// of.
func openFamilies(svc *corev1.Service, read []netip.Prefix, field string) []checks.Finding {
	var out []checks.Finding
	for _, family := range familiesOf(svc) {
		isV6 := family == corev1.IPv6Protocol
		if slices.ContainsFunc(read, func(p netip.Prefix) bool { return p.Addr().Is4() != isV6 }) {
			continue
		}
		out = append(out, checks.Finding{
			Subject: "family/" + string(family), Field: field,
			Message: fmt.Sprintf("has no source range for %s, which stays open to every address", family),
		})
	}
	return out
}

// familiesOf are the address families that a Service is known to get: none when
// only the cluster decides. The API server fills in spec.ipFamilies before it
// asks admission webhooks.
func familiesOf(svc *corev1.Service) []corev1.IPFamily {
	if p := svc.Spec.IPFamilyPolicy; p != nil && *p == corev1.IPFamilyPolicyRequireDualStack {
		return []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	}
	return svc.Spec.IPFamilies
}
