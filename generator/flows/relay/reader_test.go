// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/internal/hubble/relaytest"
)

// readerOf is a client that may come in, with short pauses.
func readerOf(t *testing.T, r *relaytest.Relay, o Options) *Reader {
	t.Helper()
	if o.Transport.credentials == nil {
		transport, err := Secure(Certificates{CA: r.CA, Cert: r.Cert, Key: r.Key, ServerName: relaytest.Name})
		if err != nil {
			t.Fatal(err)
		}
		o.Transport = transport
	}
	o.Address, o.Wait = r.Address, time.Millisecond
	out, err := NewReader(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
