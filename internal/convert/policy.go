// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// access is who may ask. The zero value is everybody.
type access struct {
	allow, deny []netip.Prefix
	basic       *v1alpha1.Basic
	jwt         *v1alpha1.JWT
	external    *v1alpha1.ExternalHTTP
	claims      map[string]v1alpha1.ClaimValues // that a token has
	certificate bool
	any         bool // an address that is allowed needs no credential
}

// limits are how much may be asked.
type limits struct {
	rates       []v1alpha1.RateLimit
	concurrency int32
}

// client is what a Gateway takes from clients, as far as one Ingress says.
type client struct {
	body       *int64 // bytes; 0 is no limit
	authority  string // a ConfigMap with ca.crt, for certificates of clients
	minVersion string
}

// byAddress counts the requests of each address by itself.
const byAddress = "client.ip"

// maxTargets of a policy.
const maxTargets = 16

// policies writes those of the routes of an Ingress, and notes what the Gateway takes.
func (c *conversion) policies(p *plan, g *gateway) {
	for part := range slices.Chunk(p.targets, maxTargets) {
		if spec := p.accessSpec(); spec != nil {
			spec.TargetRefs = part
			o := &v1alpha1.AccessPolicy{TypeMeta: ownMeta(v1alpha1.AccessPolicyKind), ObjectMeta: c.meta(p, v1alpha1.AccessPolicyKind), Spec: *spec}
			c.add(p, o)
		}
		if len(p.limits.rates) > 0 || p.limits.concurrency > 0 {
			spec := v1alpha1.TrafficPolicySpec{TargetRefs: part, Mode: v1alpha1.PolicyEnforced, RateLimits: p.limits.rates}
			if n := p.limits.concurrency; n > 0 {
				spec.Concurrency = &v1alpha1.Concurrency{Requests: n, Key: []string{byAddress}}
			}
			c.add(p, &v1alpha1.TrafficPolicy{TypeMeta: ownMeta(v1alpha1.TrafficPolicyKind), ObjectMeta: c.meta(p, v1alpha1.TrafficPolicyKind), Spec: spec})
		}
	}
	g.served = append(g.served, p)
}

func ownMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind}
}

func (c *conversion) meta(p *plan, kind string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: p.ingress.Namespace, Name: c.name(kind, p.ingress.Namespace, p.ingress.Name)}
}

func (c *conversion) add(p *plan, o Object) {
	kind := o.GetObjectKind().GroupVersionKind().Kind
	p.made[kind] = appendOnce(p.made[kind], o.GetNamespace()+"/"+o.GetName())
	c.out = append(c.out, o)
}

// accessSpec is who may use the routes, nil for everybody.
func (p *plan) accessSpec() *v1alpha1.AccessPolicySpec {
	a := &p.access
	out := &v1alpha1.AccessPolicySpec{Mode: v1alpha1.PolicyEnforced}
	who := &out.Authentication.AnyOf
	if a.basic != nil {
		*who = append(*who, v1alpha1.Authenticator{Name: "password", Basic: a.basic})
	}
	if a.jwt != nil {
		*who = append(*who, v1alpha1.Authenticator{Name: "token", JWT: a.jwt})
	}
	if a.certificate {
		*who = append(*who, v1alpha1.Authenticator{Name: "certificate", ClientCertificate: &v1alpha1.ClientCertificate{Subject: "DistinguishedName"}})
	}
	known := len(*who) > 0
	instead := p.addressSuffices()
	if !known && len(a.allow)+len(a.deny) == 0 && a.external == nil {
		return nil
	}
	if !known || instead {
		*who = append(*who, v1alpha1.Authenticator{Name: "anybody", Anonymous: &v1alpha1.Anonymous{}})
	}
	rules := &out.Authorization.Rules
	if len(a.deny) > 0 {
		*rules = append(*rules, addressRules("denied", a.deny, func(r *v1alpha1.AccessRule, k *v1alpha1.AccessCondition) { r.Deny = k })...)
	}
	switch {
	case len(a.allow) > 0:
		*rules = append(*rules, addressRules("allowed", a.allow, func(r *v1alpha1.AccessRule, k *v1alpha1.AccessCondition) { r.Allow = k })...)
		if instead {
			for _, each := range (*who)[:len(*who)-1] {
				*rules = append(*rules, v1alpha1.AccessRule{Name: each.Name, Allow: &v1alpha1.AccessCondition{Principals: []string{each.Name + "/*"}}})
			}
		}
	default:
		*rules = append(*rules, v1alpha1.AccessRule{Name: "everybody", Allow: &v1alpha1.AccessCondition{}})
	}
	for i := range *rules { // beside the addresses
		if allow := (*rules)[i].Allow; allow != nil && len(a.claims) > 0 {
			allow.Claims = a.claims
		}
	}
	if a.external != nil {
		out.ExternalAuth = &v1alpha1.ExternalAuth{HTTP: a.external}
	}
	if !known { // what clients send is for the backend to judge
		out.Forward.Credentials = "Keep"
	}
	return out
}

// addressSuffices tells whether an address that is allowed needs no password. Where no
// address is allowed by name, satisfy leaves the password to be the only way in
// (https://nginx.org/en/docs/http/ngx_http_core_module.html#satisfy); a certificate is asked
// for in the handshake, of which satisfy knows nothing.
func (p *plan) addressSuffices() bool {
	a := &p.access
	return a.any && a.basic != nil && len(a.allow) > 0 && !a.certificate
}

// maxRanges of a rule.
const maxRanges = 64

func addressRules(name string, ranges []netip.Prefix, set func(*v1alpha1.AccessRule, *v1alpha1.AccessCondition)) []v1alpha1.AccessRule {
	var out []v1alpha1.AccessRule
	for part := range slices.Chunk(ranges, maxRanges) {
		r := v1alpha1.AccessRule{Name: name + "-addresses"}
		if len(out) > 0 {
			r.Name = fmt.Sprintf("%s-%d", r.Name, len(out)+1)
		}
		k := &v1alpha1.AccessCondition{}
		for _, p := range part {
			k.SourceRanges = appendOnce(k.SourceRanges, v1alpha1.PolicyCIDR(p.String()))
		}
		set(&r, k)
		out = append(out, r)
	}
	return out
}

// rate adds a limit for each address.
func (p *plan) rate(name string, requests int, per time.Duration, burst int) {
	base := name
	for n := 2; slices.ContainsFunc(p.limits.rates, func(l v1alpha1.RateLimit) bool { return l.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	p.limits.rates = append(p.limits.rates, v1alpha1.RateLimit{Name: name, Key: []string{byAddress}, Limit: v1alpha1.Limit{
		Requests: int32(requests), Per: metav1.Duration{Duration: per}, Burst: int32(burst), //nolint:gosec // bounded where they are read
	}})
}

// clients writes what a Gateway takes: the largest body that an Ingress of it allows, and
// whose certificates are asked for.
func (c *conversion) clients(g *gateway) {
	spec := v1alpha1.ClientPolicySpec{}
	asked, unlimited := false, false
	for _, p := range g.served {
		body := p.controller.body
		if p.client.body != nil {
			asked, body = true, *p.client.body
		}
		unlimited = unlimited || body == 0
		spec.Limits.BodyBytes = max(spec.Limits.BodyBytes, body)
		if v := p.client.minVersion; v > spec.TLS.MinVersion {
			spec.TLS.MinVersion = v
		}
	}
	if !asked || unlimited {
		spec.Limits.BodyBytes = 0
	}
	if asked && unlimited {
		g.unlimited()
	}
	if spec.Limits.BodyBytes > 0 || spec.TLS.MinVersion != "" {
		spec.TargetRefs = []v1alpha1.PolicyTarget{{Group: gatewayv1.GroupName, Kind: "Gateway", Name: g.object.Name}}
		o := &v1alpha1.ClientPolicy{
			TypeMeta:   ownMeta(v1alpha1.ClientPolicyKind),
			ObjectMeta: metav1.ObjectMeta{Namespace: g.object.Namespace, Name: g.object.Name}, Spec: spec,
		}
		c.out = append(c.out, o)
		for _, p := range g.served {
			p.made[v1alpha1.ClientPolicyKind] = []string{o.Namespace + "/" + o.Name}
		}
	}
	g.certificates()
}

// unlimited says that bodies are not bounded, since a bound is for all of a Gateway.
func (g *gateway) unlimited() {
	for _, p := range g.served {
		if p.client.body == nil || *p.client.body == 0 {
			continue
		}
		p.lines = append(p.lines, p.line("spec", NotSupported, "bodies are not bounded: the bound of a ClientPolicy is for the whole Gateway %s/%s, and another Ingress of it has none", g.object.Namespace, g.object.Name))
		p.lines = slices.DeleteFunc(p.lines, func(l Line) bool {
			return l.object == v1alpha1.ClientPolicyKind && strings.HasSuffix(l.field, "bodyBytes")
		})
	}
}

// certificates has clients of the Gateway asked for certificates. If not every Ingress
// wants them, a client may come without one, and the AccessPolicies of those that do
// refuse it.
func (g *gateway) certificates() {
	if g.authority == "" {
		return
	}
	v := &gatewayv1.FrontendTLSValidation{CACertificateRefs: []gatewayv1.ObjectReference{{Kind: "ConfigMap", Name: gatewayv1.ObjectName(g.authority)}}, Mode: gatewayv1.AllowValidOnly}
	if slices.ContainsFunc(g.served, func(p *plan) bool { return !p.access.certificate }) {
		v.Mode = gatewayv1.AllowInsecureFallback
	}
	g.object.Spec.TLS = &gatewayv1.GatewayTLSConfig{Frontend: &gatewayv1.FrontendTLSConfig{Default: gatewayv1.TLSConfig{Validation: v}}}
}
