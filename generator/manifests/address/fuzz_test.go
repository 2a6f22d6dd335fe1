// SPDX-License-Identifier: Apache-2.0

package address

import (
	"strings"
	"testing"
)

// FuzzFind shows that no value makes Find panic or return what is no host, that
// it returns at most MaxFound, and that no user part gets out of a strict URL.
func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		"", "a:1,b:2", "http://", "://", "://://", "http://u:p@[::1]:80/x", "jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(HOST=db)(PORT=1521)))", "tcp(tcp(", "Server=tcp:a,1433;",
		"host: db\nport: 5432\n", "mongodb://u:p@a:1,b:2,c/db", "{\"url\":\"http://a\"}", "nc -z db 5432", "[", "[::", "=====", "-h", "$(A)$(B", "\x00:1", "é:1", "@@@:1@", "jdbc:sqlserver://a\\b:1433",
		strings.Repeat("a:1,", 700), strings.Repeat("(", 300) + "=", strings.Repeat("http://a:1,", 90),
	} {
		f.Add("DB_HOST", seed)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		for _, list := range [][]Address{Find(value), Script(value), URLs(value)} {
			if len(list) > MaxFound {
				t.Fatalf("%d addresses", len(list))
			}
			for _, a := range list {
				if a.IP.IsValid() == (a.Host != "") {
					t.Fatalf("%+v: a name or an address", a)
				}
				if a.Host != "" && (a.Host != strings.ToLower(a.Host) || strings.ContainsAny(a.Host, " @/:?#$()") || len(a.Host) > 253) {
					t.Fatalf("%q is no host", a.Host)
				}
			}
		}
		Classify(key)
		PortKey(key)
		ProductPort(key)
	})
}
