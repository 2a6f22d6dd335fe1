// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
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
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots},
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for this Hub
	}
	return w.http, nil
}

func (w *way) close() {
	if w.http != nil {
		w.http.CloseIdleConnections()
	}
}
