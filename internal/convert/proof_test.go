// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

const controllerName = "gatehouse.sh/gateway"

// TestNothingThatIsWrittenIsRefused hands what every case writes to the gateway, with
// whatever the objects name, and wants nothing but good conditions.
func TestNothingThatIsWrittenIsRefused(t *testing.T) {
	t.Parallel()
	routes, policies := 0, 0
	for _, file := range cases(t) {
		_, objects, options := open(t, file)
		for _, open := range []bool{false, true} {
			options.AllowOpen = open
			r := Convert(objects, options)
			cluster := clusterOf(t, objects, r)
			got := translate.Translate(cluster, translate.Options{Controller: controllerName, Address: netip.MustParseAddr("127.0.0.1")})
			at := fmt.Sprintf("%s (open: %t)", filepath.Base(file), open)
			for name, fault := range got.Faults {
				t.Errorf("%s: Gateway %s: %s", at, name, fault)
			}
			for name, g := range got.Gateways {
				good(t, at+": Gateway "+name.String(), g.Conditions)
				for _, l := range g.Listeners {
					good(t, at+": listener "+string(l.Name), l.Conditions)
				}
			}
			for name, parents := range got.Routes {
				routes++
				for _, p := range parents {
					good(t, fmt.Sprintf("%s: %s %s", at, name.Kind, name.Name), p.Conditions)
				}
			}
			for kind, list := range map[string]map[translate.Name]gatewayv1.PolicyStatus{"BackendTLSPolicy": got.Policies, "AccessPolicy": got.AccessPolicies, "TrafficPolicy": got.TrafficPolicies, "ClientPolicy": got.ClientPolicies} {
				for name, status := range list {
					for _, a := range status.Ancestors {
						policies++
						good(t, fmt.Sprintf("%s: %s %s", at, kind, name), a.Conditions)
					}
				}
			}
			if want := len(cluster.HTTPRoutes) + len(cluster.GRPCRoutes) + len(cluster.TLSRoutes); len(got.Routes) != want {
				t.Errorf("%s: of %d routes %d are attached", at, want, len(got.Routes))
			}
			if want := len(cluster.AccessPolicies) + len(cluster.TrafficPolicies); len(got.AccessPolicies)+len(got.TrafficPolicies) != want {
				t.Errorf("%s: of %d policies not all have a status", at, want)
			}
		}
	}
	if routes < 20 || policies < 10 {
		t.Fatalf("only %d routes and %d policies were asked for", routes, policies)
	}
	t.Logf("%d routes and %d policies", routes, policies)
}

// good wants conditions to say that nothing is wrong.
func good(t *testing.T, of string, list []metav1.Condition) {
	t.Helper()
	for _, c := range list {
		bad := slices.Contains([]string{"Conflicted", "PartiallyInvalid", "Overridden", "OverlappingTLSConfig"}, c.Type)
		if (c.Status == metav1.ConditionTrue) == bad {
			t.Errorf("%s: %s=%s %s: %s", of, c.Type, c.Status, c.Reason, c.Message)
		}
	}
}

// clusterOf is a cluster with what was written, and with all that it names.
func clusterOf(t *testing.T, in *Objects, r *Result) *translate.Objects {
	t.Helper()
	out := &translate.Objects{Classes: []*gatewayv1.GatewayClass{{ObjectMeta: metav1.ObjectMeta{Name: "gatehouse"}, Spec: gatewayv1.GatewayClassSpec{ControllerName: controllerName}}}}
	m := &made{t: t, out: out, seen: map[string]bool{}}
	for _, s := range in.Services {
		out.Services = append(out.Services, s.DeepCopy())
		m.seen[key("Service", s.Namespace, s.Name)] = true
	}
	for _, o := range r.Objects {
		m.namespace(o.GetNamespace())
		switch o := o.(type) {
		case *gatewayv1.Gateway:
			out.Gateways = append(out.Gateways, o)
			m.certificates(o)
		case *gatewayv1.ReferenceGrant:
			out.ReferenceGrants = append(out.ReferenceGrants, o)
		case *gatewayv1.HTTPRoute:
			out.HTTPRoutes = append(out.HTTPRoutes, o)
			for i := range o.Spec.Rules {
				for k := range o.Spec.Rules[i].BackendRefs {
					m.service(o.Namespace, string(o.Spec.Rules[i].BackendRefs[k].Name), *o.Spec.Rules[i].BackendRefs[k].Port)
				}
				for _, f := range o.Spec.Rules[i].Filters {
					if f.RequestMirror != nil {
						m.service(o.Namespace, string(f.RequestMirror.BackendRef.Name), *f.RequestMirror.BackendRef.Port)
					}
				}
			}
		case *gatewayv1.GRPCRoute:
			out.GRPCRoutes = append(out.GRPCRoutes, o)
			for i := range o.Spec.Rules {
				for _, b := range o.Spec.Rules[i].BackendRefs {
					m.service(o.Namespace, string(b.Name), *b.Port)
				}
			}
		case *gatewayv1.TLSRoute:
			out.TLSRoutes = append(out.TLSRoutes, o)
			for _, b := range o.Spec.Rules[0].BackendRefs {
				m.service(o.Namespace, string(b.Name), *b.Port)
			}
		case *gatewayv1.BackendTLSPolicy:
			out.Policies = append(out.Policies, o)
			for _, c := range o.Spec.Validation.CACertificateRefs {
				m.authority(o.Namespace, string(c.Name))
			}
		case *v1alpha1.AccessPolicy:
			out.AccessPolicies = append(out.AccessPolicies, o)
			m.access(o)
		case *v1alpha1.TrafficPolicy:
			out.TrafficPolicies = append(out.TrafficPolicies, o)
		case *v1alpha1.ClientPolicy:
			out.ClientPolicies = append(out.ClientPolicies, o)
		default:
			t.Fatalf("nobody reads a %T", o)
		}
	}
	return out
}

// made makes objects that others name, each once.
type made struct {
	t    *testing.T
	out  *translate.Objects
	seen map[string]bool
}

func (m *made) first(kind, namespace, name string) bool {
	k := key(kind, namespace, name)
	was := m.seen[k]
	m.seen[k] = true
	return !was
}

func (m *made) namespace(name string) {
	if m.first("Namespace", "", name) {
		m.out.Namespaces = append(m.out.Namespaces, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}})
	}
}

// service makes a port of a Service.
func (m *made) service(namespace, name string, port int32) {
	if m.first("Service", namespace, name) {
		m.out.Services = append(m.out.Services, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	}
	for _, s := range m.out.Services {
		if s.Namespace == namespace && s.Name == name && !slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == port }) {
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: fmt.Sprintf("p%d", port), Port: port})
		}
	}
}

func (m *made) authority(namespace, name string) {
	if m.first("ConfigMap", namespace, name) {
		m.out.ConfigMaps = append(m.out.ConfigMaps, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"ca.crt": string(pki.New(m.t, "test").PEM)}})
	}
}

func (m *made) certificates(g *gatewayv1.Gateway) {
	for i := range g.Spec.Listeners {
		l := &g.Spec.Listeners[i]
		if l.TLS == nil {
			continue
		}
		for _, ref := range l.TLS.CertificateRefs {
			namespace := g.Namespace
			if ref.Namespace != nil {
				namespace = string(*ref.Namespace)
			}
			if m.first("Secret", namespace, string(ref.Name)) {
				cert, private := pki.Encode(m.t, pki.New(m.t, "test").For(m.t, strings.Replace(string(deref(l.Hostname)), "*", "any", 1)))
				m.out.Secrets = append(m.out.Secrets, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: string(ref.Name)}, Type: corev1.SecretTypeTLS, Data: map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: private}})
			}
		}
	}
	if g.Spec.TLS != nil {
		for _, c := range g.Spec.TLS.Frontend.Default.Validation.CACertificateRefs {
			m.authority(g.Namespace, string(c.Name))
		}
	}
}

// anUser is "ann:open sesame" with bcrypt of cost 10.
const anUser = "ann:$2a$10$1R53behNkTjm.ijEdgJYwOHarp4yQORn.eGMCo1HrAn/Sw1APoBGS\n"

func (m *made) access(p *v1alpha1.AccessPolicy) {
	for _, a := range p.Spec.Authentication.AnyOf {
		if a.Basic == nil {
			continue
		}
		for _, ref := range a.Basic.SecretRefs {
			namespace := p.Namespace
			if ref.Namespace != "" {
				namespace = ref.Namespace
			}
			if m.first("Secret", namespace, ref.Name) {
				m.out.Secrets = append(m.out.Secrets, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: ref.Name}, Data: map[string][]byte{"auth": []byte(anUser)}})
			}
		}
	}
	if e := p.Spec.ExternalAuth; e != nil {
		namespace := p.Namespace
		if e.HTTP.BackendRef.Namespace != "" {
			namespace = e.HTTP.BackendRef.Namespace
		}
		m.service(namespace, e.HTTP.BackendRef.Name, e.HTTP.BackendRef.Port)
	}
}
