// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestABackendCheckListsAKindOnce(t *testing.T) {
	t.Parallel()
	list := backendChecks()
	if len(list) == 0 {
		t.Fatal("no checks")
	}
	for _, c := range list {
		seen := map[schema.GroupKind]bool{}
		for _, k := range c.Kinds {
			if seen[k] {
				t.Errorf("%s lists %s twice, so its findings would be doubled", c.ID, k)
			}
			seen[k] = true
		}
	}
}
