// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// frontend reads whose certificates clients of a listener that ends TLS have to show:
// what the Gateway says of its port, or of all. A listener for which that cannot be kept
// is not served.
func (x *index) frontend(l *listener) {
	t := l.gateway.object.Spec.TLS
	if t == nil || t.Frontend == nil {
		return
	}
	at, v := "tls.frontend.default.validation", t.Frontend.Default.Validation
	for i := range t.Frontend.PerPort {
		if own := &t.Frontend.PerPort[i]; own.Port == l.spec.Port {
			at, v = fmt.Sprintf("tls.frontend.perPort[%d].tls.validation", i), own.TLS.Validation
		}
	}
	if v == nil {
		return
	}
	refuse := func(of string, reason gatewayv1.ListenerConditionReason, message string) {
		if l.set != nil {
			message = "what the Gateway says of clients' certificates (tls.frontend) cannot be kept" // and why, it says to its own
		}
		l.conditions.set(of, metav1.ConditionFalse, string(reason), message)
	}
	out := &config.ClientCertificates{Mode: config.Require}
	switch v.Mode {
	case gatewayv1.AllowValidOnly, "":
	case gatewayv1.AllowInsecureFallback:
		out.Mode = config.Fallback
	default:
		refuse(accepted, gatewayv1.ListenerReasonUnsupportedValue, fmt.Sprintf("%s.mode: %s is not served", at, v.Mode))
		return
	}
	for i, ref := range v.CACertificateRefs {
		bundle, reason, fault := x.bundle(l, &ref)
		if fault != "" {
			refuse(resolvedRefs, reason, fmt.Sprintf("%s.caCertificateRefs[%d]: %s", at, i, fault))
			continue
		}
		out.CAs = append(out.CAs, bundle)
	}
	if len(out.CAs) == 0 {
		refuse(accepted, gatewayv1.ListenerReasonNoValidCACertificate, at+": no authority can be had")
		return
	}
	l.clients = out
}

// insecure says where a Gateway takes certificates of clients that do not hold; "" is
// nowhere.
func insecure(g *gatewayv1.Gateway) string {
	if g.Spec.TLS == nil || g.Spec.TLS.Frontend == nil {
		return ""
	}
	f := g.Spec.TLS.Frontend
	is := func(v *gatewayv1.FrontendTLSValidation) bool {
		return v != nil && v.Mode == gatewayv1.AllowInsecureFallback
	}
	var said []string
	if is(f.Default.Validation) {
		said = append(said, "by default")
	}
	for i := range f.PerPort {
		if is(f.PerPort[i].TLS.Validation) {
			said = append(said, fmt.Sprintf("at port %d", f.PerPort[i].Port))
		}
	}
	return strings.Join(said, ", ")
}

// bundle finds the certificates of authorities that a Gateway names.
func (x *index) bundle(l *listener, ref *gatewayv1.ObjectReference) (pem []byte, reason gatewayv1.ListenerConditionReason, fault string) {
	if of := (kind{string(ref.Group), string(ref.Kind)}); of != configMapKind {
		return nil, gatewayv1.ListenerReasonInvalidCACertificateKind, fmt.Sprintf("%s is no ConfigMap", of)
	}
	r := referTo(gatewayKind, l.gateway.object.Namespace, configMapKind, ref.Namespace, ref.Name)
	if !x.granted(r) {
		return nil, gatewayv1.ListenerReasonRefNotPermitted, r.refusal()
	}
	if pem, fault = x.authorities(r.name); fault != "" {
		return nil, gatewayv1.ListenerReasonInvalidCACertificateRef, fault
	}
	return pem, "", ""
}

// bundleKey is where a ConfigMap has certificates.
const bundleKey = "ca.crt"

// authorities are the certificates in a ConfigMap, or why there are none.
func (x *index) authorities(name Name) (bundle []byte, fault string) {
	m := x.configMap(name)
	if m == nil {
		return nil, x.absent(configMapKind, name)
	}
	bundle = []byte(m.Data[bundleKey])
	if _, err := config.Authorities(bundle); err != nil {
		return nil, fmt.Sprintf("ConfigMap %s has no certificates of authorities, as PEM, in %s", name, bundleKey)
	}
	return bundle, ""
}
