// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/access"
	"github.com/gatehouse-sh/gatehouse/gateway/auth"
	"github.com/gatehouse-sh/gatehouse/gateway/upstream/http1"
)

// checkPath is the one method of envoy.service.auth.v3
// (https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/auth/v3/external_auth.proto).
const checkPath = "/envoy.service.auth.v3.Authorization/Check"

// maxMessage is the largest answer that is read, in bytes.
const maxMessage = 256 << 10

// GRPC implements access.External. It speaks gRPC over a backend's HTTP/2 by itself:
// one call with one message each way.
type GRPC struct {
	client
	strict bool // an answer with lines that are not among ResponseHeaders is none
}

// GRPCOptions say how a service is asked by gRPC.
type GRPCOptions struct {
	Common
	Unnamed Unnamed
}

// Unnamed is what becomes of an answer that has lines for the backend which are not among
// ResponseHeaders.
type Unnamed uint8

// What becomes of such answers.
const (
	Drop   Unnamed = iota // these lines are left out
	Refuse                // it is none
)

// NewGRPC makes a GRPC.
func NewGRPC(o GRPCOptions, to Sender) *GRPC {
	return &GRPC{newClient(o.Common, to), o.Unnamed == Refuse}
}

// Ask implements access.External.
func (c *GRPC) Ask(ctx context.Context, r *auth.Request) access.ExternalAnswer {
	return c.within(ctx, func(ctx context.Context) access.ExternalAnswer {
		message, ok := c.call(ctx, r)
		if !ok {
			return away()
		}
		said, ok := readAnswer(message)
		switch {
		case !ok:
			return away()
		case said.allowed && c.strict && !c.named(said.header):
			return away() // the service relies on them
		case said.allowed:
			return access.ExternalAnswer{Allowed: true, Header: selected(said.header, c.o.ResponseHeaders), Remove: canonical(said.remove)}
		case said.status == 0:
			said.status = http.StatusForbidden
		}
		return c.o.refusal(said.status, said.header)
	})
}

// named tells whether all lines of an answer may be the backend's.
func (c *GRPC) named(h http.Header) bool {
	for name := range h {
		if !slices.Contains(c.o.ResponseHeaders, name) {
			return false
		}
	}
	return true
}

// call sends the question and returns the message of the answer
// (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
func (c *GRPC) call(ctx context.Context, r *auth.Request) ([]byte, bool) {
	const prefix = 5 // not compressed, and the length
	body := appendQuestion(make([]byte, prefix, 1024), r, c.o.asked(r.Form.Header))
	binary.BigEndian.PutUint32(body[1:], uint32(len(body)-prefix)) //nolint:gosec // the header lines of a request are bounded
	res, err := c.to.Send(ctx, &http1.Request{
		Method: http.MethodPost, Path: checkPath, Host: "ext-authz", Length: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
		Header: http.Header{
			"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "User-Agent": {"gatehouse-gateway"},
			"Grpc-Timeout": {strconv.FormatInt(int64(c.o.Timeout/time.Millisecond)+1, 10) + "m"},
		},
	})
	if err != nil {
		return nil, false
	}
	defer res.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, prefix+maxMessage+1))
	if err != nil || res.Status != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/grpc") || res.Trailer.Get("Grpc-Status") != "0" {
		return nil, false // the trailers are there when the body has ended
	}
	if len(answer) < prefix || answer[0] != 0 || int64(binary.BigEndian.Uint32(answer[1:])) != int64(len(answer)-prefix) {
		return nil, false
	}
	return answer[prefix:], true
}
