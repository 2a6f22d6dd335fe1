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
func (x *Exchange) prune(rules *request.HeaderRules, identity request.Identity) {
	if x.R.Trailer == nil { // then none is sent on, whatever comes
		return
	}
	p := &pruned{x.R.Body, x.R.Trailer, rules, identity}
	p.prune()
	x.R.Body = p
}

// pruned is a body whose trailers are pruned when it ends.
type pruned struct {
	io.ReadCloser
	trailers http.Header
	rules    *request.HeaderRules
	identity request.Identity // of the route
}

func (p *pruned) prune() {
	p.rules.Prune(p.trailers)
	p.identity.Drop(p.trailers)
}

// Read implements io.Reader.
func (p *pruned) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if errors.Is(err, io.EOF) {
		p.prune()
	}
	return n, err
}
