// SPDX-License-Identifier: Apache-2.0

package exposure

import "github.com/gatehouse-sh/gatehouse/inventory"

// opensCustom reports whether a custom resource is a route that lets traffic in
// from outside (EXP-035).
func opensCustom(e *inventory.Entry) bool {
	return e.Key.Kind.Group != "apiregistration.k8s.io" && e.Key.Kind.Group != "admissionregistration.k8s.io" && e.Key.Kind.Group != "apiextensions.k8s.io"
}
