// SPDX-License-Identifier: Apache-2.0

// Package crd has the definitions of Gatehouse's own kinds, as they are installed. Whoever
// judges objects as an API server does without one reads them here.
package crd

import _ "embed" // the definitions

// NetworkPlan is the CustomResourceDefinition of NetworkPlans, as YAML. It is read-only.
//
//go:embed gatehouse.sh_networkplans.yaml
var NetworkPlan []byte

// AccessPolicy is that of AccessPolicies, as YAML. It is read-only.
//
//go:embed gatehouse.sh_accesspolicies.yaml
var AccessPolicy []byte

// TrafficPolicy is that of TrafficPolicies, as YAML. It is read-only.
//
//go:embed gatehouse.sh_trafficpolicies.yaml
var TrafficPolicy []byte

// ClientPolicy is that of ClientPolicies, as YAML. It is read-only.
//
//go:embed gatehouse.sh_clientpolicies.yaml
var ClientPolicy []byte
