// SPDX-License-Identifier: Apache-2.0

package http1

// Classes of bytes.
const (
	queryByte = 1 << iota // what may stand in a request line after the method
	pathByte              // of that, what ends no path
	hostByte
)

var classes = func() (out [256]uint8) {
	for c := range 256 {
		b := byte(c)
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' {
			out[c] |= hostByte
		}
		if b > ' ' && b != 0x7f && b != '#' {
			out[c] |= queryByte
		}
		if b > ' ' && b != 0x7f && b != '#' && b != '?' {
			out[c] |= pathByte
		}
	}
	for _, b := range []byte("-._~!$&'()*+;=:[]%") {
		out[b] |= hostByte
	}
	return out
}()

func all(s string, class uint8) bool {
	for i := range len(s) {
		if classes[s[i]]&class == 0 {
			return false
		}
	}
	return true
}

func isPath(s string) bool  { return s != "" && s[0] == '/' && all(s, pathByte) }
func isQuery(s string) bool { return all(s, queryByte) }
func isHost(s string) bool  { return s != "" && all(s, hostByte) }
