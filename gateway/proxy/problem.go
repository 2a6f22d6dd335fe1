// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"io"
	"net/http"
	"strconv"

	"github.com/gatehouse-sh/gatehouse/gateway/problem"
)

// refuse answers with a problem document. The reason is a word of ours: nothing of the
// request is repeated.
func refuse(w http.ResponseWriter, status int, reason string) {
	if a, is := w.(*answer); is {
		a.record.Reason = reason
	}
	document := problem.Document(status, reason)
	h := w.Header()
	h.Set("Content-Type", problem.Type)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(document)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, document) // the client may have gone
}
