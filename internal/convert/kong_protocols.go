// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"strings"
)

func (r *reader) kongProtocols(v string) error {
	words := list(v)
	calls, plain, secure := 0, false, false
	for _, w := range words {
		switch w {
		case "grpc", "grpcs":
			calls++
		case "http", "https":
		default:
			return fmt.Errorf("%.20q is not converted: http, https, grpc and grpcs are", w)
		}
		plain = plain || w == "http" || w == "grpc"
		secure = secure || w == "https" || w == "grpcs"
	}
	if calls != 0 && calls != len(words) {
		return errors.New("a route is of HTTP or of gRPC: make an Ingress for each")
	}
	r.grpc = calls > 0
	switch {
	case plain && secure:
		return r.holds("both are served where there is TLS")
	case secure:
		r.plain, r.wantsTLS = true, true
		return r.secureByRedirect()
	}
	r.unsecured = true
	return nil
}

// secureByRedirect reads what clients of plain HTTP are told.
func (r *reader) secureByRedirect() error {
	code := r.all["konghq.com/https-redirect-status-code"]
	if code == "" || code == "426" {
		r.note("plain HTTP is answered 404, not 426")
		return nil
	}
	n, err := number(code, 301, 308)
	r.secure, r.always = n, true
	return err
}

func (r *reader) kongRedirect(v string) error {
	yes, err := truth(v)
	if err != nil || !yes {
		return errors.Join(err, r.holds("it asks for nothing"))
	}
	r.secure, r.always = 302, true
	return nil
}

func (r *reader) kongProtocol(v string) error {
	switch v {
	case "http":
		return r.holds("backends are spoken to by HTTP")
	case "https", "grpcs", "grpc":
		if r.grpc = r.grpc || strings.HasPrefix(v, "grpc"); strings.HasPrefix(v, "grpc") {
			if err := r.single(); err != nil {
				return err
			}
			r.line.object = "GRPCRoute"
		}
		if strings.HasSuffix(v, "s") {
			r.secureBackends(r.line.Name, &backendTLS{})
		}
		return nil
	}
	return fmt.Errorf("%.20q is not spoken: http, https, grpc and grpcs are", v)
}
