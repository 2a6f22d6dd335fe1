// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"slices"
	"testing"
)

// TestTheServiceGoesLast, and nothing that is made stays.
func TestTheServiceGoesLast(t *testing.T) {
	t.Parallel()
	made, gone := Resources(), Withdrawn()
	if gone[len(gone)-1] != services {
		t.Errorf("last goes %s", gone[len(gone)-1])
	}
	slices.Sort(made)
	slices.Sort(gone)
	if !slices.Equal(made, gone) {
		t.Errorf("%v are made, and %v deleted", made, gone)
	}
}
