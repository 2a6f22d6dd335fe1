// SPDX-License-Identifier: Apache-2.0

// Package certs chooses the certificate of a handshake, and keeps the last good
// one of each name. It reads no files.
package certs

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// Store is the certificates of a snapshot, ready to be presented. It does not
// change.
type Store struct {
	byName  map[string]*tls.Certificate
	from    map[string]config.Certificate
	refused map[string]error // why a newer one is not there, or none
	begins  time.Time        // the first of those that have not begun
}

// Each tells of every certificate when it ends, and why a newer one could not be used,
// if there is one. One that is not there at all, for it could not be used, has ended at
// the beginning of Unix time.
func (s *Store) Each(tell func(name string, ends time.Time, refused error)) {
	for name, pair := range s.byName {
		tell(name, pair.Leaf.NotAfter, s.refused[name])
	}
	for name, err := range s.refused {
		if s.byName[name] == nil {
			tell(name, time.Unix(0, 0), err)
		}
	}
}

// Begins is when the first of the certificates begins that were refused because they
// had not; zero if there is none.
func (s *Store) Begins() time.Time { return s.begins }

// early is when a certificate begins that has not.
type early time.Time

func (e early) Error() string {
	return "it begins at " + time.Time(e).UTC().Format(time.RFC3339)
}

// fault says what is wrong with a certificate, and where.
func fault(c *config.Certificate, err error, more string) config.Error {
	out := c.At
	out.What = fmt.Sprintf("certificate %s: %v%s", c.Name, err, more)
	return out
}

// Load reads the certificates of a snapshot. One that cannot be used is replaced
// by that of the same name in old, which may be nil; the warnings say so. With no
// old one it is an error, or where a certificate stands alone a warning, and nobody is
// shown it.
func Load(list []config.Certificate, old *Store, now time.Time) (s *Store, warnings []string, err error) {
	s = &Store{byName: make(map[string]*tls.Certificate, len(list)), from: make(map[string]config.Certificate, len(list)), refused: map[string]error{}}
	var errs []error
	for i, c := range list {
		if old != nil && old.byName[c.Name] != nil && bytes.Equal(old.from[c.Name].Cert, c.Cert) && bytes.Equal(old.from[c.Name].Key, c.Key) {
			s.byName[c.Name], s.from[c.Name] = old.byName[c.Name], c
			continue
		}
		read, err := read(c, now)
		switch {
		case err == nil:
			s.byName[c.Name], s.from[c.Name] = read, c
		case old != nil && old.byName[c.Name] != nil:
			warnings = append(warnings, fault(&list[i], err, "; the one before it stays").Error())
			from := old.from[c.Name]
			from.Hosts = c.Hosts // what it was for may be another tenant's by now
			s.byName[c.Name], s.from[c.Name] = old.byName[c.Name], from
			s.refuse(c.Name, err)
		case c.Alone:
			warnings = append(warnings, fault(&list[i], err, "; nobody is shown it").Error())
			s.refuse(c.Name, err)
		default:
			errs = append(errs, fault(&list[i], err, ""))
		}
	}
	return s, warnings, errors.Join(errs...)
}

// refuse notes why a certificate is not used, and when it may be.
func (s *Store) refuse(name string, err error) {
	s.refused[name] = err
	if at, is := errors.AsType[early](err); is && (s.begins.IsZero() || time.Time(at).Before(s.begins)) {
		s.begins = time.Time(at)
	}
}

// read refuses what no client takes: a key of another certificate, what has ended, and
// what has not begun. The key is in no error.
func read(c config.Certificate, now time.Time) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, err
	}
	leaf := pair.Leaf
	if leaf == nil {
		return nil, errors.New("there is no certificate")
	}
	if now.Before(leaf.NotBefore) {
		return nil, early(leaf.NotBefore)
	}
	if now.After(leaf.NotAfter) {
		return nil, fmt.Errorf("it ended at %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return &pair, nil
}

// Choice presents certificates by the name that a client asks for.
type Choice struct {
	exact map[string]*tls.Certificate
	wild  map[string]*tls.Certificate // by ".example.com"
	first *tls.Certificate
	made  *made // is presented, whatever is asked for; nil: the others are
}

// Choose makes the choice among certificates by their names: of two with one name
// the first is presented. Those that were refused are left out.
func (s *Store) Choose(names []string) (*Choice, error) {
	c := &Choice{exact: map[string]*tls.Certificate{}, wild: map[string]*tls.Certificate{}}
	for _, name := range names {
		pair := s.byName[name]
		if pair == nil && s.refused[name] != nil {
			continue
		}
		if pair == nil {
			return nil, fmt.Errorf("there is no certificate %q", name)
		}
		c.add(pair, s.from[name].Hosts)
	}
	return c, nil
}

// add presents a certificate for the names that it has, or for those of them that are
// given.
func (c *Choice) add(pair *tls.Certificate, hosts []string) {
	if len(hosts) == 0 && c.first == nil {
		c.first = pair
	}
	names := pair.Leaf.DNSNames
	if len(hosts) > 0 {
		in := make(map[string]bool, len(names))
		for _, n := range names {
			in[strings.ToLower(n)] = true
		}
		names = slices.DeleteFunc(slices.Clone(hosts), func(h string) bool {
			_, below, found := strings.Cut(h, ".")
			return !in[h] && (!found || !in["*."+below] || !sameHost("*."+below, h))
		})
	}
	for _, name := range names {
		in := c.exact
		name = strings.ToLower(name)
		if suffix, wild := strings.CutPrefix(name, "*"); wild {
			in, name = c.wild, suffix
		}
		if in[name] == nil {
			in[name] = pair
		}
	}
}

// None tells whether there is no certificate to present: no handshake can be made, not
// even one that goes on with a session that had one.
func (c *Choice) None() bool {
	return c.made == nil && c.first == nil && len(c.exact) == 0 && len(c.wild) == 0
}

// Certificate is for tls.Config.GetCertificate. A client that names a host that
// nobody has a certificate for gets the first, and says itself that it does not fit.
func (c *Choice) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if pair := c.For(hello.ServerName); pair != nil {
		return pair, nil
	}
	return nil, errors.New("there is no certificate")
}

// For is the certificate for a name. A wildcard stands for one label (RFC 6125,
// section 6.4.3).
func (c *Choice) For(name string) *tls.Certificate {
	if c.made != nil {
		return c.made.current()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if pair := c.exact[name]; pair != nil {
		return pair
	}
	if at := strings.IndexByte(name, '.'); at > 0 {
		if pair := c.wild[name[at:]]; pair != nil {
			return pair
		}
	}
	return c.first // nil where every certificate is for some hosts only: no handshake then
}
