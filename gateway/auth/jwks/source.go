// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/auth/internal/object"
)

// wellKnown is where an issuer publishes its metadata (OpenID Connect Discovery
// 1.0, section 4).
const wellKnown = "/.well-known/openid-configuration"

// rediscover is how long a discovery document holds.
const rediscover = time.Hour

const maxRedirects = 3

// source fetches the keys of one place. One goroutine uses it.
type source struct {
	options   *Options
	client    *http.Client
	transport *http.Transport // nil: somebody else's

	location   string // of the keys, as discovered
	discovered time.Time
	etag       string // of the last good answer of validFor
	validFor   string
}

// answer is what a fetch brought.
type answer struct {
	unchanged bool // the keys are those of the answer before
	keys      []*Key
	faults    []error
	fresh     time.Duration
}

// Faults of fetches. None repeats an address, which may hold a secret in its query.
var (
	errRedirect  = errors.New("the answer redirects to another place")
	errTooLarge  = errors.New("the answer is too large")
	errNotAsked  = errors.New("the answer is 304 to a question that was none")
	errIssuer    = errors.New("the discovery document is another issuer's")
	errNoJWKSURI = errors.New(`the discovery document has no text "jwks_uri"`)
)

func newSource(o *Options, transport http.RoundTripper) *source {
	s := &source{options: o}
	if transport == nil {
		s.transport = newTransport(o)
		transport = s.transport
	}
	s.client = &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if first := via[0].URL; len(via) > maxRedirects || next.URL.Scheme != first.Scheme || next.URL.Host != first.Host || next.URL.User != nil {
			return errRedirect
		}
		return nil
	}}
	return s
}

func newTransport(o *Options) *http.Transport {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.Roots != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(o.Roots) // Check has seen that it does
	}
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: o.Timeout}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    o.Timeout,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // so that an answer is as long as what was sent
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           2,
		IdleConnTimeout:        10 * time.Second,
	}
}

func (s *source) close() {
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
}

// forget makes the next answer a full one: the keys of the last were given up.
func (s *source) forget() { s.etag = "" }

// fetch brings the keys, by way of the discovery document if there is one.
func (s *source) fetch(ctx context.Context) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	location := s.options.URL
	if s.options.Issuer != "" {
		if s.location == "" || time.Since(s.discovered) >= rediscover {
			found, err := s.discover(ctx)
			if err != nil {
				return answer{}, fmt.Errorf("discovery: %w", err)
			}
			s.location, s.discovered = found, time.Now()
		}
		location = s.location
	}
	a, err := s.keys(ctx, location)
	if err != nil {
		s.location = "" // it may have moved
		return answer{}, fmt.Errorf("keys: %w", err)
	}
	return a, nil
}

// discover returns where the issuer says that its keys are.
func (s *source) discover(ctx context.Context) (string, error) {
	_, body, err := s.get(ctx, strings.TrimSuffix(s.options.Issuer, "/")+wellKnown, "")
	if err != nil {
		return "", err
	}
	doc, err := object.Parse(body)
	if err != nil {
		return "", fmt.Errorf("the document %w", err)
	}
	if doc["issuer"] != s.options.Issuer { // section 4.3: exactly
		return "", errIssuer
	}
	location, isText := doc["jwks_uri"].(string)
	if !isText {
		return "", errNoJWKSURI
	}
	if err := s.options.checkURL(location); err != nil {
		return "", fmt.Errorf(`"jwks_uri" %w`, err)
	}
	return location, nil
}

func (s *source) keys(ctx context.Context, location string) (answer, error) {
	etag := ""
	if s.validFor == location {
		etag = s.etag
	}
	head, body, err := s.get(ctx, location, etag)
	if err != nil {
		return answer{}, err
	}
	a := answer{fresh: s.fresh(head)}
	if body == nil {
		a.unchanged = true
		return a, nil
	}
	a.keys, a.faults, err = decodeSet(body, fetched, s.options.MaxKeys)
	if err != nil {
		return answer{}, err
	}
	s.etag, s.validFor = head.Get("ETag"), location
	return a, nil
}

// get returns the head and the body of a good answer; the body is nil if it is
// still that of the tag.
func (s *source) get(ctx context.Context, location, etag string) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, nil, errors.New("the address is no URL")
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	r.Header.Set("User-Agent", "gatehouse-gateway")
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	res, err := s.client.Do(r)
	if err != nil {
		if wrapped, is := errors.AsType[*url.Error](err); is {
			err = wrapped.Err // without the address
		}
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }() // nothing is written
	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return res.Header, nil, nil
	case res.StatusCode == http.StatusNotModified:
		return nil, nil, errNotAsked
	case res.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("the answer is %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, s.options.MaxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read the answer: %w", err)
	}
	if int64(len(body)) > s.options.MaxBytes {
		return nil, nil, errTooLarge
	}
	return res.Header, body, nil
}

// fresh is for how long an answer holds (RFC 9111, section 4.2.1): what it says, or
// else Options.Refresh. An answer that may not be kept is asked for again as soon as
// the bounds allow.
func (s *source) fresh(head http.Header) time.Duration {
	for _, line := range head.Values("Cache-Control") {
		for directive := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return 0
			case "max-age":
				seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 32)
				if err != nil || seconds < 0 {
					return 0 // RFC 9111, section 4.2.1: what is not valid is stale
				}
				age, err := strconv.ParseInt(head.Get("Age"), 10, 32)
				if err != nil || age < 0 {
					age = 0
				}
				return time.Duration(max(seconds-age, 0)) * time.Second
			}
		}
	}
	return s.options.Refresh
}
