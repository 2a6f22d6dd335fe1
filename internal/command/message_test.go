// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestEachFaultHasItsPlace: of several that were found together, and not the first alone.
func TestEachFaultHasItsPlace(t *testing.T) {
	t.Parallel()
	several := fmt.Errorf("read templates: %w", errors.Join(errors.New("a"), fmt.Errorf("b: %w", errors.Join(errors.New("c"), errors.New("d")))))
	for _, tc := range []struct {
		err  error
		want []string
	}{
		{several, []string{"read templates: a", "read templates: b: c", "read templates: b: d"}},
		{fmt.Errorf("%w: say --x", errors.Join(errors.New("a"))), []string{"a: say --x"}},
		{fmt.Errorf("%w and %w", errors.New("a"), errors.New("b")), []string{"a and b"}},
		{hintedError{errors.New("a"), "See"}, []string{"a"}},
	} {
		if got := messages(tc.err); !slices.Equal(got, tc.want) {
			t.Errorf("%q, not %q", got, tc.want)
		}
	}
	said, code := told(t, map[string]string{"app.yaml": workloadSaying("web", "192.0.2.1:443")}, "generate", "app.yaml", "--quiet", "--template", "database-port-only", "--template", "shop/nope")
	const want = `gatehouse: --template: template database-port-only: parameter "database" is required: The pods of the database.
gatehouse: --template: template database-port-only: parameter "clients" is required: The pods that use it.
gatehouse: --template: template database-port-only: parameter "ports" is required: The port of the database, 5432 for PostgreSQL, 3306 for MySQL.
gatehouse: --template "nope": no such template; there are `
	if code != ExitFault || len(said) < len(want) || said[:len(want)] != want {
		t.Errorf("exit %d:\n%s", code, said)
	}
}
