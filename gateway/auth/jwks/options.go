// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Options say where keys come from: exactly one of URL, Issuer and Inline is set.
// What is 0 has the default. They are fetched directly, by no proxy.
type Options struct {
	URL    string // of a JWK Set
	Issuer string // whose discovery document names the URL (OpenID Connect Discovery 1.0, section 4)
	Inline []byte // a JWK Set, a JWK, or PEM blocks "PUBLIC KEY"

	Roots     []byte    // PEM certificates of the authorities to trust; nil: those of the system
	Plaintext Plaintext // whether http:// will do

	Refresh      time.Duration // between two fetches when the answer does not say, 5 min
	MinRefresh   time.Duration // at least, whatever it says, 30 s
	MaxRefresh   time.Duration // at most, 1 h
	Cooldown     time.Duration // at least between two fetches that tokens with unknown keys cause, 10 s
	StaleIfError time.Duration // for how long keys are used after the last good answer, 24 h
	Timeout      time.Duration // of a fetch, the discovery included, 5 s
	MaxBytes     int64         // of an answer, 256 KiB
	MaxKeys      int           // 100

	// Notify is told after each fetch. It may be called at any time until Close
	// returns, by one goroutine, and is not part of what a set is.
	Notify func(Status)
}

// Plaintext says whether keys may come by http:// (so that whoever is on the way
// can put his own in their place).
type Plaintext uint8

// The zero value does not allow it.
const (
	RefusePlaintext Plaintext = iota
	AllowPlaintext
)

// Status is what became of the last fetch.
type Status struct {
	Keys    int       // that are used now
	Fetched time.Time // the last good answer
	Err     error     // of the last fetch; nil: it went well
	Faults  []error   // keys of the last good answer that are not used, and why
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.Refresh, 5*time.Minute)
	set(&o.MinRefresh, 30*time.Second)
	set(&o.MaxRefresh, time.Hour)
	set(&o.Cooldown, 10*time.Second)
	set(&o.StaleIfError, 24*time.Hour)
	set(&o.Timeout, 5*time.Second)
	if o.MaxBytes == 0 {
		o.MaxBytes = 256 << 10
	}
	if o.MaxKeys == 0 {
		o.MaxKeys = 100
	}
	return o
}

var errPlaintext = errors.New("is not https://")

// Check says what is wrong with options that have their defaults or not.
func (o Options) Check() error {
	var errs []error
	sources := 0
	for _, is := range []bool{o.URL != "", o.Issuer != "", o.Inline != nil} {
		if is {
			sources++
		}
	}
	if sources != 1 {
		errs = append(errs, errors.New("exactly one of a URL, an issuer and keys is needed"))
	}
	if o.URL != "" {
		if err := o.checkURL(o.URL); err != nil {
			errs = append(errs, fmt.Errorf("the URL %w", err))
		}
	}
	if o.Issuer != "" {
		err := o.checkURL(o.Issuer)
		if u, parsed := url.Parse(o.Issuer); err == nil && parsed == nil && (u.RawQuery != "" || u.ForceQuery) {
			err = errors.New("has a query") // OpenID Connect Discovery 1.0, section 3
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("the issuer %w", err))
		}
	}
	if o.Roots != nil && !x509.NewCertPool().AppendCertsFromPEM(o.Roots) {
		errs = append(errs, errors.New("there is no certificate among the authorities"))
	}
	if o.MaxBytes < 0 || o.MaxKeys < 0 {
		errs = append(errs, errors.New("the largest size of a set is negative"))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"refresh", o.Refresh}, {"least refresh", o.MinRefresh}, {"largest refresh", o.MaxRefresh}, {"cooldown", o.Cooldown}, {"stale-if-error", o.StaleIfError}, {"timeout", o.Timeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("the time %s is negative", d.name))
		}
	}
	if full := o.withDefaults(); full.MinRefresh > full.MaxRefresh {
		errs = append(errs, errors.New("the least time of refresh is longer than the largest"))
	}
	if o.Inline != nil {
		if _, err := decodeInline(o.Inline, o.withDefaults().MaxKeys); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkURL says what is wrong with where something is to be fetched from. It does
// not repeat the URL, which may hold a password.
func (o Options) checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("is no URL with a host")
	case u.User != nil:
		return errors.New("has a user in it")
	case u.Fragment != "":
		return errors.New("has a fragment")
	case u.Scheme == "http" && o.Plaintext != AllowPlaintext, u.Scheme != "http" && u.Scheme != "https":
		return errPlaintext
	}
	return nil
}

// identity is what makes two sets the same one.
func (o Options) identity() [sha256.Size]byte {
	o = o.withDefaults()
	h := sha256.New()
	for _, part := range [][]byte{[]byte(o.URL), []byte(o.Issuer), o.Inline, o.Roots} {
		_, _ = fmt.Fprintf(h, "%d\x00%t\x00", len(part), part == nil) // a hash takes everything
		_, _ = h.Write(part)                                          // and this
	}
	_, _ = fmt.Fprintf(h, "%d %d %d %d %d %d %d %d %d", o.Plaintext, o.Refresh, o.MinRefresh, o.MaxRefresh, o.Cooldown, o.StaleIfError, o.Timeout, o.MaxBytes, o.MaxKeys) // and this
	return [sha256.Size]byte(h.Sum(nil))
}
