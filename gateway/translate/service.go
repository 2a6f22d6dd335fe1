// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/expose"
)

// ownPrefix is how annotations of ours begin.
const ownPrefix = expose.Prefix

// Annotations of Services, behind ownPrefix.
const (
	exposeKey    = expose.Host
	classKey     = expose.Class
	portKey      = expose.Port
	authKey      = expose.Auth
	scopesKey    = expose.RequireScopes
	rateLimitKey = expose.RateLimit
	tlsKey       = expose.TLS
)

// exposed reads a Service that is exposed by annotations, as the Ingress of one path that
// it asks for.
func (d *doors) exposed(s *corev1.Service) {
	m := &manner{doors: d, ingress: ingressOf(s)}
	given := m.keys(s)
	host, ok := given[exposeKey]
	if !ok {
		return
	}
	c := d.of(m.ingress)
	switch {
	case c == nil && m.ingress.Spec.IngressClassName == nil:
		m.refuse(exposeKey, "there is no default IngressClass of this controller: name one in "+ownPrefix+classKey)
		return
	case c == nil:
		m.refuse(classKey, fmt.Sprintf("there is no IngressClass %.80q of this controller", given[classKey]))
		return
	case c.fault != "":
		d.say(m.ingress, "InvalidParameters", c.fault)
		return
	}
	if given[authKey] == "" { // the host is not to fall to who has all others
		m.shut(authKey, "it is missing: jwt:ISSUER, apikey:SECRET, basic:SECRET, or none, which lets everybody in")
	}
	host, path, _ := strings.Cut(host, "/")
	port, fault := exposedPort(s, given[portKey])
	if fault != "" {
		m.shut(portKey, fault) // the host is not to fall to who has all others
	}
	if wrong := faults(&config.Snapshot{Routes: []config.Route{{Name: "r", Hosts: []string{hostOf(host)}, Target: config.Target{Redirect: &config.Redirect{Scheme: "https"}}}}}); len(wrong) > 0 || host == "" || host == "*" {
		m.refuse(exposeKey, fmt.Sprintf("%.80q is no host in lower case, or host and path, such as shop.example.com/orders", given[exposeKey]))
		return
	}
	prefix := networkingv1.PathTypePrefix
	m.ingress.Spec.Rules = []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{
		{Path: "/" + path, PathType: &prefix, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: s.Name, Port: networkingv1.ServiceBackendPort{Number: port}}}},
	}}}}}
	m.encrypted(given[tlsKey])
	c.gateway.missing.add(d.lacks(func() { m.guarded(given, host) }))
	m.judge()
	for _, h := range hostsOf(m.ingress, nil) {
		d.door(m, c.gateway, h, tlsHostsOf(m.ingress))
	}
}

// ingressOf is a Service as an Ingress, whose TypeMeta says what it is.
func ingressOf(s *corev1.Service) *networkingv1.Ingress {
	return &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{Kind: serviceKind.kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name, Generation: s.Generation, CreationTimestamp: s.CreationTimestamp},
	}
}

// keys are the annotations of ours that concern what is exposed. One that looks like them
// and is none is told, and closes what is exposed: it may be one that guards.
func (m *manner) keys(s *corev1.Service) map[string]string {
	out := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(s.Annotations)) {
		name, ours := strings.CutPrefix(key, ownPrefix)
		if !ours {
			continue
		}
		if expose.Known(name) {
			out[name] = strings.TrimSpace(s.Annotations[key])
			continue
		}
		if expose.Elsewhere(name) {
			continue
		}
		if known, near := expose.Meant(name); near {
			m.closed = true
			m.refuse(name, "there is no such annotation: "+ownPrefix+known+" may be meant")
		} else if s.Annotations[ownPrefix+exposeKey] != "" {
			m.shut(name, "there is no such annotation: those of Services are "+strings.Join(expose.Keys(), ", "))
		}
	}
	if class, given := out[classKey]; given {
		m.ingress.Spec.IngressClassName = &class
	}
	if _, given := out[exposeKey]; !given && len(out) > 0 {
		for _, name := range slices.Sorted(maps.Keys(out)) {
			m.refuse(name, "nothing is exposed without "+ownPrefix+exposeKey)
		}
	}
	return out
}

// refuse tells of an annotation of a Service.
func (m *manner) refuse(name, message string) {
	m.say(m.ingress, unsupportedAnnotation, ownPrefix+name+": "+message)
}

// shut tells of one that guards and cannot be kept: nothing is served without it.
func (m *manner) shut(name, message string) {
	m.closed = true
	m.refuse(name, message+"; without it nothing is served (503)")
}

// exposedPort finds the port that is exposed.
func exposedPort(s *corev1.Service, wanted string) (port int32, fault string) {
	named := func(name string) int {
		return slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool {
			return p.Name == name && name != "" && p.Protocol != corev1.ProtocolUDP
		})
	}
	var at int
	switch n, err := strconv.ParseInt(wanted, 10, 32); {
	case wanted != "" && err == nil:
		at = slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return int64(p.Port) == n && p.Protocol != corev1.ProtocolUDP })
	case wanted != "":
		at = named(wanted)
	case len(s.Spec.Ports) == 1:
		at = 0
	default:
		at = named("http")
	}
	if at < 0 {
		return 0, fmt.Sprintf("%.80q is no port of the Service: by name or number, where it has several and none is named http", cmp.Or(wanted, "http"))
	}
	return s.Spec.Ports[at].Port, ""
}

// encrypted reads by which certificate the host is known. Only who says none is served in
// clear.
func (m *manner) encrypted(v string) {
	switch v {
	case "none":
		m.inClear = true
	case "", "redirect":
		m.always = true
		m.ingress.Spec.TLS = []networkingv1.IngressTLS{{}}
	default:
		m.always = true
		m.ingress.Spec.TLS = []networkingv1.IngressTLS{{SecretName: v}}
	}
}
