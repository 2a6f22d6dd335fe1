// SPDX-License-Identifier: Apache-2.0

// Package exposure holds the EXP checks: what opens a way from outside to
// something inside. It judges one object against an inventory and knows
// nothing of webhooks, policies or files.
package exposure

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// All lists the checks of this package.
func All() []checks.Check {
	return withBackstops(slices.Concat(serviceChecks(), backendChecks(), ingressChecks(), routeChecks(), podChecks()))
}

var services = []schema.GroupKind{inventory.ServiceKind}

// inputName is how messages name the object under judgement.
func inputName(in checks.Input) string { return inventory.KeyOf(in.Object).String() }
