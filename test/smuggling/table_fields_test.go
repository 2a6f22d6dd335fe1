// SPDX-License-Identifier: Apache-2.0

package smuggling

import (
	"fmt"
	"strings"
)

// with are GET and POST with more header lines.
func with(out group, name, lines string) {
	out[name] = "GET /a HTTP/1.1\r\n" + atShop + lines + crlf + after
	out[name+", with a body"] = post(lines+fmt.Sprintf("Content-Length: %d\r\n", len(hidden)), hidden+after)
}

// connections have header lines of one connection, and names that are made such.
func connections() group {
	out := group{}
	for name, lines := range (group{
		"close": "Connection: close\r\n", "keep-alive": "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", "both": "Connection: keep-alive, close\r\n", "two lines": "Connection: keep-alive\r\nConnection: close\r\n", "CLOSE": "Connection: CLOSE\r\n",
		"nominates host": "Connection: Host\r\n", "nominates length": "Connection: Content-Length\r\n", "nominates the client": "Connection: X-Forwarded-For\r\nX-Forwarded-For: 9.9.9.9\r\n", "nominates an id": "Connection: X-Request-Id\r\nX-Request-Id: forged\r\n",
		"nominates credentials": "Connection: Authorization, Cookie\r\nAuthorization: Basic YTpi\r\nCookie: a=b\r\n", "nominates itself": "Connection: Connection\r\n", "nominates all": "Connection: *\r\n", "nominates by underscore": "Connection: X_Forwarded_For\r\n",
		"nominates expect": "Connection: Expect\r\nExpect: 100-continue\r\n", "nominates in two lines": "Connection: X-A\r\nX-A: 1\r\nConnection: X-B\r\nX-B: 2\r\n", "nominates with quotes": "Connection: \"X-A\"\r\nX-A: 1\r\n", "nothing": "Connection:\r\n", "commas": "Connection: ,,,close,\r\n",
		"proxy": "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic YTpi\r\n", "keep-alive alone": "Keep-Alive: timeout=5, max=1000\r\n", "te": "TE: trailers\r\nConnection: TE\r\n", "te of codings": "TE: gzip, chunked, trailers;q=0.5\r\nConnection: TE\r\n",
		"h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "h2c alone": "Upgrade: h2c\r\n", "h2c of Connection": "Connection: Upgrade\r\nUpgrade: h2c\r\n", "h2": "Connection: Upgrade\r\nUpgrade: h2\r\n",
		"websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n", "websocket without key": "Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket 777": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 777\r\n",
		"websocket and h2c": "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", "websocket in two lines": "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", "WebSocket upper": "Connection: UPGRADE\r\nUpgrade: WEBSOCKET\r\n", "upgrade to 1.0": "Connection: Upgrade\r\nUpgrade: HTTP/1.0\r\n",
		"TLS": "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n", "settings alone": "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "settings nominated": "Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "max-forwards": "Max-Forwards: 0\r\n", "via": "Via: 1.0 fred\r\n", "range": "Range: bytes=0-0\r\n",
	}) {
		with(out, name, lines)
	}
	out["h2c and its frames"] = "GET /a HTTP/1.1\r\n" + atShop + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	out["websocket and frames"] = "GET /a HTTP/1.1\r\n" + atShop + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x05hello" + hidden
	out["websocket and chunks"] = post("Connection: Upgrade\r\nUpgrade: websocket\r\n"+chunkedLine, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)+after)
	out["close and more"] = "GET /a HTTP/1.1\r\n" + atShop + "Connection: close\r\n\r\n" + hidden
	return out
}

// expectations are forms of Expect.
func expectations() group {
	out := group{}
	for name, lines := range (group{
		"100": "Expect: 100-continue\r\n", "upper": "Expect: 100-CONTINUE\r\n", "two lines": "Expect: 100-continue\r\nExpect: 100-continue\r\n", "list": "Expect: 100-continue, 100-continue\r\n", "other": "Expect: 200-ok\r\n", "100 and other": "Expect: 100-continue, x=y\r\n",
		"other first": "Expect: x=y\r\nExpect: 100-continue\r\n", "empty": "Expect:\r\n", "prefix": "Expect: y 100-continue\r\n", "parameter": "Expect: 100-continue;q=1\r\n", "zero": "Expect: 100-continue\x00\r\n", "folded": "Expect:\r\n 100-continue\r\n", "space before": "Expect : 100-continue\r\n",
	}) {
		with(out, name, lines)
		out[name+", early"] = "POST /early HTTP/1.1\r\n" + atShop + lines + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + after
		out[name+", chunks"] = post(lines+chunkedLine, fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)+after)
	}
	out["of HTTP/1.0"] = "POST /a HTTP/1.0\r\n" + atShop + "Expect: 100-continue\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello" + after
	out["0 bytes"] = post("Expect: 100-continue\r\nContent-Length: 0\r\n", after)
	out["HEAD"] = "HEAD /a HTTP/1.1\r\n" + atShop + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + after
	return out
}

// trailers say something after a body that belongs before it.
func trailers() group {
	out := group{}
	for name, line := range (group{
		"plain": "X-Sum: 1", "length": "Content-Length: 5", "coding": "Transfer-Encoding: chunked", "host": "Host: admin", "client": "X-Forwarded-For: 9.9.9.9", "id": "X-Request-Id: forged", "credentials": "Authorization: Basic YTpi", "cookie": "Cookie: admin=1", "trailer": "Trailer: X",
		"connection": "Connection: close", "type": "Content-Type: text/html", "expect": "Expect: 100-continue", "override": "X-HTTP-Method-Override: DELETE", "alias": "X_Forwarded_For: 9.9.9.9", "original": "X-Original-URL: /smuggled", "upgrade": "Upgrade: h2c", "request": "GET /smuggled HTTP/1.1",
		"no colon": "X", "space before colon": "X : y", "folded": "X: y\r\n z", "bare LF": "X: y\nZ: z", "bare CR": "X: y\rZ: z", "zero": "X: \x00", "empty name": ": y", "many": strings.Repeat("X: y\r\n", 101) + "X: z", "long": "X: " + strings.Repeat("a", 66_000), "proxy": "Proxy-Authorization: x", "te": "TE: chunked",
	}) {
		out[name] = post(chunkedLine, "5\r\nhello\r\n0\r\n"+line+"\r\n\r\n"+after)
		at, _, _ := strings.Cut(line, ":")
		out[name+", announced"] = post(chunkedLine+"Trailer: "+strings.TrimSpace(at)+crlf, "5\r\nhello\r\n0\r\n"+line+"\r\n\r\n"+after)
		out[name+", another announced"] = post(chunkedLine+"Trailer: X-Other\r\n", "5\r\nhello\r\n0\r\n"+line+"\r\n\r\n"+after)
	}
	out["announced without chunks"] = post("Trailer: X\r\nContent-Length: 5\r\n", "hello"+after)
	out["announced, all of them"] = post(chunkedLine+"Trailer: Content-Length, Host, Transfer-Encoding\r\n", "0\r\nContent-Length: 5\r\n\r\n"+after)
	return out
}

// pipelines are several requests at once.
func pipelines() group {
	out := group{
		"two":                     get("/a") + get("/b"),
		"twenty":                  strings.Repeat(get("/a"), 20),
		"bodies":                  strings.Repeat(post("Content-Length: 5\r\n", "hello")+post(chunkedLine, "5\r\nhello\r\n0\r\n\r\n"), 5),
		"the second is wrong":     get("/a") + "GET /b HTTP/1.1\nHost: shop\n\n" + hidden,
		"the second is CL and TE": get("/a") + post("Content-Length: 5\r\n"+chunkedLine, "0\r\n\r\n"+hidden),
		"cut in the second":       get("/a") + "GET /b HTTP/1.1\r\nHo",
		"cut in a body":           get("/a") + post("Content-Length: 50\r\n", "hel"),
		"HEAD and GET":            "HEAD /a HTTP/1.1\r\n" + atShop + crlf + get("/b") + "HEAD /c HTTP/1.1\r\n" + atShop + crlf + after,
		"HEAD with a body":        "HEAD /a HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + after,
		"GET with a body":         "GET /a HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + after,
		"DELETE with chunks":      "DELETE /a HTTP/1.1\r\n" + atShop + chunkedLine + "\r\n5\r\nhello\r\n0\r\n\r\n" + after,
		"OPTIONS with a body":     "OPTIONS /a HTTP/1.1\r\n" + atShop + "Content-Length: 5\r\n\r\nhello" + after,
		"OPTIONS * with a body":   "OPTIONS * HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + after,
		"a body of 100 KiB":       post("Content-Length: 102400\r\n", strings.Repeat("GET /smug", 102400/9+1)[:102400]+after),
		"chunks of 100 KiB":       post(chunkedLine, "19000\r\n"+strings.Repeat("GET /smug", 102400/9+1)[:102400]+"\r\n0\r\n\r\n"+after),
		"refused, then one":       "POST /a%00 HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + hidden,
		"TRACE with a body":       "TRACE /a HTTP/1.1\r\n" + atShop + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + hidden,
		"CONNECT with a body":     "CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden + hidden,
		"early, then another":     "POST /early HTTP/1.1\r\n" + atShop + "Content-Length: 5\r\n\r\nhello" + get("/b"),
		"early, twenty":           strings.Repeat("POST /early HTTP/1.1\r\n"+atShop+chunkedLine+"\r\n5\r\nhello\r\n0\r\n\r\n", 20),
		"a stray zero chunk":      get("/a") + "0\r\n\r\n" + hidden,
		"a response":              get("/a") + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" + hidden,
	}
	return out
}

// aliases are names that some servers take for others.
func aliases() group {
	out := group{}
	for name, lines := range (group{
		"client by underscore": "X_Forwarded_For: 9.9.9.9\r\n", "client by dots": "X.Forwarded.For: 9.9.9.9\r\n", "client": "X-Forwarded-For: 9.9.9.9\r\n", "clients": "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\n", "forwarded": "Forwarded: for=9.9.9.9\r\n",
		"scheme": "X-Forwarded-Proto: https\r\n", "scheme by underscore": "X_Forwarded_Proto: https\r\n", "prefix": "X-Forwarded-Prefix: /admin\r\n", "port": "X-Forwarded-Port: 443\r\n", "uri": "X-Forwarded-Uri: /admin\r\n", "real": "X-Real-IP: 9.9.9.9\r\n", "true": "True-Client-IP: 9.9.9.9\r\n",
		"user": "X.Authenticated.User: admin\r\n", "method": "X-HTTP-Method-Override: DELETE\r\n", "method by underscore": "X_HTTP_Method_Override: DELETE\r\n", "url": "X-Original-URL: /smuggled\r\n", "rewrite": "X-Rewrite-URL: /smuggled\r\n", "id": "X-Request-Id: forged\r\n", "ids": "X-Request-Id: a\r\nX-Request-Id: b\r\n",
		"id by underscore": "X_Request_Id: forged\r\n", "two credentials": "Authorization: Basic YTpi\r\nAuthorization: Basic YTpj\r\n", "two types": "Content-Type: a/b\r\nContent-Type: c/d\r\n", "two cookies": "Cookie: a=b\r\nCookie: a=c\r\n", "odd names": "X!a: 1\r\nX#b: 2\r\nX$c: 3\r\nX%d: 4\r\nX&e: 5\r\nX'f: 6\r\nX*g: 7\r\nX+h: 8\r\nX^i: 9\r\nX`j: 10\r\nX|k: 11\r\nX~l: 12\r\n",
		"host by underscore": "X_Host: admin\r\nHTTP_HOST: admin\r\n", "accept": "Accept: */*\r\nAccept: text/html\r\n", "empty value": "X-A:\r\n", "spaces": "X-A:   b   \r\n", "bytes": "X-A: \xe4\xf6\xfc\r\n", "proxy": "Proxy: http://evil/\r\n", "quotes": "X-A: \"a\\\"b\"\r\n", "saw": "X-Saw: forged\r\n",
	}) {
		with(out, name, lines)
	}
	return out
}
