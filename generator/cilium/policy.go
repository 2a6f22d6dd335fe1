// SPDX-License-Identifier: Apache-2.0

package cilium

import (
	"github.com/cilium/cilium/pkg/option"
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

// Gateway says what the ingress gateway is to Cilium.
type Gateway uint8

// The gateways: pods and addresses like others, or Cilium's own proxy, which its
// policies know as the entity "ingress" and no block of addresses holds. The
// addresses of the Environment's gateway are then those of that proxy.
const (
	PodGateway Gateway = iota
	OwnGateway
)

// Cilium's own validation refuses rules about names and requests unless the
// agent's proxy is enabled, and asks a variable of its packages for that. It is
// enabled unless somebody disabled it (pkg/defaults, EnableL7Proxy).
func init() { option.Config.EnableL7Proxy = true }
