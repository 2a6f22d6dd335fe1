// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// pieces are what parsers have disagreed about.
var pieces = []string{
	"\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\r\n\t", " ", "\t", "\x00", "\x0b", "\x0c", "\x7f", "\x85", "\xa0", "\xff", ":", ";", ",", "\"", "'", "#", "?", "%", "%00", "%0d%0a", "%2f", "%5c", "%2e%2e/", "/../", "//", "\\", "@", "=", "_", "-", "+", "0", "0x", "00",
	"\r\n\r\n", "0\r\n\r\n", "5\r\nhello\r\n", hidden, after, atShop, chunkedLine, "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: identity\r\n", "Connection: close\r\n", "Connection: Content-Length\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n", "Trailer: X\r\n",
	" HTTP/1.1", " HTTP/1.0", "HTTP/2.0", "http://shop", "http://admin", "GET", "POST", "HEAD", "chunked", "Content-Length", "Transfer-Encoding", "Host: admin\r\n", "X: y\r\n", "\u0130", "\u212a",
}

// mutations are streams that were made of others by chance, so many.
func mutations(r *rand.Rand, of []stream, count int) []stream {
	var seeds []stream
	for _, s := range of {
		if len(s.bytes) < 4<<10 {
			seeds = append(seeds, s)
		}
	}
	pick := func() stream { return seeds[r.IntN(len(seeds))] }
	out := make([]stream, count)
	for i := range out {
		from := pick()
		text := from.bytes
		for range 1 + r.IntN(4) {
			text = mutated(r, text, pick().bytes)
		}
		out[i] = stream{name: fmt.Sprintf("mutation %d of %s", i, from.name), bytes: text, piece: []int{0, 0, 0, 1, 5, 100}[r.IntN(6)]}
	}
	return out
}

// mutated changes a text in one way.
func mutated(r *rand.Rand, text, other string) string {
	if text == "" {
		return other
	}
	at := r.IntN(len(text))
	end := min(len(text), at+1+r.IntN(6))
	piece := pieces[r.IntN(len(pieces))]
	lines := strings.SplitAfter(text, "\n")
	switch r.IntN(11) {
	case 0: // something is put in
		return text[:at] + piece + text[at:]
	case 1: // something takes the place of something
		return text[:at] + piece + text[end:]
	case 2: // something is missing
		return text[:at] + text[end:]
	case 3: // a line comes twice
		i, to := r.IntN(len(lines)), r.IntN(len(lines))
		return strings.Join(lines[:to], "") + lines[i] + strings.Join(lines[to:], "")
	case 4: // two lines change places
		i, k := r.IntN(len(lines)), r.IntN(len(lines))
		lines[i], lines[k] = lines[k], lines[i]
		return strings.Join(lines, "")
	case 5: // a line ends otherwise
		i := r.IntN(len(lines))
		lines[i] = strings.TrimRight(lines[i], "\r\n") + []string{"\n", "\r", "\r\r\n", " \r\n", "\r\n\r\n", ""}[r.IntN(6)]
		return strings.Join(lines, "")
	case 6: // a line of another stream comes in
		foreign := strings.SplitAfter(other, "\n")
		i := r.IntN(len(lines))
		return strings.Join(lines[:i], "") + foreign[r.IntN(len(foreign))] + strings.Join(lines[i:], "")
	case 7: // the head of one, the body of another
		head, _, _ := strings.Cut(text, "\r\n\r\n")
		_, body, _ := strings.Cut(other, "\r\n\r\n")
		return head + "\r\n\r\n" + body
	case 8: // one behind another
		return text + other
	case 9: // another case
		if r.IntN(2) == 0 {
			return text[:at] + strings.ToUpper(text[at:end]) + text[end:]
		}
		return text[:at] + strings.ToLower(text[at:end]) + text[end:]
	default: // another byte
		return text[:at] + string([]byte{byte(r.IntN(256))}) + text[at+1:]
	}
}
