// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// TestASecretThatMayNotBeReadIsNotSaidToBeMissing, and one that is not there is.
func TestASecretThatMayNotBeReadIsNotSaidToBeMissing(t *testing.T) {
	t.Parallel()
	name := Name{Namespace: "shop", Name: "own"}
	for want, unread := range map[string]map[Name]string{
		"Secret shop/own may not be read": {name: "may not be read"},
		"Secret shop/own is not there":    {{Namespace: "shop", Name: "other"}: "may not be read"},
	} {
		g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "edge"}, Spec: gatewayv1.GatewaySpec{GatewayClassName: "own", Listeners: []gatewayv1.Listener{{
			Name: "https", Port: 443, Protocol: gatewayv1.HTTPSProtocolType, TLS: &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: "own"}}},
		}}}}
		class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: "own"}, Spec: gatewayv1.GatewayClassSpec{ControllerName: "own"}}
		result := Translate(&Objects{Classes: []*gatewayv1.GatewayClass{class}, Gateways: []*gatewayv1.Gateway{g}, UnreadSecrets: unread}, Options{Controller: "own"})
		said := ""
		for _, l := range result.Gateways[Name{Namespace: "shop", Name: "edge"}].Listeners {
			for _, c := range l.Conditions {
				said += c.Message + "\n"
			}
		}
		if !strings.Contains(said, want) {
			t.Errorf("the listener says %q, want %q", said, want)
		}
	}
}
