// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/http2"
)

// framed are streams of HTTP/2 that a gateway must not turn into other requests of
// HTTP/1.1.
func framed() []stream {
	all := map[string]func(*framer){}
	maps.Copy(all, framedBodies())
	maps.Copy(all, framedHeads())
	var out []stream
	for _, name := range slices.Sorted(maps.Keys(all)) {
		send := all[name]
		out = append(out, stream{name: "http2/" + name, http2: func(f *framer) {
			send(f)
			f.head(101, f.request("GET", "/after"), true)
		}})
	}
	return append(out, stream{name: "http2/ordinary", must: 3, http2: func(f *framer) {
		f.head(1, f.request("GET", "/ordinary/1"), true)
		f.head(3, f.request("POST", "/ordinary/3", "content-length", "5"), false)
		f.data(3, "hello", true)
		f.head(5, f.request("POST", "/ordinary/5"), false)
		f.data(5, "hello", true)
	}})
}

// framedBodies have bodies of another length than is said, or that end oddly.
func framedBodies() map[string]func(*framer) {
	out := map[string]func(*framer){}
	for name, length := range (group{
		"less": "0", "less than all": "2", "more": "500", "right": fmt.Sprint(len(hidden)), "plus": fmt.Sprintf("+%d", len(hidden)), "minus": "-1", "list": fmt.Sprintf("%[1]d, %[1]d", len(hidden)), "empty": "", "hexadecimal": fmt.Sprintf("0x%x", len(hidden)),
		"zeros": fmt.Sprintf("000%d", len(hidden)), "space": fmt.Sprintf(" %d", len(hidden)), "huge": "18446744073709551616", "letters": "five", "zero byte": fmt.Sprintf("%d\x00", len(hidden)), "LF": fmt.Sprintf("%d\ntransfer-encoding: chunked", len(hidden)),
	}) {
		out["length, "+name] = func(f *framer) {
			f.head(1, f.request("POST", "/post", "content-length", length), false)
			f.data(1, hidden, true)
		}
		out["length, "+name+", GET"] = func(f *framer) {
			f.head(1, f.request("GET", "/get", "content-length", length), false)
			f.data(1, hidden, true)
		}
		out["length, "+name+", no body"] = func(f *framer) {
			f.head(1, f.request("POST", "/post", "content-length", length), true)
		}
	}
	out["two lengths"] = func(f *framer) {
		f.head(1, f.request("POST", "/post", "content-length", "0", "content-length", fmt.Sprint(len(hidden))), false)
		f.data(1, hidden, true)
	}
	out["two lengths alike"] = func(f *framer) {
		f.head(1, f.request("POST", "/post", "content-length", fmt.Sprint(len(hidden)), "content-length", fmt.Sprint(len(hidden))), false)
		f.data(1, hidden, true)
	}
	out["length by underscore"] = func(f *framer) {
		f.head(1, f.request("POST", "/post", "content_length", "0"), false)
		f.data(1, hidden, true)
	}
	out["no length"] = func(f *framer) {
		f.head(1, f.request("POST", "/post"), false)
		f.data(1, "0\r\n\r\n"+hidden, true)
	}
	out["no length, in pieces"] = func(f *framer) {
		f.head(1, f.request("POST", "/post"), false)
		for i := range hidden {
			f.data(1, hidden[i:i+1], false)
		}
		f.data(1, "", true)
	}
	out["a body that is given up"] = func(f *framer) {
		f.head(1, f.request("POST", "/post"), false)
		f.data(1, "0\r\n\r\n"+hidden, false)
		_ = f.WriteRSTStream(1, http2.ErrCodeCancel)
	}
	out["a body that is given up, with a length"] = func(f *framer) {
		f.head(1, f.request("POST", "/post", "content-length", "500"), false)
		f.data(1, hidden, false)
		_ = f.WriteRSTStream(1, http2.ErrCodeCancel)
	}
	out["early answer"] = func(f *framer) {
		f.head(1, f.request("POST", "/early", "content-length", fmt.Sprint(len(hidden))), false)
		f.data(1, hidden, true)
	}
	out["early answer, no length"] = func(f *framer) {
		f.head(1, f.request("POST", "/early"), false)
		f.data(1, hidden, true)
	}
	out["expect"] = func(f *framer) {
		f.head(1, f.request("POST", "/post", "expect", "100-continue", "content-length", fmt.Sprint(len(hidden))), false)
		f.data(1, hidden, true)
	}
	out["padding"] = func(f *framer) {
		f.head(1, f.request("POST", "/post", "content-length", "2"), false)
		f.raw(http2.FrameData, http2.FlagDataEndStream|http2.FlagDataPadded, 1, string([]byte{byte(len(hidden))})+"hi"+hidden)
	}
	for name, line := range map[string][2]string{
		"plain": {"x-sum", "1"}, "length": {"content-length", "0"}, "coding": {"transfer-encoding", "chunked"}, "host": {"host", "admin"}, "client": {"x-forwarded-for", "9.9.9.9"}, "path": {":path", "/smuggled"}, "LF": {"x", "a\r\n\r\n" + hidden}, "upper": {"X-Sum", "1"}, "id": {"x-request-id", "forged"}, "name with LF": {"x: y\r\n\r\n" + hidden, "z"},
	} {
		for _, announced := range []string{"", line[0], "x-other"} {
			out["trailer, "+name+", announced: "+announced] = func(f *framer) {
				var more []string
				if announced != "" {
					more = []string{"trailer", announced}
				}
				f.head(1, f.request("POST", "/post", more...), false)
				f.data(1, "hello", false)
				f.head(1, f.fields(line[0], line[1]), true)
			}
		}
	}
	return out
}

// framedHeads have lines that mean something else in HTTP/1.1.
func framedHeads() map[string]func(*framer) {
	out := map[string]func(*framer){}
	const break1, break2 = "\r\nX-Hidden: 1", "\r\n\r\n" + hidden
	for name, line := range map[string][2]string{
		"coding": {"transfer-encoding", "chunked"}, "coding by underscore": {"transfer_encoding", "chunked"}, "coding, upper": {"Transfer-Encoding", "chunked"}, "coding, space": {"transfer-encoding ", "chunked"}, "connection": {"connection", "close"}, "connection nominates": {"connection", "x-forwarded-for"},
		"keep-alive": {"keep-alive", "timeout=5"}, "proxy-connection": {"proxy-connection", "keep-alive"}, "upgrade": {"upgrade", "h2c"}, "websocket": {"upgrade", "websocket"}, "te": {"te", "chunked"}, "te trailers": {"te", "trailers"}, "settings": {"http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"},
		"host": {"host", "shop"}, "other host": {"host", "admin"}, "host with LF": {"host", "shop" + break1}, "name with LF": {"x: y" + break1, "z"}, "name with a request": {"x: y" + break2, "z"}, "value with CR LF": {"x", "y" + break1}, "value with a request": {"x", "y" + break2}, "value with LF": {"x", "y\nX-Hidden: 1"},
		"value with CR": {"x", "y\rX-Hidden: 1"}, "value with zero": {"x", "y\x00z"}, "name with a colon": {"x:y", "z"}, "name with a space": {"x y", "z"}, "empty name": {"", "z"}, "name with a tab": {"x\t", "z"}, "name with zero": {"x\x00", "z"}, "name with bytes": {"x\xff", "z"}, "coding in a name": {"transfer-encoding: chunked\r\nx", "y"}, "space before a value": {"x", " y"}, "tab after a value": {"x", "y\t"},
		"client": {"x-forwarded-for", "9.9.9.9"}, "client by underscore": {"x_forwarded_for", "9.9.9.9"}, "id": {"x-request-id", "forged"}, "unknown pseudo": {":smuggled", "1"}, "protocol": {":protocol", "websocket"}, "status": {":status", "200"}, "second path": {":path", "/smuggled"}, "second method": {":method", "POST"}, "second authority": {":authority", "admin"}, "cookie": {"cookie", "a=b"},
	} {
		out["line, "+name] = func(f *framer) { f.head(1, f.request("GET", "/get", line[0], line[1]), true) }
		out["line, "+name+", with a body"] = func(f *framer) {
			f.head(1, f.request("POST", "/post", line[0], line[1]), false)
			f.data(1, "0\r\n\r\n"+hidden, true)
		}
	}
	for i, path := range []string{
		"", "*", "get", "?a", "#a", "/get HTTP/1.1" + break1, "/get HTTP/1.1" + break2, "/a b", "/a\tb", "/a\r\nb", "/a\nb", "/a\x00b", "/a#b", "/a?b#c", "/a?b c", "/a?b\r\nX: y", "//admin", "/x/../admin", "/x/..%2fadmin", "/x/%2e%2e/admin", "/x\\..\\admin", "/%00", "/%252e", "http://shop/a", "http://admin/a", "shop:80", "/a\x7f", "/\xff", "/a;b", "/..;/admin", "/" + strings.Repeat("a", 9000),
	} {
		out["path, "+name(i, path[:min(len(path), 100)])] = func(f *framer) { f.head(1, f.request("GET", path), true) }
	}
	for i, authority := range []string{
		"", "SHOP", "shop:80", "shop:", "admin@shop", "shop/admin", "shop admin", "shop" + break1, "shop\x00", "shop, admin", "shop:80:80", "[::1]", "[::1", "sh%6fp", "*", "shop#", "shop?",
	} {
		out["authority, "+name(i, authority)] = func(f *framer) {
			f.head(1, f.fields(":method", "GET", ":scheme", "http", ":path", "/get", ":authority", authority), true)
		}
		out["authority, "+name(i, authority)+", and a host"] = func(f *framer) {
			f.head(1, f.fields(":method", "GET", ":scheme", "http", ":path", "/get", ":authority", authority, "host", "shop"), true)
		}
	}
	for i, method := range []string{
		"", "get", "CONNECT", "TRACE", "GET /smuggled HTTP/1.1\r\nHost: shop\r\n\r\nGET", "GET /smuggled", "G T", "GET\r\n", "GET\x00", "OPTIONS", "HEAD", "PRI", "SMUGGLE", "GET:",
	} {
		out["method, "+name(i, method)] = func(f *framer) { f.head(1, f.request(method, "/get"), true) }
		out["method, "+name(i, method)+", with a body"] = func(f *framer) {
			f.head(1, f.request(method, "/post"), false)
			f.data(1, hidden, true)
		}
		out["method, "+name(i, method)+", of *"] = func(f *framer) { f.head(1, f.request(method, "*"), true) }
	}
	for i, scheme := range []string{"", "https", "HTTP", "ftp", "http://admin/", "http\r\nX: y", "javascript"} {
		out["scheme, "+name(i, scheme)] = func(f *framer) {
			f.head(1, f.fields(":method", "GET", ":scheme", scheme, ":path", "/get", ":authority", "shop"), true)
		}
	}
	out["no authority but a host"] = func(f *framer) {
		f.head(1, f.fields(":method", "GET", ":scheme", "http", ":path", "/get", "host", "shop"), true)
	}
	out["two hosts"] = func(f *framer) {
		f.head(1, f.fields(":method", "GET", ":scheme", "http", ":path", "/get", "host", "shop", "host", "admin"), true)
	}
	out["pseudo-headers last"] = func(f *framer) {
		f.head(1, f.fields("x", "y", ":method", "GET", ":scheme", "http", ":path", "/get", ":authority", "shop"), true)
	}
	out["CONNECT with a body"] = func(f *framer) {
		f.head(1, f.fields(":method", "CONNECT", ":authority", "shop:80"), false)
		f.data(1, hidden, true)
	}
	out["CONNECT for a websocket"] = func(f *framer) {
		f.head(1, f.fields(":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/get", ":authority", "shop"), false)
		f.data(1, hidden, true)
	}
	out["five at once"] = func(f *framer) {
		for i := range uint32(5) {
			f.head(2*i+1, f.request("POST", fmt.Sprintf("/post/%d", i)), false)
		}
		for i := range uint32(5) {
			f.data(2*(4-i)+1, fmt.Sprintf("body of %d", 4-i), true)
		}
	}
	return out
}
