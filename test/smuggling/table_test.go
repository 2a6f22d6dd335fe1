// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// group is a list of streams by name.
type group map[string]string

// table is every stream that was written by hand or made of a spelling.
func table() []stream {
	var out []stream
	for _, g := range []struct {
		name string
		of   group
	}{
		{"coding", codings()},
		{"length", lengths()},
		{"chunk", chunks()},
		{"line", lineEnds()},
		{"request-line", requestLines()},
		{"host", hosts()},
		{"connection", connections()},
		{"expect", expectations()},
		{"trailer", trailers()},
		{"pipeline", pipelines()},
		{"alias", aliases()},
		{"path", paths()},
		{"query", queries()},
	} {
		for _, name := range slices.Sorted(maps.Keys(g.of)) {
			out = append(out, stream{name: g.name + "/" + name, bytes: g.of[name]})
		}
	}
	// In pieces, what is split may fall between two reads.
	for i := range out {
		out[i].piece = []int{0, 0, 0, 1, 7, 64}[i%6]
	}
	return out
}

const (
	crlf   = "\r\n"
	hidden = "GET /smuggled HTTP/1.1\r\nHost: shop\r\nX-Hidden: 1\r\n\r\n"
	atShop = "Host: shop\r\n"
	after  = "GET /after HTTP/1.1\r\nHost: shop\r\n\r\n"
)

// post is a request with header lines, each with its end, and a body.
func post(lines, body string) string {
	return "POST /post HTTP/1.1\r\n" + atShop + lines + crlf + body
}

func get(target string) string { return "GET " + target + " HTTP/1.1\r\n" + atShop + crlf }

const chunkedLine = "Transfer-Encoding: chunked\r\n"

// spellings are ways to say, or nearly to say, that a body is chunked.
var spellings = group{
	"plain":               "Transfer-Encoding: chunked\r\n",
	"without space":       "Transfer-Encoding:chunked\r\n",
	"space after":         "Transfer-Encoding: chunked \r\n",
	"tab before":          "Transfer-Encoding:\tchunked\r\n",
	"tab after":           "Transfer-Encoding: chunked\t\r\n",
	"space before colon":  "Transfer-Encoding : chunked\r\n",
	"tab before colon":    "Transfer-Encoding\t: chunked\r\n",
	"upper value":         "Transfer-Encoding: CHUNKED\r\n",
	"mixed value":         "Transfer-Encoding: chunKed\r\n",
	"lower name":          "transfer-encoding: chunked\r\n",
	"upper name":          "TRANSFER-ENCODING: chunked\r\n",
	"xchunked":            "Transfer-Encoding: xchunked\r\n",
	"chunk":               "Transfer-Encoding: chunk\r\n",
	"cow":                 "Transfer-Encoding: cow\r\n",
	"identity":            "Transfer-Encoding: identity\r\n",
	"chunked, identity":   "Transfer-Encoding: chunked, identity\r\n",
	"identity, chunked":   "Transfer-Encoding: identity, chunked\r\n",
	"gzip, chunked":       "Transfer-Encoding: gzip, chunked\r\n",
	"chunked, chunked":    "Transfer-Encoding: chunked, chunked\r\n",
	"comma after":         "Transfer-Encoding: chunked,\r\n",
	"comma before":        "Transfer-Encoding: ,chunked\r\n",
	"parameter":           "Transfer-Encoding: chunked;q=1\r\n",
	"quoted":              "Transfer-Encoding: \"chunked\"\r\n",
	"single quotes":       "Transfer-Encoding: 'chunked'\r\n",
	"empty":               "Transfer-Encoding:\r\n",
	"two lines":           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	"then cow":            "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n",
	"cow first":           "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n",
	"then empty":          "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n",
	"folded by space":     "Transfer-Encoding:\r\n chunked\r\n",
	"folded by tab":       "Transfer-Encoding:\r\n\tchunked\r\n",
	"folded after":        "Transfer-Encoding: chunked\r\n , identity\r\n",
	"in a fold":           "X: y\r\n Transfer-Encoding: chunked\r\n",
	"space before name":   " Transfer-Encoding: chunked\r\n",
	"vertical tab":        "Transfer-Encoding: \x0bchunked\r\n",
	"form feed":           "Transfer-Encoding: \x0cchunked\r\n",
	"no-break space":      "Transfer-Encoding: \xa0chunked\r\n",
	"zero before value":   "Transfer-Encoding: \x00chunked\r\n",
	"zero after value":    "Transfer-Encoding: chunked\x00\r\n",
	"zero after name":     "Transfer-Encoding\x00: chunked\r\n",
	"behind bare LF":      "X: y\nTransfer-Encoding: chunked\r\n",
	"behind bare CR":      "X: y\rTransfer-Encoding: chunked\r\n",
	"ends in CR CR LF":    "Transfer-Encoding: chunked\r\r\n",
	"ends in LF":          "Transfer-Encoding: chunked\n",
	"underscore":          "Transfer_Encoding: chunked\r\n",
	"dot":                 "Transfer.Encoding: chunked\r\n",
	"no hyphen":           "TransferEncoding: chunked\r\n",
	"prefix":              "X-Transfer-Encoding: chunked\r\n",
	"soft hyphen":         "Transfer\xadEncoding: chunked\r\n",
	"two colons":          "Transfer-Encoding:: chunked\r\n",
	"equals":              "Transfer-Encoding= chunked\r\n",
	"TE":                  "TE: chunked\r\n",
	"content-encoding":    "Content-Encoding: chunked\r\n",
	"long s":              "Tran\u017ffer-Encoding: chunked\r\n",
	"kelvin":              "Transfer-Encoding: chun\u212aed\r\n",
	"nominated":           "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n",
	"after an empty name": ": x\r\nTransfer-Encoding: chunked\r\n",
}

// codings have each spelling beside a length: the body ends at one place for who goes
// by the length and at another for who goes by the coding.
func codings() group {
	out := group{}
	for name, te := range spellings {
		body := "0\r\n\r\n" + hidden
		short := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)
		out[name+", no length"] = post(te, "5\r\nhello\r\n0\r\n\r\n"+after)
		out[name+", length first"] = post(fmt.Sprintf("Content-Length: %d\r\n", len(body))+te, body+after)
		out[name+", length last"] = post(te+fmt.Sprintf("Content-Length: %d\r\n", strings.Index(short, "\n")+1), short+after)
	}
	out["of HTTP/1.0"] = "POST /post HTTP/1.0\r\n" + atShop + chunkedLine + "Connection: keep-alive\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + after
	out["of HTTP/1.0 with a length"] = "POST /post HTTP/1.0\r\n" + atShop + chunkedLine + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n" + hidden
	out["of GET"] = "GET /get HTTP/1.1\r\n" + atShop + chunkedLine + "\r\n5\r\nhello\r\n0\r\n\r\n" + after
	out["of HEAD"] = "HEAD /head HTTP/1.1\r\n" + atShop + chunkedLine + "\r\n5\r\nhello\r\n0\r\n\r\n" + after
	out["of OPTIONS *"] = "OPTIONS * HTTP/1.1\r\n" + atShop + chunkedLine + "\r\n5\r\nhello\r\n0\r\n\r\n" + after
	return out
}

// lengths are ways to say a length of 5, or nearly.
func lengths() group {
	out := group{}
	for name, line := range (group{
		"plain": "Content-Length: 5", "zeros": "Content-Length: 0005", "plus": "Content-Length: +5", "minus": "Content-Length: -5", "minus 0": "Content-Length: -0",
		"space within": "Content-Length: 5 5", "comma": "Content-Length: 5,5", "comma and space": "Content-Length: 5, 5", "two in a list": "Content-Length: 5, 6",
		"comma after": "Content-Length: 5,", "comma before": "Content-Length: ,5", "semicolon": "Content-Length: 5;5", "hexadecimal": "Content-Length: 0x5",
		"octal": "Content-Length: 0o5", "point": "Content-Length: 5.0", "exponent": "Content-Length: 5e0", "underscore": "Content-Length: 0_5", "empty": "Content-Length:",
		"space": "Content-Length: ", "quoted": "Content-Length: \"5\"", "zero byte": "Content-Length: 5\x00", "vertical tab": "Content-Length: \x0b5", "tab before": "Content-Length:\t5",
		"space after": "Content-Length: 5 ", "wide": "Content-Length: \uff15", "2^32+5": "Content-Length: 4294967301", "2^63": "Content-Length: 9223372036854775808",
		"2^64+5": "Content-Length: 18446744073709551621", "20 digits": "Content-Length: 00000000000000000005", "two lines": "Content-Length: 5\r\nContent-Length: 5",
		"two others": "Content-Length: 5\r\nContent-Length: 0", "0 first": "Content-Length: 0\r\nContent-Length: 5", "folded": "Content-Length:\r\n 5", "folded digits": "Content-Length: 5\r\n 0",
		"space before colon": "Content-Length : 5", "alias": "Content_Length: 5", "dot": "Content.Length: 5", "alias too": "Content-Length: 5\r\nContent_Length: 0",
		"nominated": "Content-Length: 5\r\nConnection: content-length", "nominated and close": "Content-Length: 5\r\nConnection: close, Content-Length", "letter": "Content-Length: 5x",
		"bare LF": "Content-Length: 5\nX: y", "bare CR": "X: y\rContent-Length: 5", "not a number": "Content-Length: five", "infinity": "Content-Length: Infinity",
	}) {
		out[name] = post(line+crlf, "hello"+hidden)
		out[name+", GET"] = "GET /get HTTP/1.1\r\n" + atShop + line + "\r\n\r\nhello" + hidden
	}
	out["less than there is"] = post("Content-Length: 2\r\n", "hello"+hidden)
	out["more than there is"] = post("Content-Length: 500\r\n", "hello"+hidden)
	out["0, with a body"] = post("Content-Length: 0\r\n", hidden)
	out["none, with a body"] = post("", hidden)
	out["early answer"] = "POST /early HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + after
	out["early answer to much"] = "POST /early HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", 600*len(hidden)) + strings.Repeat(hidden, 600) + after
	out["early answer to chunks"] = "POST /early HTTP/1.1\r\n" + atShop + chunkedLine + crlf + strings.Repeat(fmt.Sprintf("%x\r\n%s\r\n", len(hidden), hidden), 20) + "0\r\n\r\n" + after
	out["early answer, body cut"] = "POST /early HTTP/1.1\r\n" + atShop + "Content-Length: 60000\r\n\r\n" + hidden
	return out
}

// chunks are bodies whose chunks are not quite such.
func chunks() group {
	out := group{}
	for name, body := range (group{
		"plain": "5\r\nhello\r\n0\r\n\r\n", "zeros": "00005\r\nhello\r\n000\r\n\r\n", "upper": "A\r\n0123456789\r\n0\r\n\r\n", "lower": "a\r\n0123456789\r\n0\r\n\r\n",
		"0x": "0x5\r\nhello\r\n0\r\n\r\n", "plus": "+5\r\nhello\r\n0\r\n\r\n", "minus": "-5\r\nhello\r\n0\r\n\r\n", "space before": " 5\r\nhello\r\n0\r\n\r\n", "space after": "5 \r\nhello\r\n0\r\n\r\n",
		"tab after": "5\t\r\nhello\r\n0\r\n\r\n", "underscore": "0_5\r\nhello\r\n0\r\n\r\n", "letter": "5g\r\nhello\r\n0\r\n\r\n", "empty size": "\r\nhello\r\n0\r\n\r\n",
		"LF after size": "5\nhello\r\n0\r\n\r\n", "CR after size": "5\rhello\r\n0\r\n\r\n", "LF after data": "5\r\nhello\n0\r\n\r\n", "no end of data": "5\r\nhello0\r\n\r\n",
		"more data": "5\r\nhello!\r\n0\r\n\r\n", "less data": "5\r\nhell\r\n0\r\n\r\n", "two bytes for an end": "5\r\nhelloXX0\r\n\r\n", "LF at the end": "5\r\nhello\r\n0\r\n\n", "LF LF": "5\r\nhello\r\n0\n\n",
		"17 digits": "00000000000000005\r\nhello\r\n0\r\n\r\n", "2^64+5": "10000000000000005\r\nhello\r\n0\r\n\r\n", "2^64-1": "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", "2^63": "8000000000000000\r\nhello\r\n0\r\n\r\n",
		"2^32+5": "100000005\r\nhello\r\n0\r\n\r\n", "extension": "5;a=b\r\nhello\r\n0\r\n\r\n", "quoted extension": "5;a=\"b;c\"\r\nhello\r\n0;x\r\n\r\n", "extension with LF": "5;a\nhello\r\n0\r\n\r\n",
		"extension with CR": "5;a\rb\r\nhello\r\n0\r\n\r\n", "extension hides a chunk": "5;\n0\r\nhello\r\n0\r\n\r\n" + hidden, "extension with zero": "5;\x00\r\nhello\r\n0\r\n\r\n",
		"quote over the line": "5;a=\"\r\nhello\r\n0\r\n\r\n", "space and extension": "5 ;a\r\nhello\r\n0\r\n\r\n", "empty extension": "5;\r\nhello\r\n0;\r\n\r\n", "long extension": "5;" + strings.Repeat("a", 250) + "\r\nhello\r\n0\r\n\r\n",
		"longer extension": "5;" + strings.Repeat("a", 5000) + "\r\nhello\r\n0\r\n\r\n", "many extensions": strings.Repeat("1;"+strings.Repeat("a", 200)+"\r\nx\r\n", 300) + "0\r\n\r\n",
		"last twice": "0\r\n\r\n0\r\n\r\n", "cut after size": "5\r\n", "cut in data": "5\r\nhel", "cut before the end": "5\r\nhello\r\n0\r\n", "nothing": "", "chunk with a request": fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden),
		"CR at the end": "5\r\nhello\r\n0\r\n\r", "wide digit": "\uff15\r\nhello\r\n0\r\n\r\n", "comma": "5,5\r\nhello\r\n0\r\n\r\n", "zero byte": "5\x00\r\nhello\r\n0\r\n\r\n", "colon": "5: x\r\nhello\r\n0\r\n\r\n",
	}) {
		out[name] = post(chunkedLine, body+hidden)
	}
	return out
}
