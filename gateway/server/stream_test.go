// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

// lines is a server of TCP that says who it is, and then what it was told when the
// client has said all.
func lines(t testing.TB, name string) netip.AddrPort {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprint(c, name, ";")
				all, err := io.ReadAll(c)
				if err == nil {
					fmt.Fprintf(c, "%s heard %s", name, all)
				}
			}()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// streamSnapshot has a listener of each protocol that passes on, and its backend.
func streamSnapshot(tcp, udp, a, b netip.AddrPort) *config.Snapshot {
	local := netip.MustParseAddrPort("127.0.0.1:0")
	to := func(name string) []config.Share { return []config.Share{{Name: name}} }
	return &config.Snapshot{
		Listeners: []config.Listener{
			{Name: "tcp", Address: local, Protocol: config.TCP},
			{Name: "udp", Address: local, Protocol: config.UDP},
			{Name: "tls", Address: local, Protocol: config.Passthrough},
		},
		Streams: []config.Stream{
			{Name: "tcp", Listeners: []string{"tcp"}, Backends: to("tcp")},
			{Name: "udp", Listeners: []string{"udp"}, Backends: to("udp")},
			{Name: "a", Listeners: []string{"tls"}, Hosts: []string{"a.example.com"}, Backends: to("a")},
			{Name: "b", Listeners: []string{"tls"}, Hosts: []string{"*.b.example.com"}, Backends: to("b")},
		},
		Backends: []config.Backend{
			{Name: "tcp", Endpoints: []netip.AddrPort{tcp}},
			{Name: "udp", Endpoints: []netip.AddrPort{udp}},
			{Name: "a", Endpoints: []netip.AddrPort{a}},
			{Name: "b", Endpoints: []netip.AddrPort{b}},
		},
	}
}

// dial opens a connection that gives up after 5 s.
func dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// hear reads so many bytes as a text has, and compares.
func hear(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got[:n], err, want)
	}
}

func TestStreamsArePassedOnWhole(t *testing.T) {
	t.Parallel()
	one, two := lines(t, "one"), lines(t, "two")
	snap := streamSnapshot(one, one, one, one)
	s, at := start(t, snap)
	open := dial(t, "tcp", at["tcp"])
	hear(t, open, "one;")
	next := *snap
	next.Backends = append([]config.Backend{}, snap.Backends...)
	next.Backends[0].Endpoints = []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1"), two} // nobody is at the first
	for range 20 {
		if err := s.Apply(t.Context(), &next); err != nil {
			t.Fatal(err)
		}
		hear(t, dial(t, "tcp", at["tcp"]), "two;")
	}
	if _, err := io.WriteString(open, "still"); err != nil {
		t.Fatal(err)
	}
	half, ok := open.(*net.TCPConn)
	if !ok {
		t.Fatalf("got %T", open)
	}
	if err := half.CloseWrite(); err != nil { // and hears what is said then
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(open); err != nil || string(rest) != "one heard still" {
		t.Errorf("got %q, %v", rest, err)
	}
	next.Backends[0].Endpoints = nil
	if err := s.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	if got, _ := exchange(t, at["tcp"], "x"); got != "" {
		t.Errorf("without an address: got %q", got)
	}
}

func TestNamesOfTLSChooseABackend(t *testing.T) {
	t.Parallel()
	ca := pki.New(t, "ca")
	a := secureBackend(t, &tls.Config{Certificates: []tls.Certificate{ca.For(t, "a.example.com")}}, false)[0]
	b := secureBackend(t, &tls.Config{Certificates: []tls.Certificate{ca.For(t, "x.b.example.com", "x.y.b.example.com")}}, false)[0]
	one := lines(t, "one")
	s, at := start(t, streamSnapshot(one, one, a, b))
	for name, served := range map[string]bool{
		"a.example.com": true, "x.b.example.com": true, "x.y.b.example.com": true, "b.example.com": false, "c.example.com": false,
	} {
		p := newPeer(at["tls"], ca)
		p.config.ServerName = name
		got, err := ask(t, p.transport(t), "https://"+name+"/")
		if (err == nil) != served || served && got.body != "nobody by HTTP/1.1 for "+name+" at "+name {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	nameless := newPeer(at["tls"], ca)
	nameless.config.ServerName, nameless.config.InsecureSkipVerify = "127.0.0.1", true
	if _, err := ask(t, nameless.transport(t), "https://127.0.0.1/"); err == nil {
		t.Error("without a name: it is served")
	}
	if got, _ := exchange(t, at["tls"], "GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n"); got != "" {
		t.Errorf("without TLS: got %q", got)
	}
	snap := streamSnapshot(one, one, a, b)
	snap.Streams = append(snap.Streams, config.Stream{Name: "rest", Listeners: []string{"tls"}, Backends: []config.Share{{Name: "a"}}})
	if err := s.Apply(t.Context(), snap); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, nameless.transport(t), "https://127.0.0.1/"); err != nil || got.status != 200 {
		t.Errorf("with a stream for all others: got %v, %v", got, err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	one := lines(t, "one")
	snap := streamSnapshot(one, one, one, one)
	snap.Listeners[0].Client.Limits = config.Limits{PerAddress: 2, IdleTimeout: config.Duration(200 * time.Millisecond)}
	snap.Listeners[2].Client.Limits = config.Limits{HeaderTimeout: config.Duration(200 * time.Millisecond)}
	_, at := start(t, snap)
	first, second := dial(t, "tcp", at["tcp"]), dial(t, "tcp", at["tcp"])
	hear(t, first, "one;")
	hear(t, second, "one;")
	if got, _ := exchange(t, at["tcp"], ""); got != "" {
		t.Errorf("one too many: got %q", got)
	}
	if rest, _ := io.ReadAll(first); len(rest) > 0 { // and nobody waits 5 s for it
		t.Errorf("idle: got %q", rest)
	}
	slow := dial(t, "tcp", at["tls"])
	if _, err := io.WriteString(slow, "\x16\x03\x01"); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("half a hello: got %v", err)
	}
}

// TestConnectionsInAllAreBounded: of a listener of HTTP and one of TCP. The place of one
// that has ended is free.
func TestConnectionsInAllAreBounded(t *testing.T) {
	t.Parallel()
	snap, one := snapshot(backend(t, echo)), lines(t, "one")
	passed := streamSnapshot(one, one, one, one)
	snap.Listeners = append(snap.Listeners, passed.Listeners[0])
	snap.Streams, snap.Backends = passed.Streams[:1], append(snap.Backends, passed.Backends[0])
	for i := range snap.Listeners {
		snap.Listeners[i].Client.Limits.Connections = 1
	}
	s, at := start(t, snap)
	for name, tc := range map[string]struct{ says, hears string }{"plain": {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "}, "tcp": {"", "one;"}} {
		first := dial(t, "tcp", at[name])
		_, _ = io.WriteString(first, tc.says) // what fails is seen by who reads
		hear(t, first, tc.hears)
		second := dial(t, "tcp", at[name])
		_, _ = io.WriteString(second, tc.says) // and this
		if got := closed(t, second); got != "" {
			t.Errorf("%s: one too many: got %q", name, got)
		}
		if want, got := `connections_refused_total{listener="`+name+`",reason="too-many"} 1`, metrics(t, s); !strings.Contains(got, want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
		_ = first.Close()
		for late := time.Now().Add(patience); ; <-time.After(time.Millisecond) {
			c := dial(t, "tcp", at[name])
			_, _ = io.WriteString(c, tc.says) // it may be one too many yet
			got := make([]byte, len(tc.hears))
			_, _ = io.ReadFull(c, got)
			_ = c.Close()
			if string(got) == tc.hears {
				break
			}
			if time.Now().After(late) {
				t.Fatalf("%s: the place is not free: got %q", name, got)
			}
		}
	}
}

// datagrams is a server of UDP that answers with its name.
func datagrams(t testing.TB, name string) netip.AddrPort {
	t.Helper()
	c, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(append([]byte(name+" "), buffer[:n]...), from)
		}
	}()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

func TestDatagramsArePassedOn(t *testing.T) {
	t.Parallel()
	one, two := datagrams(t, "one"), datagrams(t, "two")
	snap := streamSnapshot(one, one, one, one)
	snap.Listeners[1].Client.Limits = config.Limits{Connections: 3, IdleTimeout: config.Duration(300 * time.Millisecond)}
	s, at := start(t, snap)
	say := func(c net.Conn, text, want string) {
		t.Helper()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 2000)
		n, err := c.Read(got)
		if err != nil || string(got[:n]) != want+" "+text {
			t.Errorf("got %q, %v, want %s", got[:n], err, want)
		}
	}
	a, b, c := dial(t, "udp", at["udp"]), dial(t, "udp", at["udp"]), dial(t, "udp", at["udp"])
	say(a, "1", "one")
	say(b, strings.Repeat("x", 1400), "one")
	next := *snap
	next.Backends = append([]config.Backend{}, snap.Backends...)
	next.Backends[1].Endpoints = []netip.AddrPort{two}
	if err := s.Apply(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	say(c, "2", "two")
	say(a, "3", "one") // stays where it began
	d := dial(t, "udp", at["udp"])
	if err := d.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(d, "x")
	if n, err := d.Read(make([]byte, 9)); err == nil {
		t.Errorf("one too many: got %d bytes", n)
	}
	s.mu.Lock()
	l := s.packets["udp"].listener
	s.mu.Unlock()
	for deadline := time.Now().Add(5 * time.Second); l.Sessions() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("clients that nobody speaks with are not forgotten")
		}
		<-time.After(10 * time.Millisecond)
	}
	say(a, "4", "two") // as a new one
}
