// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
)

// TestFixtures runs every case below testdata through the whole package, so
// that a case of one check also shows what the others say about it.
func TestFixtures(t *testing.T) {
	set, err := checks.NewSet(All()...)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := fixture.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Check+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			fixture.Run(t, c, policy.Default(set))
		})
	}
}
