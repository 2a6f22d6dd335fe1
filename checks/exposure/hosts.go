// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"iter"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// few is up to how many hosts a list is searched and not turned into a map: a
// map costs an allocation that most Ingresses need not pay.
const few = 16

// longestHost is the longest DNS name (RFC 1035 §2.3.4). What is longer is no
// name that anything answers for.
const longestHost = 253

// distinctHosts yields the hosts of the rules, each with the index of the first
// rule that names it.
func distinctHosts(rules []networkingv1.IngressRule) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		var seen map[string]bool
		if len(rules) > few {
			seen = make(map[string]bool, len(rules))
		}
		for i := range rules {
			host := rules[i].Host
			if seen[host] || seen == nil && namedBefore(rules[:i], host) {
				continue
			}
			if seen != nil {
				seen[host] = true
			}
			if !yield(i, host) {
				return
			}
		}
	}
}

func namedBefore(rules []networkingv1.IngressRule, host string) bool {
	for i := range rules {
		if rules[i].Host == host {
			return true
		}
	}
	return false
}

// tlsHosts answers for which hosts the spec.tls of an Ingress sets TLS up. An
// entry without hosts stands for the controller's default and covers all.
// https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/#IngressSpec
type tlsHosts struct {
	entries []networkingv1.IngressTLS
	names   map[string]bool // lower case; nil while the entries are few
	all     bool
}

func tlsOf(entries []networkingv1.IngressTLS) tlsHosts {
	t := tlsHosts{entries: entries}
	n := 0
	for i := range entries {
		n += len(entries[i].Hosts)
		t.all = t.all || len(entries[i].Hosts) == 0
	}
	if n <= few {
		return t
	}
	t.names = make(map[string]bool, n)
	for i := range entries {
		for _, name := range entries[i].Hosts {
			t.names[strings.ToLower(name)] = true
		}
	}
	return t
}

// cover reports whether TLS is set up for a host. A wildcard reaches one label
// far, as in a certificate.
func (t tlsHosts) cover(host string) bool {
	switch {
	case t.all || host == "":
		return t.all
	case t.names != nil:
		host = strings.ToLower(host)
		_, parent, found := strings.Cut(host, ".")
		return t.names[host] || found && !wide(host) && host[0] != '.' && parent != "" && t.names["*."+parent]
	}
	for i := range t.entries {
		for _, name := range t.entries[i].Hosts {
			if strings.EqualFold(name, host) || oneLabelUnder(host, name) {
				return true
			}
		}
	}
	return false
}
