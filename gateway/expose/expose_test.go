// SPDX-License-Identifier: Apache-2.0

package expose

import (
	"strings"
	"testing"
)

func TestWordsThatAreNear(t *testing.T) {
	t.Parallel()
	for pair, want := range map[string]bool{
		"auth auth": true, "auht auth": true, "auths auth": true, "rate-limits rate-limit": true, "ratelimit rate-limit": true, "exposed expose": true,
		"profile expose": false, "managed port": false, "admission auth": false, "network tls": false, "keep-node-ports port": false,
	} {
		a, b, _ := strings.Cut(pair, " ")
		if Near(a, b) != want || Near(b, a) != want {
			t.Errorf("%s: it is not %v", pair, want)
		}
	}
}
