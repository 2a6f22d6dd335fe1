// SPDX-License-Identifier: Apache-2.0

package smuggling

import "strconv"

// paths are targets that half of all servers take for another path.
func paths() group {
	out := group{}
	for i, target := range []string{
		"/", "//", "///", "//admin", "/public//admin", "/public///admin/", "/./admin", "/public/./admin", "/public/../admin", "/public/../../admin", "/../admin", "/..", "/.", "/public/..", "/public/.", "/public/../", "/public/./", "/...", "/.../admin", "/public/.../admin", "/..admin", "/admin..", "/.admin",
		"/%2e/admin", "/%2E/admin", "/public/%2e%2e/admin", "/public/%2E%2E/admin", "/public/.%2e/admin", "/public/%2e./admin", "/public/%2e%2e%2fadmin", "/%2e%2e/%2e%2e/admin", "/public/..%2fadmin", "/public/..%2Fadmin", "/public%2f..%2fadmin", "/%2fadmin", "/%2f%2fadmin", "/public%2Fadmin",
		"/public/..%5cadmin", "/public/..%5Cadmin", "/public%5c..%5cadmin", "/%5cadmin", "/public\\..\\admin", "/\\admin", "\\admin", "/public/..\\admin", "/..;/admin", "/public/..;/admin", "/public/..;x=y/admin", "/public/.;/admin", "/;/admin", "/public;/admin", "/public;x/..;/admin", "/admin;.css", "/admin;", "/public/%3b/admin", "/public/..%3b/admin", "/admin%3b.css",
		"/%00", "/admin%00", "/admin%00.css", "/%0a", "/admin%0aX:y", "/admin%0d%0aX:y", "/%0d%0aX-Hidden:%201", "/%01", "/%1f", "/%7f", "/%20", "/admin%20", "/%09admin", "/admin%09",
		"/%252e%252e/admin", "/public/%252e%252e/admin", "/%252fadmin", "/%255cadmin", "/%25", "/%2525", "/%25%32%65", "/%%32%65", "/%%", "/%", "/%2", "/%g0", "/%0g", "/%zz", "/%u002e%u002e/admin", "/%u2215admin", "/%x2e", "/%2 e/", "/a%2",
		"/%c0%ae%c0%ae/admin", "/%c0%af", "/%c1%9c", "/%e0%80%af", "/%e0%40%ae", "/%f0%80%80%af", "/%ff", "/%fe%ff", "/%ed%a0%80", "/%c3", "/%c3%28", "/%ef%bc%8f", "/%e2%88%95", "/%e2%80%ae", "/\xc0\xae\xc0\xae/admin", "/\xc3\xa4", "/\xff", "/%c3%a4", "/\xef\xbc\x8e\xef\xbc\x8e/admin", "/%ef%bc%8e%ef%bc%8e/admin",
		"/admin#", "/admin#x", "/public#/../admin", "/#", "/public%23/../admin", "/public%3f/../admin", "/public%3F", "/a%26b", "/a&b", "/a=b", "/a+b", "/a%2bb", "/a@b", "/a:b", "/:80/a", "/a,b", "/a!b", "/a'b", "/a(b)", "/a*b", "/a$b", "/~a", "/a~b", "/a|b", "/a^b", "/a`b", "/a{b}", "/a[b]", "/a<b>", "/a\"b",
		"/ADMIN", "/Admin", "/%41dmin", "/%61dmin", "/ad%6din", "/%61%64%6d%69%6e", "/%2561dmin", "/admin/", "/admin//", "/admin/.", "/admin/..", "/admin/../", "/admin/x/..", "/admin/./", "/admin%2f", "/admin%2e", "/admin.", "/admin..", "/admin%20/", "/admin.css", "/admin/.css", "/admin~1", "/admin::$DATA",
		"/a/b/c/../../../admin", "/a/b/../c/./../../admin", "/a/b/c/../../../../admin", "/a//../admin", "/a//..//admin", "/a/%2e/b/%2e%2e/admin", "/a/./%2e/../admin", "/http://admin/", "/http:%2f%2fadmin", "/@admin", "/a@admin/", "/?", "/??", "/a?b?c", "/a?", "/early/../admin", "/%65arly", "/x/%2e%2e/early",
	} {
		out[name(i, target)] = get(target) + after
	}
	return out
}

// queries are what may stand behind a path, or seem to.
func queries() group {
	out := group{}
	for i, query := range []string{
		"", "a", "a=b", "a=b&c=d", "a=b;c=d", "a=b?c=d", "?", "a=b#c", "#", "a=%", "a=%2", "a=%zz", "a=%00", "a=%0d%0aX:%20y", "a=%2e%2e/", "a=../admin", "/../admin", "a=\x80", "a=\xff", "a=\"b\"", "a=<b>", "a=\\b", "a=b c", "a=b\tc", "a=b%20c", "a=b+c", "a=[b]", "a={b}", "a=|b", "a=^b", "a=`b",
		"a=%252e", "a=%u002e", "a=http://admin/", "a==b", "&&&", "=", "a=b&a=c", "%61=b", "a\x00=b", "a=\x7f", "a=b HTTP/1.1", "a=b%26c=d", "a=b%23c", "%3f", "a=b&", "&a=b",
	} {
		out[name(i, query)] = get("/a?"+query) + after
	}
	return out
}

func name(i int, s string) string { return strconv.Itoa(i) + " " + strconv.QuoteToASCII(s) }
