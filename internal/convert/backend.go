// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// secured is a port of a Service that is spoken to by TLS.
type secured struct {
	service Name
	port    string // its name
}

// grant is a reference to another namespace.
type grant struct {
	fromGroup, fromKind, from string
	toGroup, toKind           string
	to                        Name
}

// backend is what a rule sends requests to.
func (c *conversion) backend(p *plan, at string, b *networkingv1.IngressBackend) (gatewayv1.HTTPBackendRef, error) {
	if b.Service == nil {
		return gatewayv1.HTTPBackendRef{}, errors.New("only Services are converted: what this resource means is known to its controller alone")
	}
	port, err := c.port(Name{Namespace: p.ingress.Namespace, Name: b.Service.Name}, b.Service.Port)
	if err != nil {
		return gatewayv1.HTTPBackendRef{}, err
	}
	if t := p.backendFor(b.Service.Name); t != nil {
		if err := c.secure(p, at, b.Service.Name, port, t); err != nil {
			return gatewayv1.HTTPBackendRef{}, err
		}
	}
	return serviceRef(b.Service.Name, port.Port), nil
}

func serviceRef(name string, port int32) gatewayv1.HTTPBackendRef {
	return gatewayv1.HTTPBackendRef{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(name), Port: &port}}}
}

// port finds a port of a Service. A number is one as it is, since routes do without names.
func (c *conversion) port(of Name, want networkingv1.ServiceBackendPort) (*corev1.ServicePort, error) {
	s := c.services[of]
	switch {
	case s == nil && want.Number != 0:
		return &corev1.ServicePort{Port: want.Number}, nil
	case s == nil:
		return nil, fmt.Errorf("routes name ports by number, and Service %s, which knows that of %q, is not in the input", of, want.Name)
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		return nil, fmt.Errorf("the ExternalName %s is not followed by the gateway: it could be any host (CVE-2021-25740)", of)
	}
	for i := range s.Spec.Ports {
		if port := &s.Spec.Ports[i]; port.Protocol != corev1.ProtocolUDP && (want.Number != 0 && port.Port == want.Number || want.Name != "" && port.Name == want.Name) {
			return port, nil
		}
	}
	return nil, fmt.Errorf("there is no port %[2]s of Service %[1]s", of, cmp.Or(want.Name, fmt.Sprint(want.Number)))
}

// secure writes how a port is spoken to by TLS. It is a property of the port: all who
// ask for it must ask for the same.
func (c *conversion) secure(p *plan, at, service string, port *corev1.ServicePort, t *backendTLS) error {
	namespace := p.ingress.Namespace
	of := secured{Name{Namespace: namespace, Name: service}, port.Name}
	want := gatewayv1.BackendTLSPolicyValidation{Hostname: gatewayv1.PreciseHostname(cmp.Or(t.name, service+"."+namespace+".svc"))}
	if t.authority != "" {
		want.CACertificateRefs = []gatewayv1.LocalObjectReference{{Kind: "ConfigMap", Name: gatewayv1.ObjectName(t.authority)}}
	} else {
		system := gatewayv1.WellKnownCACertificatesSystem
		want.WellKnownCACertificates = &system
	}
	if there := c.secured[of]; there != nil {
		has := there.Spec.Validation
		if has.Hostname != want.Hostname || (len(has.CACertificateRefs) == 0) != (t.authority == "") || t.authority != "" && has.CACertificateRefs[0] != want.CACertificateRefs[0] {
			return fmt.Errorf("BackendTLSPolicy %s/%s, of another Ingress, says otherwise how Service %s is spoken to", namespace, there.Name, service)
		}
		p.made["BackendTLSPolicy"] = appendOnce(p.made["BackendTLSPolicy"], namespace+"/"+there.Name)
		return nil
	}
	ref := gatewayv1.LocalPolicyTargetReferenceWithSectionName{LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{Kind: "Service", Name: gatewayv1.ObjectName(service)}}
	if port.Name != "" {
		section := gatewayv1.SectionName(port.Name)
		ref.SectionName = &section
	}
	out := &gatewayv1.BackendTLSPolicy{
		TypeMeta:   gatewayMeta("BackendTLSPolicy"),
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: c.name("BackendTLSPolicy", namespace, service+"-tls")},
		Spec:       gatewayv1.BackendTLSPolicySpec{TargetRefs: []gatewayv1.LocalPolicyTargetReferenceWithSectionName{ref}, Validation: want},
	}
	c.secured[of] = out
	p.made["BackendTLSPolicy"] = appendOnce(p.made["BackendTLSPolicy"], namespace+"/"+out.Name)
	authority := "the authorities of the system must have signed it"
	if t.authority != "" {
		authority = fmt.Sprintf("ConfigMap %s/%s must hold its authority under ca.crt", namespace, t.authority)
	}
	p.remark(at, "the certificate of the backend is verified now: it must be for %s, and %s (BackendTLSPolicy %s/%s)", want.Hostname, authority, namespace, out.Name)
	return nil
}

// granted writes a ReferenceGrant for each reference to another namespace.
func (c *conversion) granted() {
	for g := range c.grants {
		name := gatewayv1.ObjectName(g.to.Name)
		c.out = append(c.out, &gatewayv1.ReferenceGrant{
			TypeMeta:   gatewayMeta("ReferenceGrant"),
			ObjectMeta: metav1.ObjectMeta{Namespace: g.to.Namespace, Name: short(fmt.Sprintf("%s-from-%s", g.to.Name, g.from))},
			Spec: gatewayv1.ReferenceGrantSpec{
				From: []gatewayv1.ReferenceGrantFrom{{Group: gatewayv1.Group(g.fromGroup), Kind: gatewayv1.Kind(g.fromKind), Namespace: gatewayv1.Namespace(g.from)}},
				To:   []gatewayv1.ReferenceGrantTo{{Group: gatewayv1.Group(g.toGroup), Kind: gatewayv1.Kind(g.toKind), Name: &name}},
			},
		})
	}
}

func gatewayMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: kind}
}
