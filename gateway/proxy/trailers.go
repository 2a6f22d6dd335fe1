// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"io"
	"net/http"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// prune deletes trailers that no client may send: now those that are announced,
// and when the body has ended those that came.
func (x *Exchange) prune(rules *request.HeaderRules) {
	if x.R.Trailer == nil { // then none is sent on, whatever comes
		return
	}
	rules.Prune(x.R.Trailer)
	x.R.Body = &pruned{x.R.Body, x.R.Trailer, rules}
}

// pruned is a body whose trailers are pruned when it ends.
type pruned struct {
	io.ReadCloser
	trailers http.Header
	rules    *request.HeaderRules
}

// Read implements io.Reader.
func (p *pruned) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if errors.Is(err, io.EOF) {
		p.rules.Prune(p.trailers)
	}
	return n, err
}
