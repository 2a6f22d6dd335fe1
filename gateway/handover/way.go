// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/bounded"
)

// way is how a Hub is reached: by connections that are verified with what a file says now.
type way struct {
	ca     string
	bundle []byte
	http   *http.Client
}

// client returns a client that trusts the authorities of the file, which others may
// replace at any time.
func (w *way) client() (*http.Client, error) {
	bundle, err := bounded.ReadFile(w.ca, 1<<20)
	if err != nil {
		return nil, err
	}
	if w.http != nil && bytes.Equal(bundle, w.bundle) {
		return w.http, nil
	}
	all, err := config.Authorities(bundle)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.ca, err)
	}
	roots := x509.NewCertPool()
	for _, c := range all {
		roots.AddCert(c)
	}
	w.close()
	w.bundle = bundle
	w.http = &http.Client{
		Transport: &http.Transport{
			DialContext:         dial,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots},
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for this Hub
	}
	return w.http, nil
}

// mostDials is 6: of two replicas of a control plane one hands over, and of 64 times that
// somebody asks it is found in 63 at once.
const mostDials = 6

// dial connects. Behind one address there may be several, of which one is listening now: who
// is refused asks again at once.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 5 * time.Second}
	return again(ctx, func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, address) })
}

func again(ctx context.Context, once func(context.Context) (net.Conn, error)) (c net.Conn, err error) {
	for range mostDials {
		if c, err = once(ctx); !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return c, err
}

func (w *way) close() {
	if w.http != nil {
		w.http.CloseIdleConnections()
	}
}
