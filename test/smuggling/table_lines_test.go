// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"fmt"
	"maps"
	"strings"
)

// lineEnds have something else where CR LF should be, or something in between.
func lineEnds() group {
	out := group{
		"LF everywhere":          "GET /a HTTP/1.1\nHost: shop\n\n" + after,
		"LF after request line":  "GET /a HTTP/1.1\nHost: shop\r\n\r\n" + after,
		"LF after host":          "GET /a HTTP/1.1\r\nHost: shop\n\r\n" + after,
		"LF for the empty line":  "GET /a HTTP/1.1\r\nHost: shop\r\n\n" + after,
		"LF CR":                  "GET /a HTTP/1.1\n\rHost: shop\n\r\n\r" + after,
		"CR everywhere":          "GET /a HTTP/1.1\rHost: shop\r\r" + after,
		"CR CR LF":               "GET /a HTTP/1.1\r\r\nHost: shop\r\n\r\n" + after,
		"CR for the empty line":  "GET /a HTTP/1.1\r\nHost: shop\r\n\r" + hidden,
		"CR LF CR":               "GET /a HTTP/1.1\r\nHost: shop\r\n\rX: y\r\n\r\n" + after,
		"empty line before":      "\r\n" + get("/a"),
		"two empty lines before": "\r\n\r\n" + get("/a") + after,
		"LF before":              "\n" + get("/a"),
		"space before":           " " + get("/a"),
		"zero before":            "\x00" + get("/a"),
		"BOM before":             "\xef\xbb\xbf" + get("/a"),
		"empty line between":     get("/a") + "\r\n" + hidden,
		"LF between":             get("/a") + "\n" + hidden,
		"space between":          get("/a") + " " + hidden,
		"zero between":           get("/a") + "\x00" + hidden,
		"no end of a head":       "GET /a HTTP/1.1\r\nHost: shop\r\nX: ",
		"no colon":               "GET /a HTTP/1.1\r\nHost: shop\r\nX\r\n\r\n" + hidden,
		"a line of spaces":       "GET /a HTTP/1.1\r\nHost: shop\r\n  \r\n\r\n" + hidden,
		"empty name":             "GET /a HTTP/1.1\r\nHost: shop\r\n: y\r\n\r\n" + hidden,
		"NEL in a value":         "GET /a HTTP/1.1\r\nHost: shop\r\nX: a\x85GET /smuggled HTTP/1.1\r\n\r\n" + after,
		"line separator":         "GET /a HTTP/1.1\r\nHost: shop\r\nX: a\u2028GET /smuggled HTTP/1.1\r\n\r\n" + after,
		"low byte of LF":         "GET /a HTTP/1.1\r\nHost: shop\r\nX: a\u010d\u010aGET /smuggled HTTP/1.1\r\n\r\n" + after,
		"long line":              "GET /a HTTP/1.1\r\nHost: shop\r\nX: " + strings.Repeat("a", 70_000) + "\r\n\r\n" + hidden,
		"60 KiB":                 "GET /a HTTP/1.1\r\nHost: shop\r\nX: " + strings.Repeat("a", 60_000) + "\r\n\r\n" + after,
		"101 lines":              "GET /a HTTP/1.1\r\nHost: shop\r\n" + strings.Repeat("X: a\r\n", 101) + "\r\n" + hidden,
		"99 lines":               "GET /a HTTP/1.1\r\nHost: shop\r\n" + strings.Repeat("X: a\r\n", 98) + "\r\n" + after,
	}
	for name, in := range (group{"zero": "\x00", "CR": "\r", "LF": "\n", "tab": "\t", "vertical tab": "\x0b", "escape": "\x1b", "delete": "\x7f", "space": " ", "CR LF": "\r\n", "CR LF space": "\r\n ", "byte 160": "\xa0", "byte 255": "\xff"}) {
		out[name+" in a value"] = "GET /a HTTP/1.1\r\nHost: shop\r\nX: a" + in + "Y: b\r\n\r\n" + after
		out[name+" in a name"] = "GET /a HTTP/1.1\r\nHost: shop\r\nX" + in + "Y: b\r\n\r\n" + after
		out[name+" before a colon"] = "GET /a HTTP/1.1\r\nHost: shop\r\nX" + in + ": b\r\n\r\n" + after
		out[name+" after a value"] = "GET /a HTTP/1.1\r\nHost: shop\r\nX: b" + in + "\r\n\r\n" + after
		out[name+" in a path"] = get("/a" + in + "b")
		out[name+" in a method"] = "GE" + in + "T /a HTTP/1.1\r\nHost: shop\r\n\r\n" + after
		out[name+" before a line"] = "GET /a HTTP/1.1\r\nHost: shop\r\n" + in + "X: b\r\n\r\n" + after
	}
	return out
}

// requestLines are first lines of requests, or nearly.
func requestLines() group {
	out := group{}
	for name, line := range (group{
		"HTTP/0.9": "GET /a", "HTTP/0.9 with a space": "GET /a ", "0.9 by name": "GET /a HTTP/0.9", "1.2": "GET /a HTTP/1.2", "1.10": "GET /a HTTP/1.10", "1.1.": "GET /a HTTP/1.1.", "01.1": "GET /a HTTP/01.1",
		"1.0": "GET /a HTTP/1.0", "2.0": "GET /a HTTP/2.0", "1": "GET /a HTTP/1", "lower": "GET /a http/1.1", "space after": "GET /a HTTP/1.1 ", "tab after": "GET /a HTTP/1.1\t", "two spaces": "GET  /a HTTP/1.1",
		"two spaces then": "GET /a  HTTP/1.1", "tabs": "GET\t/a\tHTTP/1.1", "form feed": "GET /a\x0cHTTP/1.1", "four words": "GET /a x HTTP/1.1", "two versions": "GET /a HTTP/1.1 HTTP/1.1", "two targets": "GET /a HTTP/1.1 /smuggled HTTP/1.1",
		"get": "get /a HTTP/1.1", "Get": "Get /a HTTP/1.1", "gET": "gET /a HTTP/1.1", "no method": " /a HTTP/1.1", "unknown method": "SMUGGLE /a HTTP/1.1", "QUERY": "QUERY /a HTTP/1.1", "hyphen": "M-SEARCH /a HTTP/1.1",
		"underscore": "A_B /a HTTP/1.1", "digits": "GET2 /a HTTP/1.1", "colon": "GET: /a HTTP/1.1", "braces": "{GET} /a HTTP/1.1", "PRI": "PRI /a HTTP/1.1", "PRI *": "PRI * HTTP/2.0", "PRI * 1.1": "PRI * HTTP/1.1", "SOURCE": "SOURCE /a HTTP/1.1",
		"CONNECT": "CONNECT shop:443 HTTP/1.1", "CONNECT path": "CONNECT /a HTTP/1.1", "connect": "connect shop:443 HTTP/1.1", "TRACE": "TRACE /a HTTP/1.1", "TRACK": "TRACK /a HTTP/1.1", "DEBUG": "DEBUG /a HTTP/1.1",
		"OPTIONS *": "OPTIONS * HTTP/1.1", "GET *": "GET * HTTP/1.1", "no slash": "GET a HTTP/1.1", "only a query": "GET ?a HTTP/1.1", "only a fragment": "GET #a HTTP/1.1", "authority": "GET shop:80 HTTP/1.1", "long method": "GET" + strings.Repeat("T", 300) + " /a HTTP/1.1",
		"long path": "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1", "path of 8000": "GET /" + strings.Repeat("a", 8000) + " HTTP/1.1",
		"empty": "", "garbage": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "SSH": "SSH-2.0-x",
	}) {
		out[name] = line + "\r\nHost: shop\r\n\r\n" + hidden
		out[name+", POST"] = strings.Replace(line, "GET", "POST", 1) + fmt.Sprintf("\r\nHost: shop\r\nContent-Length: %d\r\n\r\n", len(hidden)) + hidden + after
	}
	maps.Copy(out, group{
		"preface":                     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"preface and a host":          "PRI * HTTP/2.0\r\nHost: shop\r\n\r\nGET /smuggled HTTP/1.1\nHost: shop\n\n",
		"half a preface":              "PRI * HTTP/2.0\r\n\r\n" + hidden,
		"a preface that goes astray":  "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + hidden,
		"a preface and bare LF":       "PRI * HTTP/2.0\r\n\r\nGET /smuggled HTTP/1.1\nHost: shop\n\n",
		"preface after a request":     get("/a") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"preface as a body":           post("Content-Length: 24\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"+after),
		"1.0, kept alive":             "GET /a HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n" + after,
		"1.0, kept alive with a body": "POST /a HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello" + after,
		"1.0 without a host":          "GET /a HTTP/1.0\r\n\r\n" + hidden,
		"1.0, with Proxy-Connection":  "GET /a HTTP/1.0\r\nHost: shop\r\nProxy-Connection: keep-alive\r\n\r\n" + hidden,
	})
	return out
}

// hosts are ways to say which host is asked.
func hosts() group {
	out := group{
		"none":                    "GET /a HTTP/1.1\r\n\r\n" + hidden,
		"two":                     "GET /a HTTP/1.1\r\nHost: shop\r\nHost: admin\r\n\r\n" + hidden,
		"two alike":               "GET /a HTTP/1.1\r\nHost: shop\r\nHost: shop\r\n\r\n" + hidden,
		"other case of two":       "GET /a HTTP/1.1\r\nHost: shop\r\nhost: admin\r\n\r\n" + hidden,
		"folded":                  "GET /a HTTP/1.1\r\nHost:\r\n shop\r\n\r\n" + hidden,
		"in a fold":               "GET /a HTTP/1.1\r\nX: y\r\n Host: admin\r\nHost: shop\r\n\r\n" + hidden,
		"space before the first":  "GET /a HTTP/1.1\r\n Host: admin\r\nHost: shop\r\n\r\n" + hidden,
		"space before colon":      "GET /a HTTP/1.1\r\nHost : admin\r\nHost: shop\r\n\r\n" + hidden,
		"forwarded host":          "GET /a HTTP/1.1\r\nHost: shop\r\nX-Forwarded-Host: admin\r\nX-Host: admin\r\n\r\n" + after,
		"nominated":               "GET /a HTTP/1.1\r\nHost: shop\r\nConnection: Host\r\n\r\n" + after,
		"nominated with a second": "GET /a HTTP/1.1\r\nHost: shop\r\nConnection: Host, close\r\nX-Forwarded-Host: admin\r\n\r\n" + hidden,
	}
	for name, value := range (group{
		"empty": "", "upper": "SHOP", "final dot": "shop.", "two dots": "shop..", "port": "shop:80", "port 0": "shop:0", "no port": "shop:", "long port": "shop:080", "port of letters": "shop:http", "two ports": "shop:80:80",
		"port and path": "shop:80/admin", "userinfo": "admin@shop", "userinfo with port": "admin:80@shop", "list": "shop, admin", "space": "shop admin", "tab": "shop\tadmin", "path": "shop/admin", "query": "shop?admin", "fragment": "shop#admin",
		"escape": "sh%6fp", "underscore": "sh_op", "IPv6": "[::1]", "IPv6 port": "[::1]:80", "IPv6 open": "[::1", "IPv6 zone": "[fe80::1%25eth0]", "IPv6 long": "[0:0:0:0:0:0:0:1]", "IPv4": "127.0.0.1", "octal IPv4": "0177.0.0.1", "zero": "shop\x00admin",
		"bytes": "sh\xf6p", "wide": "\uff53hop", "backslash": "shop\\admin", "scheme": "http://shop", "quoted": "\"shop\"", "star": "*", "long": strings.Repeat("a", 254), "semicolon": "shop;admin", "hyphen": "-shop", "LF": "shop\nX: y", "CR": "shop\rX: y",
	}) {
		out["of "+name] = "GET /a HTTP/1.1\r\nHost: " + value + "\r\n\r\n" + after
		out["absolute, "+name] = "GET http://" + value + "/a HTTP/1.1\r\nHost: shop\r\n\r\n" + after
	}
	for name, target := range (group{
		"the same": "http://shop/a", "https": "https://shop/a", "upper": "HTTP://SHOP/a", "other": "http://admin/a", "no path": "http://shop", "only a query": "http://shop?a", "only a fragment": "http://shop#/admin", "ftp": "ftp://shop/a", "no authority": "http:///a",
		"one slash": "http:/a", "no slash": "http:a", "one slash and an authority": "http:/shop/a", "opaque with another": "http:a?b=http://admin/", "three slashes": "http:///shop/a", "backslashes": "http:\\\\shop\\a", "dots": "http://shop/x/../a", "no scheme": "//shop/a", "colon": "://shop/a",
		"at in the path": "http://shop/@admin", "at": "http://shop@admin/a", "at other": "http://admin@shop/a", "javascript": "javascript://shop/a", "ws": "ws://shop/a", "unix": "unix:/run/x.sock:/a", "in a path": "/http://admin/a", "file": "file:///etc/passwd",
	}) {
		out["target, "+name] = get(target) + after
	}
	return out
}
