// SPDX-License-Identifier: Apache-2.0

package netpol

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/internal/proof"
)

// FuzzRead reads anything that has the form of a policy. What is read compiles,
// and writing out the defaults of the API server changes nothing.
func FuzzRead(f *testing.F) {
	for _, c := range traps {
		for _, p := range policiesOf(f, c.specs) {
			raw, err := json.Marshal(p.Spec)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	for _, text := range []string{
		`{"podSelector":{},"ingress":[{"from":[{"ipBlock":{"cidr":"::/0","except":["::ffff:0:0/96"]}}]}]}`,
		`{"podSelector":{},"egress":[{"to":[{"ipBlock":{"cidr":"::ffff:0.0.0.0/95"}}],"ports":[{"port":65535,"endPort":65535}]}]}`,
		`{"podSelector":{"matchLabels":{"":""}},"policyTypes":[""]}`,
	} {
		f.Add([]byte(text))
	}
	m := shop(f)
	m.Guards = map[string]generator.Guard{"shop": {Ingress: true, Egress: true}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := &networkingv1.NetworkPolicy{}
		p.Namespace, p.Name = "shop", "fuzzed"
		if json.Unmarshal(raw, &p.Spec) != nil || len(raw) > 4096 {
			return
		}
		policies, err := Read([]*networkingv1.NetworkPolicy{p})
		if err != nil {
			return
		}
		withDefaults(&p.Spec)
		defaulted, err := Read([]*networkingv1.NetworkPolicy{p})
		if err != nil {
			t.Fatalf("with its defaults it is refused: %v", err)
		}
		proof.Same(t, m, policies, defaulted)
	})
}

// withDefaults writes out what the API server would (k8s.io/kubernetes/pkg/apis/networking/v1/defaults.go).
func withDefaults(spec *networkingv1.NetworkPolicySpec) {
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(spec.Egress) != 0 {
			spec.PolicyTypes = append(spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		}
	}
	tcp := corev1.ProtocolTCP
	var lists [][]networkingv1.NetworkPolicyPort
	for i := range spec.Ingress {
		lists = append(lists, spec.Ingress[i].Ports)
	}
	for i := range spec.Egress {
		lists = append(lists, spec.Egress[i].Ports)
	}
	for _, ports := range lists {
		for i := range ports {
			if ports[i].Protocol == nil {
				ports[i].Protocol = &tcp
			}
		}
	}
}
