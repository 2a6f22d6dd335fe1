// SPDX-License-Identifier: Apache-2.0

package notation

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// Entry is an end and ports: "shop/web:8080".
type Entry struct {
	Peer  generator.Peer   // as ParsePeer reads it
	Ports []generator.Port // as ParsePorts reads them; none when the entry says none
}

var errBrackets = errors.New("an IPv6 address before a port stands in brackets: [2001:db8::]:443")

// ParseEntry reads an end, with ":" and ports behind it or without: "shop/web:8080",
// "dns", "10.0.0.0/8:8080-8090", "service/shop/carts:http", "[2001:db8::/32]:443".
func ParseEntry(text string) (Entry, error) {
	end, ports, cut := text, "", false
	if !isAddresses(text) {
		if i := strings.LastIndexByte(text, ':'); i >= 0 {
			end, ports, cut = text[:i], text[i+1:], true
		}
		inside, open := strings.CutPrefix(end, "[")
		if inside, closed := strings.CutSuffix(inside, "]"); open && closed && isAddresses(inside) && cut {
			end = inside
		} else if cut && isAddresses(end) && strings.Contains(end, ":") {
			return Entry{}, fmt.Errorf("%q: %w", Shortened(text), errBrackets)
		}
	}
	var e Entry
	var err error
	if e.Peer, err = ParsePeer(end); err != nil {
		return Entry{}, err
	}
	if cut {
		if e.Ports, err = ParsePorts(ports); err != nil {
			return Entry{}, err
		}
	}
	return e, nil
}

func isAddresses(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	_, err := netip.ParsePrefix(text)
	return err == nil
}

// Split returns the entries of a list, which stand on lines or between commas,
// without the spaces around them; empty ones are left out.
func Split(text string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
