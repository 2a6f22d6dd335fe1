// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"fmt"
	"slices"

	"github.com/cilium/cilium/pkg/policy/api"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the objects are (pkg/k8s/apis/cilium.io/v2, which is not imported: it
// brings most of the agent along).
const (
	APIVersion      = "cilium.io/v2"
	Kind            = "CiliumNetworkPolicy"
	ClusterwideKind = "CiliumClusterwideNetworkPolicy"
)

// Policy is a CiliumNetworkPolicy, or a CiliumClusterwideNetworkPolicy where it
// has no namespace. Its JSON is that of the object.
type Policy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec  *api.Rule `json:"spec,omitempty"`
	Specs api.Rules `json:"specs,omitempty"`
}

// String returns the policy as people know it: "CiliumNetworkPolicy shop/web".
func (p *Policy) String() string {
	if p.Namespace == "" {
		return ClusterwideKind + " " + p.Name
	}
	return Kind + " " + p.Namespace + "/" + p.Name
}

// rules returns the specifications of a policy in their order.
func (p *Policy) rules() api.Rules {
	if p.Spec == nil {
		return p.Specs
	}
	return slices.Concat(api.Rules{p.Spec}, p.Specs)
}

// Part returns the name that Read gives to the n-th specification of a policy.
func (p *Policy) Part(n int) string {
	if len(p.rules()) > 1 {
		return fmt.Sprintf("%s (%d)", p, n)
	}
	return p.String()
}

// Parts returns the path of each specification, in the order in which Read counts
// them: "spec", "specs[0]".
func (p *Policy) Parts() []string {
	var out []string
	if p.Spec != nil {
		out = append(out, "spec")
	}
	for i := range p.Specs {
		out = append(out, fmt.Sprintf("specs[%d]", i))
	}
	return out
}

// Gateway says what the ingress gateway is to Cilium.
type Gateway uint8

// The gateways: pods and addresses like others, or Cilium's own proxy, which its
// policies know as the entity "ingress" and no block of addresses holds. The
// addresses of the Environment's gateway are then those of that proxy.
const (
	PodGateway Gateway = iota
	OwnGateway
)
