// SPDX-License-Identifier: Apache-2.0

// Command dns answers every question by UDP on port 53 as the plugin whoami of
// CoreDNS does: with nothing but who asked, in the additional section. It stands for
// CoreDNS, of which the suite asks one such answer.
package main

import (
	"fmt"
	"log"
	"net"
	"os"

	"github.com/miekg/dns"
)

func main() {
	server := &dns.Server{Addr: ":53", Net: "udp", Handler: dns.HandlerFunc(whoami)}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "dns:", err)
		os.Exit(1)
	}
}

func whoami(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg)
	answer.SetReply(question)
	answer.Authoritative = true
	if from, ok := w.RemoteAddr().(*net.UDPAddr); ok && len(question.Question) == 1 {
		header := dns.RR_Header{Name: question.Question[0].Name, Class: question.Question[0].Qclass}
		if ip := from.IP.To4(); ip != nil {
			header.Rrtype = dns.TypeA
			answer.Extra = append(answer.Extra, &dns.A{Hdr: header, A: ip})
		} else {
			header.Rrtype = dns.TypeAAAA
			answer.Extra = append(answer.Extra, &dns.AAAA{Hdr: header, AAAA: from.IP})
		}
	}
	if err := w.WriteMsg(answer); err != nil {
		log.Printf("answer %s: %v", w.RemoteAddr(), err)
	}
}
