// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrTLS says that a backend was reached, and that no connection by TLS came of it:
// it is not who was meant, or wants something else. The error that wraps it is for
// the log; it names the backend's certificate.
var ErrTLS = errors.New("no TLS with the backend")

// dialer opens connections to the addresses of one backend.
type dialer struct {
	timeout func() time.Duration // of a connection, and of the handshake over it
	secure  *tls.Config          // nil: in clear
}

// dial opens a connection as the backend wants it.
func (d *dialer) dial(ctx context.Context, address string) (net.Conn, error) {
	if d.secure != nil {
		return d.byTLS(ctx, address)
	}
	return d.plain(ctx, address)
}

// dialError says that there is no connection.
type dialError struct{ error }

// Unwrap returns the cause.
func (e *dialError) Unwrap() error { return e.error }

func (d *dialer) plain(ctx context.Context, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: d.timeout(), KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, &dialError{err}
	}
	return c, nil
}

// byTLS returns a connection whose other end has shown who it is. A backend that
// is spoken to by HTTP/2 has agreed to.
func (d *dialer) byTLS(ctx context.Context, address string) (net.Conn, error) {
	c, err := d.plain(ctx, address)
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, d.secure)
	shaking, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	if err = t.HandshakeContext(shaking); err == nil {
		if chosen := t.ConnectionState().NegotiatedProtocol; d.secure.NextProtos[0] == "h2" && chosen != "h2" {
			err = fmt.Errorf("it speaks %q, and no HTTP/2", chosen)
		}
	}
	if err != nil {
		_ = c.Close() // of no use
		if ctx.Err() != nil {
			return nil, ctx.Err() // whoever asked has gone
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrTLS, address, err)
	}
	return t, nil
}

// refusal marks an error by which a backend says after a handshake of TLS 1.3 that
// it does not take the gateway's certificate.
func refusal(err error) error {
	if said, is := errors.AsType[*net.OpError](err); is && said.Op == "remote error" { // crypto/tls: an alert
		return fmt.Errorf("%w: %w", ErrTLS, err)
	}
	return err
}
