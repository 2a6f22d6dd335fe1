// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"maps"
	"sync"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// withBackstops gives the checks their part in CEL, made of the same tables: that
// of the powers, and what Kubernetes ships. It stands beside them and not in them,
// because the expressions of one kind of object are read together.
func withBackstops(list []checks.Check) []checks.Check {
	all := backstops()
	for i := range list {
		if b, has := all[list[i].ID]; has {
			list[i].Backstop = &b
		}
	}
	return list
}

// backstops are those of every check, by id.
var backstops = sync.OnceValue(func() map[string]checks.Backstop {
	all := map[string]checks.Backstop{}
	for _, table := range []map[string]checks.Backstop{powerBackstops(), formBackstops(), bindingBackstops(), accountBackstops(), podBackstops()} {
		maps.Copy(all, table)
	}
	return all
})

// always makes a backstop of rules that no parameter changes.
func always(rest string, rules ...checks.BackstopRule) checks.Backstop {
	return checks.Backstop{Partial: rest, Rules: func(*checks.Parameters) []checks.BackstopRule { return rules }}
}

// byAPI is true of what the API server itself writes, as byAPIServer says.
const byAPI = `request.userInfo.username == "system:apiserver"`
