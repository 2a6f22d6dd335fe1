// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the types of the API group gatehouse.sh. It states
// shapes, bounds and defaults and has no behaviour: internal/policy compiles a
// CheckPolicy, internal/exempt an Exemption, gateway/translate the policies of the gateway;
// the binaries read and write the objects. Changes within the version are additive.
//
// +kubebuilder:object:generate=true
// +groupName=gatehouse.sh
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every kind of Gatehouse.
const GroupName = "gatehouse.sh"

// GroupVersion is the group and the version of this package.
var GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

// AddToScheme makes the types known to a scheme. Schemes are not safe for
// concurrent registration.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &CheckPolicy{}, &CheckPolicyList{}, &Exemption{}, &ExemptionList{}, &NetworkPlan{}, &NetworkPlanList{},
		&AccessPolicy{}, &AccessPolicyList{}, &TrafficPolicy{}, &TrafficPolicyList{}, &ClientPolicy{}, &ClientPolicyList{}, &GatewayParameters{}, &GatewayParametersList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
