// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestNamesThatAreKnownHaveAnAddressAndNoOtherDoes(t *testing.T) {
	t.Parallel()
	known, err := table([]string{"gate.svc.cluster.local=192.0.2.7"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		name    string
		kind    dnsmessage.Type
		code    dnsmessage.RCode
		address string
	}{
		"a name that is known":              {"gate.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, "192.0.2.7"},
		"in other letters":                  {"Gate.SVC.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, "192.0.2.7"},
		"it has no address of IPv6":         {"gate.svc.cluster.local.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, ""},
		"a name that is not":                {"other.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, ""},
		"one that ends as a known one does": {"a.gate.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := dnsmessage.Question{Name: dnsmessage.MustNewName(tc.name), Type: tc.kind, Class: dnsmessage.ClassINET}
			asked := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{q}}
			text, err := asked.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if text, err = reply(text, known); err != nil {
				t.Fatal(err)
			}
			var got dnsmessage.Message
			if err := got.Unpack(text); err != nil {
				t.Fatal(err)
			}
			address := ""
			for _, a := range got.Answers {
				if body, is := a.Body.(*dnsmessage.AResource); is {
					address = netip.AddrFrom4(body.A).String()
				}
			}
			if got.ID != 7 || !got.Response || got.RCode != tc.code || address != tc.address {
				t.Errorf("got %+v", got)
			}
			if _, err := reply(text, known); err == nil { // two of them would talk for ever
				t.Error("an answer is answered")
			}
		})
	}
}

func TestWhatIsNoQuestionIsNotAnswered(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{"nothing": nil, "noise": []byte("GET / HTTP/1.1\r\n\r\n"), "no question": make([]byte, 12)} {
		if out, err := reply(text, nil); err == nil {
			t.Errorf("%s: got %q", name, out)
		}
	}
}

func TestOnlyNamesWithAddressesAreTaken(t *testing.T) {
	t.Parallel()
	for text, taken := range map[string]bool{"a.b=192.0.2.7": true, "a.b.=192.0.2.7": true, "a.b": false, "=192.0.2.7": false, "a.b=2001:db8::1": false, "a.b=c.d": false} {
		if _, err := table([]string{text}); (err == nil) != taken {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := table(nil); err == nil {
		t.Error("no name is taken")
	}
}
