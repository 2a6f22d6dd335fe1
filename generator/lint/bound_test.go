// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
)

// TestLookingHasABound: what would be looked at for hours is refused, and it is named.
func TestLookingHasABound(t *testing.T) {
	t.Parallel()
	pods := func(app string) verify.Pods {
		return verify.Pods{Namespaces: labels.SelectorFromSet(labels.Set{corev1.LabelMetadataName: "shop"}), Pods: labels.SelectorFromSet(labels.Set{"app": app})}
	}
	ports := func(first, n int) []generator.Port {
		out := make([]generator.Port, n)
		for i := range out {
			out[i] = generator.NumberedPort(generator.TCP, uint16(first+2*i))
		}
		return out
	}
	policy := func(i int, list []generator.Port) verify.Policy {
		rule := verify.Rule{Name: "ingress[0]", Action: verify.Accept, Peers: []verify.Peer{{Pods: pods("carts")}}, Ports: list}
		return verify.Policy{Name: fmt.Sprintf("p%d", i), Tier: verify.Normal, Subject: pods("db"), Isolates: generator.Guard{Ingress: true}, Ingress: []verify.Rule{rule}}
	}
	one := func(n int) []verify.Policy { return []verify.Policy{policy(0, ports(1, n))} }
	many := func(n int) (out []verify.Policy) {
		for i := range n {
			out = append(out, policy(i, ports(1+2*i, 2)))
		}
		return out
	}
	for name, tc := range map[string]struct {
		list     []verify.Policy
		tooLarge bool
	}{
		"a rule of ten ports": {one(10), false}, "a rule of 10,000 ports": {one(10_000), true},
		"ten policies about the same pods": {many(10), false}, "2,000 policies about the same pods": {many(2000), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := Policies(tc.list, model(t), Options{Verify: verify.Options{MaxSteps: 3_000_000}})
			var large *verify.TooLargeError
			if is := errors.As(err, &large); is != tc.tooLarge || !is && err != nil || is && (len(found) > 0 || large.What[0] != 'p') {
				t.Errorf("%d findings, %v", len(found), err)
			}
		})
	}
}
