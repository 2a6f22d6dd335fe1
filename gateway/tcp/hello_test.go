// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// helloOf is what crypto/tls sends for a name.
func helloOf(t testing.TB, c *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		c.InsecureSkipVerify = true
		_ = tls.Client(client, c).HandshakeContext(context.Background()) // it is cut off
		client.Close()
	}()
	head := make([]byte, recordHeader)
	if _, err := io.ReadFull(server, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(head, body)
}

// record puts a piece of a message into a record.
func record(piece []byte) []byte {
	return append([]byte{handshake, 3, 1, byte(len(piece) >> 8), byte(len(piece))}, piece...)
}

// message makes a ClientHello with extensions.
func message(extensions ...[]byte) []byte {
	body := append([]byte{3, 3}, make([]byte, randomBytes)...)
	body = append(body, 0, 0, 2, 0x13, 1, 1, 0)
	all := bytes.Join(extensions, nil)
	body = append(body, byte(len(all)>>8), byte(len(all)))
	body = append(body, all...)
	return append([]byte{clientHello, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

func extension(kind uint16, content []byte) []byte {
	return append([]byte{byte(kind >> 8), byte(kind), byte(len(content) >> 8), byte(len(content))}, content...)
}

// names is an extension with names of hosts.
func names(list ...string) []byte {
	var all []byte
	for _, n := range list {
		all = append(all, 0, byte(len(n)>>8), byte(len(n)))
		all = append(all, n...)
	}
	return extension(serverName, append([]byte{byte(len(all) >> 8), byte(len(all))}, all...))
}

func TestTheNameOfAHelloIsRead(t *testing.T) {
	t.Parallel()
	whole := helloOf(t, &tls.Config{ServerName: "A.example.com"})
	plain := message(names("a.example.com"))
	var cut []byte
	for _, b := range plain {
		cut = append(cut, record([]byte{b})...)
	}
	for name, tc := range map[string]struct {
		sent []byte
		want string // "-" is a refusal
	}{
		"crypto/tls":                  {whole, "a.example.com"},
		"crypto/tls of 1.2":           {helloOf(t, &tls.Config{ServerName: "b", MaxVersion: tls.VersionTLS12}), "b"},
		"crypto/tls without a name":   {helloOf(t, &tls.Config{ServerName: "127.0.0.1"}), ""},
		"by itself":                   {record(plain), "a.example.com"},
		"a byte a record":             {cut, "a.example.com"},
		"no extensions":               {record(message()), ""},
		"two names":                   {record(message(names("a", "b"))), "-"},
		"the extension twice":         {record(message(names("a"), names("a"))), "-"},
		"another extension twice":     {record(message(extension(9, nil), names("a"), extension(9, nil))), "-"},
		"no name in it":               {record(message(names())), "-"},
		"an empty name":               {record(message(names(""))), "-"},
		"a final dot":                 {record(message(names("a."))), "-"},
		"an address":                  {record(message(names("192.0.2.1"))), "-"},
		"an address in brackets":      {record(message(names("[::1]"))), "-"},
		"a port":                      {record(message(names("a:443"))), "-"},
		"a byte that no name has":     {record(message(names("a\x00.example.com"))), "-"},
		"a name of 300 bytes":         {record(message(names(strings.Repeat("a", 300)))), "-"},
		"something after the message": {record(append(bytes.Clone(plain), 0)), "-"},
		"a record of nothing":         {append([]byte{handshake, 3, 1, 0, 0}, record(plain)...), "-"},
		"no handshake":                {append([]byte{23, 3, 1, 0, 1}, 1), "-"},
		"SSL 2":                       {[]byte{0x80, 0x2e, 1, 3, 1, 0, 0x15}, "-"},
		"HTTP":                        {[]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "-"},
		"a longer list than there is": {record(message(extension(serverName, []byte{0, 9, 0, 0, 1, 'a'}))), "-"},
		"a kind of name nobody knows": {record(message(extension(serverName, []byte{0, 4, 1, 0, 1, 'a'}))), "-"},
		"more than 16 KiB":            {append(record(append([]byte{clientHello, 0, 0x50, 0}, make([]byte, 0x2000)...)), record(make([]byte, 0x3004))...), "-"},
		"a message of 16 MiB":         {record([]byte{clientHello, 0xff, 0xff, 0xff}), "-"},
		"another message":             {record([]byte{2, 0, 0, 0}), "-"},
		"the end":                     {record(plain[:20]), "-"},
	} {
		behind := strings.Repeat("x", 9)
		in := bytes.NewReader(append(bytes.Clone(tc.sent), behind...))
		got, read, err := ReadHello(in)
		if tc.want == "-" {
			if err == nil {
				t.Errorf("%s: got %q", name, got)
			}
			continue
		}
		if err != nil || got != tc.want || !bytes.Equal(read, tc.sent) || in.Len() != len(behind) {
			t.Errorf("%s: got %q, %d bytes, %v, want %q", name, got, len(read), err, tc.want)
		}
	}
}

// FuzzReadHello: never more is read than the bound; whatever is taken is read by
// crypto/tls with the same name, or not at all; and cut elsewhere it is the same.
func FuzzReadHello(f *testing.F) {
	// Short ones: what go test does to shorten an input takes the square of its length, and
	// a key against quantum computers is 1,200 bytes.
	f.Add(helloOf(f, &tls.Config{ServerName: "a.example.com", CurvePreferences: []tls.CurveID{tls.X25519}}))
	f.Add(helloOf(f, &tls.Config{ServerName: "b", MaxVersion: tls.VersionTLS12}))
	f.Add(record(message(names("a.example.com"))))
	f.Add(record(message(extension(9, nil), names("a", "b"))))
	f.Fuzz(func(t *testing.T, sent []byte) {
		name, read, err := ReadHello(bytes.NewReader(sent))
		if len(read) > len(sent) || !bytes.Equal(read, sent[:len(read)]) || len(read) > (maxHello+1)*(1+recordHeader)+maxRecord {
			t.Fatalf("%d bytes were read", len(read))
		}
		if err != nil {
			return
		}
		seen := "none"
		stop := errors.New("seen")
		server := tls.Server(&canned{in: bytes.NewReader(read)}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			seen = strings.ToLower(h.ServerName)
			return nil, stop
		}})
		if err := server.HandshakeContext(t.Context()); errors.Is(err, stop) && seen != name {
			t.Fatalf("got %q, crypto/tls sees %q", name, seen)
		}
		var again []byte
		for at := 0; at < len(read); {
			n := int(binary.BigEndian.Uint16(read[at+3:]))
			piece := read[at+recordHeader : at+recordHeader+n]
			again = append(again, record(piece[:len(piece)/2+1])...)
			if rest := piece[len(piece)/2+1:]; len(rest) > 0 {
				again = append(again, record(rest)...)
			}
			at += recordHeader + n
		}
		if other, _, err := ReadHello(bytes.NewReader(again)); err != nil || other != name {
			t.Fatalf("cut elsewhere: got %q, %v, want %q", other, err, name)
		}
	})
}

// canned is a connection of bytes that nobody answers.
type canned struct{ in io.Reader }

func (c *canned) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *canned) Write(p []byte) (int, error)      { return len(p), nil }
func (c *canned) Close() error                     { return nil }
func (c *canned) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }
