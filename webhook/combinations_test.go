// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"
)

// TestARuleOfManyWordsIsTooLarge: three lists of a rule are bounded together as well.
func TestARuleOfManyWordsIsTooLarge(t *testing.T) {
	t.Parallel()
	words := func(n int) string { return `["w"` + strings.Repeat(`,"w"`, n-1) + `]` }
	role := func(verbs, groups, resources int) string {
		return fmt.Sprintf(`{"metadata":{"name":"r"},"rules":[{"verbs":%s,"apiGroups":%s,"resources":%s}]}`, words(verbs), words(groups), words(resources))
	}
	for name, tc := range map[string]struct {
		object string
		says   string
	}{
		"two thousand groups and resources": {role(1, 1500, 1500), "more than 100000 combinations"},
		"a hundred thousand and more":       {role(11, 100, 100), "more than 100000 combinations"},
		"a hundred thousand":                {role(10, 100, 100), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := DecodeReview(review("CREATE", "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", tc.object, ""))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = r.decode()
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
