// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"fmt"
	"log"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/gatehouse-sh/gatehouse/gateway/certs"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/front"
	"github.com/gatehouse-sh/gatehouse/gateway/tcp"
)

// settings are what new connections of a listener get.
type settings struct {
	secure        *secure            // nil: no TLS
	streams       *tcp.Routes        // nil: nothing is passed on
	named         bool               // streams are found by the names that clients of TLS ask for
	ends          map[string]*secure // of streams whose TLS ends here, by name
	idle          time.Duration      // of streams
	proxied       []netip.Prefix     // whose connections begin with a PROXY header
	http          httpSettings
	head          front.Limits
	plainHTTP2    bool
	headerTimeout time.Duration
	perAddress    int
	total         int
}

// httpSettings are what net/http is made with: when they change, a new one takes
// the new connections.
type httpSettings struct {
	headerTimeout time.Duration
	idleTimeout   time.Duration
	headerBytes   int
	streams       uint32
	http2         bool
}

// Defaults of config.Limits.
const (
	defaultHeaderTimeout = 10 * time.Second
	defaultIdleTimeout   = 2 * time.Minute
	defaultPerAddress    = 1000
	defaultTotal         = 20_000
	defaultStreamIdle    = time.Hour
	defaultPacketsIdle   = time.Minute
	defaultClients       = 4096 // of UDP: each has a socket to its backend
	defaultStreams       = 100  // RFC 9113, section 6.5.2: at least
)

func (s *Server) settings(snap *config.Snapshot, l *config.Listener, store *certs.Store) (*settings, error) {
	limits := &l.Client.Limits
	out := &settings{
		head:          front.Limits{Head: cmp.Or(limits.HeaderBytes, front.DefaultHead), Lines: limits.HeaderLines},
		plainHTTP2:    l.Protocol == config.HTTP && l.HTTP2 == config.HTTP2On,
		headerTimeout: limits.HeaderTimeout.Or(defaultHeaderTimeout),
		perAddress:    cmp.Or(limits.PerAddress, defaultPerAddress),
		total:         cmp.Or(limits.Connections, defaultTotal),
		proxied:       l.Client.ProxyProtocol,
	}
	out.http = httpSettings{
		headerTimeout: out.headerTimeout, idleTimeout: limits.IdleTimeout.Or(defaultIdleTimeout),
		headerBytes: out.head.Head, streams: cmp.Or(limits.Streams, defaultStreams), http2: out.plainHTTP2 || l.Protocol == config.HTTPS && l.HTTP2 != config.HTTP2Off,
	}
	if err := s.passing(out, snap, l, store); err != nil {
		return nil, err
	}
	if l.Protocol != config.HTTPS {
		return out, nil
	}
	t := l.TLS
	if t == nil {
		t = &config.TLS{}
	}
	var err error
	if out.secure, err = s.secure(l.Name, t, store); err != nil {
		return nil, err
	}
	out.secure.offer(l.HTTP2)
	out.secure.keepApart(snap, l)
	return out, nil
}

// passing adds the streams of a listener.
func (s *Server) passing(out *settings, snap *config.Snapshot, l *config.Listener, store *certs.Store) error {
	own := streamsOf(snap, l)
	if len(own) == 0 && !l.Protocol.Stream() {
		return nil
	}
	out.named, out.ends = l.Protocol.Named(), map[string]*secure{}
	var err error
	if out.streams, err = tcp.NewRoutes(l, snap, &s.streams, store); err != nil {
		return err
	}
	limits := &l.Client.Limits
	out.idle = limits.IdleTimeout.Or(defaultStreamIdle)
	switch l.Protocol {
	case config.UDP:
		out.idle, out.total = limits.IdleTimeout.Or(defaultPacketsIdle), cmp.Or(limits.Connections, defaultClients)
	case config.HTTPS:
		out.idle = limits.TunnelIdle.Or(defaultStreamIdle)
	case config.HTTP, config.TCP, config.Passthrough:
	}
	for _, t := range own {
		if t.TLS == nil {
			continue
		}
		if out.ends[t.Name], err = s.secure(l.Name+" "+t.Name, t.TLS, store); err != nil {
			return fmt.Errorf("stream %s: %w", t.Name, err)
		}
	}
	return nil
}

// streamsOf are the streams of a listener.
func streamsOf(snap *config.Snapshot, l *config.Listener) []*config.Stream {
	var out []*config.Stream
	for i := range snap.Streams {
		if slices.Contains(snap.Streams[i].Listeners, l.Name) {
			out = append(out, &snap.Streams[i])
		}
	}
	return out
}

func (s *Server) choice(names []string, store *certs.Store, listener string) (*certs.Choice, error) {
	if len(names) > 0 {
		return store.Choose(names)
	}
	if s.made == nil {
		made, err := certs.SelfSigned(time.Now)
		if err != nil {
			return nil, err
		}
		s.made = made
		s.log.Info("a self-signed certificate is presented, which no client trusts: name one in tls.certificates", "listener", listener)
	}
	return s.made, nil
}

// maxFrame is the smallest size of frames that a server can ask for, and what
// clients send unless they are told otherwise (RFC 9113, section 4.2).
const maxFrame = 16 << 10

// discarded takes what net/http says of single clients, which a hostile one could
// make it say without end.
type discarded struct{ to logr.Logger }

// Write implements io.Writer.
func (d discarded) Write(p []byte) (int, error) {
	if log := d.to.V(1); log.Enabled() {
		log.Info("net/http", "says", strings.TrimSpace(string(p)))
	}
	return len(p), nil
}

// stalled is how long a connection of HTTP/2 may take not one byte of what there is.
// Each of its streams has a time of its own (package proxy), whose end must be written.
const stalled = 10 * time.Second

// newHTTP makes the net/http server of a listener.
func newHTTP(h httpSettings, handler http.Handler, to logr.Logger) *http.Server {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(h.http2) // also what came by TLS, which ends before the frames are scanned
	return &http.Server{
		Handler: handler, Protocols: p,
		ReadHeaderTimeout: h.headerTimeout, IdleTimeout: h.idleTimeout, MaxHeaderBytes: h.headerBytes,
		DisableGeneralOptionsHandler: true, // it answers what no policy has judged, and no log tells of
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: int(h.streams), MaxReadFrameSize: maxFrame, WriteByteTimeout: stalled},
		ErrorLog:                     log.New(discarded{to}, "", 0),
	}
}
