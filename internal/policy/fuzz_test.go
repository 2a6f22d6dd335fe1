// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// FuzzNetwork: what is accepted is a network in the sense of the CRD, whatever
// its spelling.
func FuzzNetwork(f *testing.F) {
	for _, s := range []string{
		"10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "::ffff:0:0/96", "10.0.0.1/8", "010.0.0.0/8",
		"10.0.0.0/08", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/-1", "10.0.0.0/33", "fe80::%eth0/64", "10.0.0.0", "/8", "", "10.0.0.0/8,::/0", "１0.0.0.0/8",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Compile(testSet(t), &v1alpha1.CheckPolicySpec{Parameters: v1alpha1.Parameters{AllowedExternalIPs: []v1alpha1.CIDR{v1alpha1.CIDR(s)}}})
		if err != nil {
			if p != nil || !strings.HasPrefix(err.Error(), "spec.parameters.allowedExternalIPs[0]: ") {
				t.Errorf("error %q", err)
			}
			return
		}
		got := p.Parameters.AllowedExternalIPs
		if len(got) != 1 || got[0].Bits() <= 0 || got[0].Masked() != got[0] || got[0].Addr().Is4In6() || got[0].Addr().Zone() != "" {
			t.Fatalf("%q became %v", s, got)
		}
		if again, err := netip.ParsePrefix(got[0].String()); err != nil || again != got[0] {
			t.Errorf("%q became %v, which reads as %v, %v", s, got, again, err)
		}
	})
}

// FuzzNames: names of users, classes, annotations, labels and checks never make
// Compile panic, and what is accepted holds no wildcard and no control character.
func FuzzNames(f *testing.F) {
	for _, s := range []string{
		"system:serviceaccount:kube-system:ccm", "*", "system:anonymous", "example.com/scheme", "gatehouse.sh/x", "a\x00b", "a\u2028b", "é", "\xff",
		"TST-001", "deny-always", strings.Repeat("a", 300), "", " ", "a/b/c", "-", "default",
	} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		set := testSet(t)
		for _, spec := range []v1alpha1.CheckPolicySpec{
			{Checks: []v1alpha1.CheckRule{{Check: a, Action: v1alpha1.Action(b)}}},
			{Severities: []v1alpha1.SeverityRule{{Severity: v1alpha1.Severity(a), Strict: v1alpha1.Action(b)}}, ClusterMode: v1alpha1.Mode(b)},
			{Parameters: v1alpha1.Parameters{StatusWriters: []v1alpha1.Username{v1alpha1.Username(a)}, EndpointWriters: []v1alpha1.Username{v1alpha1.Username(b)}}},
			{Parameters: v1alpha1.Parameters{ClusterDomain: v1alpha1.ObjectName(a), Gateway: v1alpha1.Gateway{
				Namespaces: []v1alpha1.NamespaceName{v1alpha1.NamespaceName(a)}, GatewayClasses: []v1alpha1.ObjectName{v1alpha1.ObjectName(b)},
				ParentGateways: []v1alpha1.ParentGateway{{Namespace: v1alpha1.NamespaceName(a), Name: v1alpha1.ObjectName(b)}},
			}}},
			{Parameters: v1alpha1.Parameters{LoadBalancers: v1alpha1.LoadBalancers{
				Providers: []string{a}, Classes: []v1alpha1.LoadBalancerClass{{Name: a, Scheme: v1alpha1.Scheme(b)}},
				ExtraKeys: []v1alpha1.ExtraKey{{Annotation: a, InternalValues: []string{b}, PublicValues: []string{a}, Comparison: v1alpha1.Comparison(b), Provider: b}},
			}}},
			{Parameters: v1alpha1.Parameters{Mutation: v1alpha1.Mutation{
				InjectGateway: v1alpha1.Toggle(a), InjectAnnotations: map[string]v1alpha1.AnnotationValue{a: v1alpha1.AnnotationValue(b)}, InjectLabels: map[string]v1alpha1.LabelValue{b: v1alpha1.LabelValue(a)},
			}}},
		} {
			p, err := Compile(set, &spec)
			if (p == nil) == (err == nil) {
				t.Fatalf("policy %v and error %v", p, err)
			}
			if p == nil {
				continue
			}
			for _, name := range append(append([]string{p.Parameters.ClusterDomain}, p.Parameters.StatusWriters...), p.Parameters.Gateway.Namespaces...) {
				if name == "" || strings.ContainsAny(name, "*\x00\n ") {
					t.Errorf("accepted the name %q", name)
				}
			}
		}
	})
}

// FuzzParse: a file never makes Parse panic, and what it accepts is a CheckPolicy.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		header, header + "spec: {checks: [{check: TST-001, action: warn}]}", header + "---\n" + header, "...", "null", "[]", "{}", "a: &a [*a]", "\r", "---",
		header + "spec: null", header + "spec: {checks: null}", header + "spec: {parameters: {sensitivePorts: {remove: [99999999999999999999]}}}", "{\"a\":{\"a\":{}}}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		obj, err := Parse(data)
		if err != nil {
			return
		}
		if obj.Kind != v1alpha1.CheckPolicyKind || obj.APIVersion != v1alpha1.GroupVersion.String() {
			t.Fatalf("accepted %s %s", obj.APIVersion, obj.Kind)
		}
		if p, err := CompileObject(testSet(t), obj); (p == nil) == (err == nil) {
			t.Fatalf("policy %v and error %v", p, err)
		}
	})
}
