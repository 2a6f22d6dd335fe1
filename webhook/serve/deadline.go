// SPDX-License-Identifier: Apache-2.0

package serve

import (
	"fmt"
	"net/http"
	"time"
)

// bodyDeadline is how long the body of a request may take. The API server has
// the whole of it when it calls. Whoever else reaches the port must not be able
// to hold the memory that reviews share by sending slowly.
const bodyDeadline = 5 * time.Second

// withDeadline gives a request that long to be read. The server sets its own
// deadline again for the next request of the connection.
func withDeadline(next http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit)); err != nil {
			http.Error(w, fmt.Sprintf("set a deadline: %v", err), http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, req)
	})
}
