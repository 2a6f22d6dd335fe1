// SPDX-License-Identifier: Apache-2.0

package tcp

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// maxHello is the longest ClientHello: 16 KiB, and those of today's browsers with
// keys against quantum computers have 2.
const maxHello = 16 << 10

// ErrHello says that a client does not begin with a ClientHello as RFC 8446 has it,
// sections 4.1.2, 4.2 and 5.1. It never says what it was.
var ErrHello = errors.New("no ClientHello")

// Parts of the protocol.
const (
	recordHeader  = 5
	maxRecord     = 1 << 14
	handshake     = 22
	clientHello   = 1
	serverName    = 0
	hostName      = 0
	randomBytes   = 32
	maxSession    = 32
	maxExtensions = 64 // of which no client sends half
)

// ReadHello reads the first message of a client of TLS, and not a byte more. It
// returns the name that is asked for, in lower case, "" for none, and all that was
// read, which the backend is to get.
func ReadHello(r io.Reader) (name string, read []byte, err error) {
	var message []byte
	for {
		at := len(read)
		if read, err = more(r, read, recordHeader); err != nil {
			return "", read, err
		}
		head := read[at:]
		n := int(binary.BigEndian.Uint16(head[3:]))
		if head[0] != handshake || head[1] != 3 || n == 0 || n > maxRecord || len(message)+n > maxHello {
			return "", read, ErrHello
		}
		if read, err = more(r, read, n); err != nil {
			return "", read, err
		}
		message = append(message, read[at+recordHeader:]...)
		if message[0] != clientHello {
			return "", read, ErrHello
		}
		if len(message) < 4 {
			continue // a client may cut it anywhere
		}
		size := int(message[1])<<16 | int(message[2])<<8 | int(message[3])
		switch {
		case size > maxHello-4 || len(message) > 4+size: // or something after it, before any answer
			return "", read, ErrHello
		case len(message) == 4+size:
			name, ok := nameOf(message[4:])
			if !ok {
				return "", read, ErrHello
			}
			return name, read, nil
		}
	}
}

// more reads n bytes behind what there is.
func more(r io.Reader, to []byte, n int) ([]byte, error) {
	at := len(to)
	to = append(to, make([]byte, n)...)
	got, err := io.ReadFull(r, to[at:])
	return to[:at+got], err
}

// part is what is left of a message.
type part []byte

// take cuts n bytes off, and tells whether there were so many.
func (p *part) take(n int) (part, bool) {
	if n > len(*p) {
		return nil, false
	}
	out := (*p)[:n]
	*p = (*p)[n:]
	return out, true
}

// vector cuts off what begins with its own length, of so many bytes.
func (p *part) vector(lengthBytes int) (part, bool) {
	length, ok := p.take(lengthBytes)
	if !ok {
		return nil, false
	}
	n := 0
	for _, b := range length {
		n = n<<8 | int(b)
	}
	return p.take(n)
}

// nameOf reads the body of a ClientHello.
func nameOf(body part) (name string, ok bool) {
	if _, ok = body.take(2 + randomBytes); !ok {
		return "", false
	}
	session, ok := body.vector(1)
	if !ok || len(session) > maxSession {
		return "", false
	}
	if suites, ok := body.vector(2); !ok || len(suites) < 2 || len(suites)%2 != 0 {
		return "", false
	}
	if methods, ok := body.vector(1); !ok || len(methods) == 0 {
		return "", false
	}
	if len(body) == 0 {
		return "", true // TLS 1.2 without extensions
	}
	extensions, ok := body.vector(2)
	if !ok || len(body) != 0 {
		return "", false
	}
	seen := make(map[uint16]bool, maxExtensions)
	for len(extensions) > 0 {
		kind, ok := extensions.take(2)
		if !ok {
			return "", false
		}
		content, ok := extensions.vector(2)
		k := binary.BigEndian.Uint16(kind)
		if !ok || seen[k] || len(seen) == maxExtensions {
			return "", false
		}
		seen[k] = true
		if k != serverName {
			continue
		}
		if name, ok = hostOf(content); !ok {
			return "", false
		}
	}
	return name, true
}

// hostOf reads the one name of an extension (RFC 6066, section 3): of a host, and
// no address.
func hostOf(content part) (string, bool) {
	list, ok := content.vector(2)
	if !ok || len(content) != 0 {
		return "", false
	}
	kind, ok := list.take(1)
	if !ok || kind[0] != hostName {
		return "", false
	}
	raw, ok := list.vector(2)
	if !ok || len(list) != 0 || len(raw) == 0 || raw[len(raw)-1] == '.' {
		return "", false
	}
	name, port, refusal := request.Host(string(raw))
	if refusal != nil || port != "" {
		return "", false
	}
	if _, err := netip.ParseAddr(name); err == nil || raw[0] == '[' {
		return "", false
	}
	return name, true
}
