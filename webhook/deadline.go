// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"net/http"
	"time"
)

// usualTimeout is how long the API server waits for an answer as Gatehouse registers
// itself (registration.Options).
const usualTimeout = 3 * time.Second

// timeFor is how long a review may take from its arrival: half of what the API server
// waits, which it says in the query of its URL, and of the usual 3 s at most. The
// other half is for the way here and back, and for the one step that is under way when
// the time is over: some 0.3 s for the largest roles. Later than the API server waits
// there is no answer, and without one the API server lets cluster-scoped objects pass.
// https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/admission/plugin/webhook/validating/dispatcher.go (Timeout)
func timeFor(req *http.Request) time.Duration {
	d, err := time.ParseDuration(req.URL.Query().Get("timeout"))
	if err != nil || d <= 0 || d > usualTimeout {
		d = usualTimeout
	}
	return d / 2
}
