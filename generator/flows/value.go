// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"net/netip"
	"strconv"
	"time"
)

// bytes reads a string; any other value is passed over and gives nothing. They
// are valid until anything is read or asked for.
func (s *scanner) bytes() []byte {
	if s.next() != '"' {
		s.skip()
		return nil
	}
	return s.str()
}

// name reads a string that returns often: a name, a label. The same text gives
// the same memory.
func (s *scanner) name() string { return s.kept(s.bytes()) }

// kept returns the text as a string, and the same one the next time.
func (s *scanner) kept(text []byte) string {
	if len(text) == 0 {
		return ""
	}
	if known, ok := s.names[string(text)]; ok {
		return known
	}
	own := string(text)
	if len(text) <= maxName {
		if s.names == nil || len(s.names) >= maxNames {
			s.names = make(map[string]string, 1024)
		}
		s.names[own] = own
	}
	return own
}

// scalar reads a string or a number as text: protobuf writes numbers of 64 bits
// as strings.
func (s *scanner) scalar() []byte {
	switch s.next() {
	case '"':
		return s.str()
	case '0':
		begin := s.at
		s.skipNumber()
		return s.data[begin:s.at]
	}
	s.skip()
	return nil
}

// count reads a number that is not negative; anything else gives 0.
func (s *scanner) count() uint64 { return number(s.scalar()) }

// port reads a port; what is none gives 0.
func (s *scanner) port() uint16 {
	n := s.count()
	if n > 65535 {
		return 0
	}
	return uint16(n)
}

// number reads digits; anything else gives 0.
func number(text []byte) uint64 {
	if len(text) == 0 || len(text) > 20 {
		return 0
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// yes reads a boolean, or the words true and false in a string.
func (s *scanner) yes() Answer {
	switch s.next() {
	case 't':
		s.skip()
		return Yes
	case 'f':
		s.skip()
		return No
	}
	return answer(s.bytes())
}

func answer(text []byte) Answer {
	switch string(text) {
	case "true", "TRUE", "True", "yes", "1":
		return Yes
	case "false", "FALSE", "False", "no", "0":
		return No
	}
	return Unknown
}

// address reads an IP address; what is none gives the zero Addr.
func (s *scanner) address() netip.Addr { return s.parseAddress(s.bytes()) }

func (s *scanner) parseAddress(text []byte) netip.Addr {
	if len(text) == 0 {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s.kept(text))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// time reads an RFC 3339 time or, as a number, seconds since 1970; what is
// neither gives the zero time.
func (s *scanner) time() time.Time { return parseTime(s.scalar()) }

func parseTime(text []byte) time.Time {
	var t time.Time
	if t.UnmarshalText(text) == nil {
		return t.UTC()
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(seconds > 0 && seconds < maxSeconds) {
		return time.Time{}
	}
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*1e9)).UTC()
}

// maxSeconds is the year 2200: what is beyond it are milliseconds, and a clock
// that goes wrong.
const maxSeconds = 7258118400
