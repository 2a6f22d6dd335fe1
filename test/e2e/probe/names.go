// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// seconds is how long an answer may be kept (RFC 1035, section 3.2.1).
const seconds = 5

// names answers questions for addresses by UDP at port 53: of each NAME=ADDRESS the
// address, and of every other name that there is none. It stands for the name server of a
// cluster.
func names(pairs []string) error {
	known, err := table(pairs)
	if err != nil {
		return err
	}
	c, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp4", ":53")
	if err != nil {
		return fmt.Errorf("answer for names: %w", err)
	}
	buffer := make([]byte, 2048)
	for {
		n, from, err := c.ReadFrom(buffer)
		if err != nil {
			return fmt.Errorf("answer for names: %w", err)
		}
		out, err := reply(buffer[:n], known)
		if err != nil {
			continue // no question: whoever sent it waits in vain
		}
		if _, err := c.WriteTo(out, from); err != nil {
			return fmt.Errorf("answer %s: %w", from, err)
		}
	}
}

func table(pairs []string) (map[string]netip.Addr, error) {
	known := map[string]netip.Addr{}
	for _, p := range pairs {
		name, text, _ := strings.Cut(p, "=")
		address, err := netip.ParseAddr(text)
		if err != nil || name == "" || !address.Is4() {
			return nil, fmt.Errorf("names: %q is not NAME=ADDRESS with an address of IPv4", p)
		}
		known[strings.ToLower(strings.TrimSuffix(name, "."))+"."] = address
	}
	if len(known) == 0 {
		return nil, errors.New("names: no name")
	}
	return known, nil
}

// reply is the answer to a message, which has to be one question (RFC 1035, section 4.1).
func reply(message []byte, known map[string]netip.Addr) ([]byte, error) {
	var asked dnsmessage.Message
	if err := asked.Unpack(message); err != nil {
		return nil, fmt.Errorf("read a question: %w", err)
	}
	if asked.Response || len(asked.Questions) != 1 {
		return nil, errors.New("read a question: it is not one")
	}
	q := asked.Questions[0]
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: asked.ID, Response: true, Authoritative: true, RecursionDesired: asked.RecursionDesired}, Questions: asked.Questions}
	address, is := known[strings.ToLower(q.Name.String())]
	switch {
	case !is:
		out.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA && q.Class == dnsmessage.ClassINET:
		out.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: seconds}, Body: &dnsmessage.AResource{A: address.As4()},
		}}
	}
	return out.Pack()
}
