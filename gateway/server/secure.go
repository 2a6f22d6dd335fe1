// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/internal/hosts"
	"github.com/gatehouse-sh/gatehouse/gateway/proxy"
)

// secure is how handshakes of a listener, or of one of its streams, are made.
type secure struct {
	hosts   hosts.Map[string] // that the listener keeps apart, and those of streams
	config  *tls.Config
	choice  *certs.Choice
	clients *certs.Clients // nil: nobody is asked for a certificate
	made    bool           // the certificate is one that nobody trusts
	tickets *certs.Tickets
	purpose []byte

	mu    sync.Mutex
	until time.Time // by when the keys of tickets are others
}

// secure makes it ready. A session is resumed for the same name of where it began only.
func (s *Server) secure(name string, t *config.TLS, store *certs.Store) (*secure, error) {
	choice, err := s.choice(t.Certificates, store, name)
	if err != nil {
		return nil, err
	}
	out := &secure{config: certs.Base(t.MinVersion), choice: choice, made: len(t.Certificates) == 0, tickets: &s.tickets}
	out.config.GetCertificate = choice.Certificate
	purpose := sha256.New()
	_, _ = purpose.Write([]byte(name + "\x00" + string(t.MinVersion) + "\x00")) // a hash takes everything
	if t.Client != nil {
		if out.clients, err = certs.NewClients(t.Client); err != nil {
			return nil, err
		}
		out.clients.Configure(out.config)
		_, _ = purpose.Write(out.clients.Sum[:]) // and this
	}
	out.purpose = purpose.Sum(nil)
	out.rotate(time.Now())
	return out, nil
}

// offer lets clients choose the version of HTTP.
func (s *secure) offer(h config.HTTP2) {
	s.config.NextProtos = []string{"h2", "http/1.1"}
	if h == config.HTTP2Off {
		s.config.NextProtos = []string{"http/1.1"}
	}
}

// keepApart reads the hosts that a listener keeps apart, and those that its streams have.
func (s *secure) keepApart(snap *config.Snapshot, l *config.Listener) {
	for _, h := range l.Hosts {
		s.hosts.Set(h, &h)
	}
	for _, t := range streamsOf(snap, l) {
		for _, h := range t.Names() {
			s.hosts.Set(h, &h)
		}
	}
}

// apart tells whether the host of a request is kept apart from the name that its client
// asked for in the handshake. Who asked for none is judged by the certificate alone.
func (s *secure) apart(name, host string) bool {
	if name == "" {
		return false
	}
	own := s.hosts.Find(host)
	return own != nil && own != s.hosts.Find(name)
}

// rotate gives new sessions new keys when it is time.
func (s *secure) rotate(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.until) {
		return
	}
	var keys [][32]byte
	keys, s.until = s.tickets.Keys(s.purpose, now)
	s.config.SetSessionTicketKeys(keys)
}

var errNoCertificate = errors.New("there is no certificate that could be presented")

// handshake makes a connection one by TLS.
func (s *secure) handshake(c net.Conn, until time.Time) (*tls.Conn, error) {
	if s.choice.None() {
		return nil, errNoCertificate // also where a session could be gone on with
	}
	s.rotate(time.Now())
	t := tls.Server(c, s.config)
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if s.leaf(t.ConnectionState().ServerName) == nil {
		return nil, errNoCertificate // a session is gone on with, for which nothing had to be presented
	}
	return t, nil
}

// leaf is what is presented to who asks for a name; nil: nothing.
func (s *secure) leaf(name string) *x509.Certificate {
	if pair := s.choice.For(name); pair != nil {
		return pair.Leaf
	}
	return nil
}

// identity is what the two ends of a connection have shown each other.
type identity struct {
	state tls.ConnectionState
	name  string            // that the client asked for; "" if it named none
	leaf  *x509.Certificate // that was presented; nil: one that nobody trusts

	mu      sync.Mutex
	clients *certs.Clients // who has judged the client; nil: nobody
	chains  [][]*x509.Certificate
}

func (s *secure) identify(t *tls.Conn) *identity {
	out := &identity{state: t.ConnectionState(), clients: s.clients}
	if s.clients != nil {
		s.clients.Known(&out.state, time.Now())
	}
	out.chains = out.state.VerifiedChains
	out.name = strings.ToLower(out.state.ServerName)
	if !s.made {
		out.leaf = s.leaf(out.name)
	}
	return out
}

// judge refuses requests that belong on another connection: for a host that the
// certificate is not one of, or that is kept apart from the one that was asked for, and
// of a client that would not be let in any more.
func (i *identity) judge(host string, now time.Time, terms *secure) proxy.Decision {
	if !i.covers(host) || terms.apart(i.name, host) {
		return proxy.Refuse(http.StatusMisdirectedRequest, "misdirected")
	}
	current := terms.clients
	if current == nil {
		if len(i.state.PeerCertificates) == 0 {
			return proxy.Next()
		}
		return proxy.Refuse(http.StatusMisdirectedRequest, "client-certificate") // for which nobody vouches any more
	}
	if !i.holds(now, current) {
		return proxy.Refuse(http.StatusMisdirectedRequest, "client-certificate")
	}
	return proxy.Next()
}

// covers tells whether a client may ask for a host because of the name that it asked
// for or the certificate that it was shown (RFC 9110, section 7.4; RFC 9113, section
// 9.1.1). An address cannot be asked for in a handshake (RFC 6066, section 3).
func (i *identity) covers(host string) bool {
	switch {
	case i.leaf == nil, i.name == host:
		return true
	case i.name == "" && isAddress(host):
		return true
	}
	return i.leaf.VerifyHostname(host) == nil
}

func isAddress(host string) bool {
	if strings.HasPrefix(host, "[") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// holds judges a client whose connection is older than what is configured now as if
// it came now, and any client by the time.
func (i *identity) holds(now time.Time, current *certs.Clients) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.clients != nil && i.clients.Sum == current.Sum {
		return current.Judge(i.chains, len(i.state.PeerCertificates), now) == nil
	}
	chains, err := current.Again(i.state.PeerCertificates, now)
	if err != nil {
		return false
	}
	i.clients, i.chains = current, chains
	return true
}
