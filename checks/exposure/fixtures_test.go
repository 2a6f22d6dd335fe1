// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/internal/fixture"
)

func TestFixtures(t *testing.T) { fixture.RunPackage(t, All()) }
