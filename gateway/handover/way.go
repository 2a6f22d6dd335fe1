// SPDX-License-Identifier: Apache-2.0

package handover

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
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

// keptName is the file of what is served, in the folder where it is kept.
const keptName = "snapshot.json"

// kept returns what was served last, nil if nothing was.
func kept(folder string) ([]byte, error) {
	if folder == "" {
		return nil, nil
	}
	text, err := bounded.ReadFile(filepath.Join(folder, keptName), config.MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// keep keeps a text. A process that ends meanwhile leaves the one before.
func keep(folder string, text []byte) error {
	if folder == "" {
		return nil
	}
	at := filepath.Join(folder, keptName)
	if err := os.WriteFile(at+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(at+".new", at)
}
