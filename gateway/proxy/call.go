// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call reports whether a request is a call of gRPC, which only HTTP/2 can carry
// (grpc/doc/PROTOCOL-HTTP2.md). gRPC-Web is another protocol.
func (x *Exchange) call() bool {
	types := x.Form.Header["Content-Type"]
	if x.R.ProtoMajor != 2 || len(types) != 1 {
		return false
	}
	rest, is := strings.CutPrefix(types[0], "application/grpc")
	return is && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// units of Grpc-Timeout (grpc/doc/PROTOCOL-HTTP2.md, TimeoutUnit).
var units = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// expired reports whether the time is over that the client gives a call.
func (x *Exchange) expired(now time.Time) bool {
	values := x.Form.Header["Grpc-Timeout"]
	if len(values) != 1 || len(values[0]) < 2 || len(values[0]) > 9 { // at most 8 digits
		return false
	}
	last := len(values[0]) - 1
	unit, known := units[values[0][last]]
	n, err := strconv.ParseUint(values[0][:last], 10, 31)
	return known && err == nil && now.Sub(x.answer.record.Time)/unit >= time.Duration(n)
}

// overdue answers a call that took too long. Clients take a 504 for a backend that is
// not there (grpc/doc/http-grpc-status-mapping.md), and would try again.
func (x *Exchange) overdue(reason string) {
	record := &x.answer.record
	record.Status, record.Reason = http.StatusGatewayTimeout, reason
	h := x.W.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", "4") // DEADLINE_EXCEEDED
	h.Set("Grpc-Message", reason)
	x.W.WriteHeader(http.StatusOK)
}
