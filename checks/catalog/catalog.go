// SPDX-License-Identifier: Apache-2.0

// Package catalog lists every check of Gatehouse.
package catalog

import (
	"slices"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/checks/privilege"
)

// All returns the checks in no particular order.
func All() []checks.Check { return slices.Concat(exposure.All(), blast.All(), privilege.All()) }

// Set returns the validated set of all checks.
func Set() (*checks.Set, error) { return checks.NewSet(All()...) }
