// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestBackstopClassifiesAsTheEngine compares the classifier in CEL with the one in
// Go over random load balancers, under several configurations.
func TestBackstopClassifiesAsTheEngine(t *testing.T) {
	c := newCluster(t)
	t.Cleanup(func() { c.removeBackstop(t) })
	const each = 200
	judged := []string{"EXP-002", "EXP-003", "EXP-005", "EXP-006"}
	compared, fired, left := 0, 0, 0
	for i, parameters := range []string{
		"{}",
		"loadBalancers: {providers: [aws]}",
		"loadBalancers: {providers: [metallb, cilium], trustedPools: [203.0.113.0/24], defaultScheme: Internal}",
		"loadBalancers: {providers: [aws, aws-load-balancer-controller, oci, oci-nlb, gke], classes: [{name: service.k8s.aws/nlb, scheme: Public}, {name: corp.example/lb, scheme: Internal}]}",
		"loadBalancers: {defaultScheme: Internal, extraKeys: [{annotation: corp.example/lb, internalValues: [inside], publicValues: [outside], provider: azure}]}",
	} {
		p := c.warnings(t, parameters)
		objects, err := backstop.Build(p, backstop.Options{Namespace: own, Only: append(slices.Clone(judged), "EXP-020")}) // enforcedNamespace waits for the last
		if err != nil {
			t.Fatal(err)
		}
		c.applyObjects(t, objects)
		ns := fmt.Sprintf("backstop-classes-%d", i)
		c.enforcedNamespace(t, ns)
		random := rand.New(rand.NewPCG(uint64(i), 1))
		for n := range each {
			svc := randomBalancer(random, ns)
			want := map[string]bool{}
			for _, f := range c.set.Evaluate(checks.Input{Object: svc, Inventory: inventory.New(svc), Parameters: p.Parameters}) {
				want[f.Check] = true
			}
			got, valid := c.warned(t, svc)
			if !valid {
				continue
			}
			for _, id := range judged {
				compared++
				switch {
				case got[id] && !want[id]:
					t.Errorf("%s: the policy of %s refuses Service %d, the check does not: class %v, address %q, %v", parameters, id, n, svc.Spec.LoadBalancerClass, svc.Spec.LoadBalancerIP, svc.Annotations)
				case got[id]:
					fired++
				case want[id]:
					left++
				}
			}
		}
	}
	t.Logf("%d verdicts compared, %d findings of both, %d left to the webhook", compared, fired, left)
	if fired == 0 || left*10 > fired {
		t.Errorf("%d findings of both and %d left: too few", fired, left)
	}
}

// warnings is a policy with parameters, under which everything warns.
func (c *cluster) warnings(t *testing.T, parameters string) *policy.Policy {
	t.Helper()
	parsed, err := policy.ParseParameters([]byte(parameters))
	if err != nil {
		t.Fatal(err)
	}
	spec := &v1alpha1.CheckPolicySpec{Parameters: parsed}
	for _, check := range c.set.Checks() {
		action := v1alpha1.ActionWarn
		if check.ID == "EXP-020" {
			action = v1alpha1.ActionDeny // enforcedNamespace waits for it
		}
		spec.Checks = append(spec.Checks, v1alpha1.CheckRule{Check: check.ID, Action: action})
	}
	p, err := policy.Compile(c.set, spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// warned are the checks whose policies warn of an object; false when the API
// server does not take it at all.
func (c *cluster) warned(t *testing.T, o client.Object) (map[string]bool, bool) {
	t.Helper()
	var said warnings
	ctx := context.WithValue(t.Context(), warningsKey{}, &said)
	copied, ok := o.DeepCopyObject().(client.Object)
	if !ok {
		t.Fatalf("the copy of a %T is none", o)
	}
	if err := c.api.Create(ctx, copied, client.DryRunAll); err != nil {
		if apierrors.IsInvalid(err) {
			return nil, false
		}
		t.Fatal(err)
	}
	out := map[string]bool{}
	for g := range firedBy(said.String()) {
		out[g.check] = true
	}
	return out, true
}

// randomBalancer is a Service with annotations, a class and an address from the
// table of controllers and values near those that count.
func randomBalancer(r *rand.Rand, ns string) *corev1.Service {
	keys, classes := []string{"corp.example/lb"}, []string{"corp.example/lb", "unknown.example/lb"}
	values := []string{"", "true", "false", "True", "1", "no", "internal", "Internal", "internet-facing", "INTERNAL", "EXTERNAL", "intranet", "private", "public", "nlb", "NLB", "external", "nlb-ip", "inside", "outside", "subnet-1", `{"type":"inner"}`}
	addresses := []string{"10.1.2.3", "203.0.113.7", "198.51.100.7", "10.1.2.3,192.168.1.1", "10.1.2.3, 8.8.8.8", "fd00::1", "::ffff:10.0.0.1", "name.example", " ", "0.0.0.0"}
	for _, row := range loadbalancer.Providers() {
		for _, k := range row.Keys {
			keys, values = append(keys, k.Annotation), append(values, slices.Concat(k.Internal, k.Public)...)
		}
		for _, class := range row.Classes {
			classes = append(classes, class.Name)
		}
		for _, mark := range row.Marks {
			keys = append(keys, mark+"x")
		}
		if row.Selector != nil {
			keys = append(keys, row.Selector.Annotation)
		}
		keys = append(keys, slices.Concat(row.PinKeys...)...)
	}
	svc := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "random", Annotations: map[string]string{}},
		Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeLoadBalancer, Selector: map[string]string{"app": "x"},
			Ports:      []corev1.ServicePort{{Port: 80}},
			IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
		},
	}
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	for range r.IntN(4) {
		value := pick(values)
		if r.IntN(3) == 0 {
			value = pick(addresses)
		}
		svc.Annotations[pick(keys)] = value
	}
	if r.IntN(3) == 0 {
		class := pick(classes)
		svc.Spec.LoadBalancerClass = &class
	}
	if r.IntN(4) == 0 {
		svc.Spec.LoadBalancerIP = pick(addresses)
	}
	if r.IntN(3) == 0 {
		svc.Spec.LoadBalancerSourceRanges = []string{pick([]string{"10.0.0.0/8", "0.0.0.0/0", "12.0.0.0/6", "192.0.2.0/24", "2001:db8::/20"})}
	}
	return svc
}
