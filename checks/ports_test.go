// SPDX-License-Identifier: Apache-2.0

package checks

import (
	"strings"
	"testing"
)

func TestSensitiveProtocolReadsTheFirstWord(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"redis":                       "Redis",
		"REDIS":                       "Redis",
		"tcp-redis":                   "Redis",
		"tls-mongo-shard":             "MongoDB",
		"kubernetes.io/ldap":          "LDAP",
		"http":                        "",
		"http-redis":                  "",
		"tcp-tcp-redis":               "",
		"redistribution":              "",
		"":                            "",
		"-":                           "",
		"tcp":                         "",
		"tcp-":                        "",
		"example.com/":                "",
		strings.Repeat("redis", 1000): "",
	} {
		if got, ok := SensitiveProtocol(name); got != want || ok != (want != "") {
			t.Errorf("SensitiveProtocol(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestNoPortIsBothSensitiveAndAmbiguous(t *testing.T) {
	t.Parallel()
	table := DefaultSensitivePorts()
	if len(table) < 100 || len(ambiguousPorts) == 0 {
		t.Fatalf("the tables have %d and %d ports", len(table), len(ambiguousPorts))
	}
	for port, what := range table {
		if port < 1 || port > 65535 || what == "" {
			t.Errorf("port %d: %q", port, what)
		}
		if AmbiguousPorts(port) != nil {
			t.Errorf("port %d is in both tables", port)
		}
	}
	for port, list := range ambiguousPorts {
		for _, a := range list {
			if a.What == "" || len(a.Signs) == 0 {
				t.Errorf("port %d: %+v has no name or no sign", port, a)
			}
			for _, s := range a.Signs {
				if s == "" || s != strings.ToLower(s) {
					t.Errorf("port %d: sign %q is empty or not lower case", port, s)
				}
			}
		}
	}
	for name := range sensitiveProtocols {
		if len(name) > longestProtocol || name != strings.ToLower(name) {
			t.Errorf("protocol %q is not lower case or longer than %d", name, longestProtocol)
		}
	}
	table[80] = "mine"
	if DefaultSensitivePorts()[80] != "" {
		t.Error("the caller's change of the map changed the table")
	}
}
