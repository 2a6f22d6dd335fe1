// SPDX-License-Identifier: Apache-2.0

// Package address finds the network addresses that a configured value names:
// URLs, pairs of host and port, connection strings of databases and brokers, and
// bare host names where the key says that one is expected.
//
// It reads text and knows no cluster. Whether a name is a Service, and whether a
// find counts at all, is decided by generator/manifests, its only caller. It
// never returns a user name, a password, a path or a query, takes time linear in
// the text, and returns at most MaxFound addresses.
package address

import (
	"net/netip"
	"strings"
)

// MaxFound bounds the addresses of one value. The longest list that an operator
// writes by hand is tens of brokers; a value of thousands is data.
const MaxFound = 512

// Form says how an address is written: what makes it look like one.
type Form uint8

// The forms, the weakest first.
const (
	Word       Form = iota // "carts"
	Pair                   // "carts:80", "carts 80"
	URL                    // "http://carts/items"
	Connection             // "host=carts port=5432", "app@tcp(carts:3306)/shop"
)

// Address is one address in a value.
type Address struct {
	Host    string     // in lower case, without a dot at its end; empty for an IP
	IP      netip.Addr // of a literal
	Port    uint16     // as it is written; 0 when it is not
	Implied uint16     // by the scheme or the kind of connection; 0 when nothing implies one
	Wrong   bool       // what a URL has for a port is a number and no port; Port is 0 then
	NoHost  bool       // what a URL has for a host is written as an IP address and is none; Host and IP are empty then
	UDP     bool       // the scheme says so
	Records bool       // the host has SRV records, which name the hosts to connect to
	Form    Form
	Plain   bool   // the host has no letter in upper case
	Whole   bool   // the value is nothing but addresses, and no text around them
	Key     string // nearest key inside a text, "upstream" in "upstream: http://carts"; empty outside of texts
	Line    int    // inside a text, from 1; 0 outside of texts
}

// finder collects the addresses of one value.
type finder struct {
	found []Address
	seen  map[Address]bool
	base  Address // fields that every find gets
}

func (f *finder) add(a Address) {
	a.Whole, a.Key, a.Line = f.base.Whole, f.base.Key, f.base.Line
	if len(f.found) >= MaxFound {
		return
	}
	same := a
	same.Line = 0
	if f.seen[same] {
		return
	}
	if f.seen == nil {
		f.seen = map[Address]bool{}
	}
	f.seen[same] = true
	f.found = append(f.found, a)
}

func (f *finder) full() bool { return len(f.found) >= MaxFound }

// Find returns the addresses in a value. One of several lines, or in JSON, is
// read as a text. Every bare name in a list comes back as a Word: whether the key
// is one of an address is for the caller to ask (Classify).
func Find(value string) []Address {
	f := finder{base: Address{Whole: true}}
	f.value(value)
	return f.found
}

// Script returns the addresses in a piece of shell.
func Script(text string) []Address {
	f := finder{}
	f.text(text)
	return f.found
}

// File returns the addresses in a file. One of a single line may still be a file.
func File(content string) []Address {
	f := finder{}
	f.text(content)
	return f.found
}

// URLs is Find for values that may be secret: only what is written as a URL
// counts, and nothing whose user part could be taken for a host.
func URLs(value string) []Address {
	value = strings.TrimSpace(value)
	f := finder{base: Address{Whole: !strings.ContainsAny(value, " \t\n")}}
	f.urls(value, true)
	return f.found
}
