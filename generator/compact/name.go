// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gatehouse-sh/gatehouse/generator/selector"
)

// stem names the pods of a policy by their first workload.
func stem(classes []*selector.Class) string {
	first := classes[0].Workloads[0].ID
	n := -1
	for _, c := range classes {
		n += len(c.Workloads)
	}
	out := first.Kind + "-" + first.Name
	if n > 0 {
		out += "-and-" + strconv.Itoa(n) + "-more"
	}
	return out
}

// hashed is the length of a hash in a name, with its dash.
const hashed = 11

// Name returns the DNS subdomain (RFC 1123, at most 253 characters) that is
// closest to a text. One that had to be changed gets a hash of the text, so that
// two texts keep two names, and the same text has the same name always.
func Name(text string) string {
	name := strings.ToLower(text)
	if len(validation.IsDNS1123Subdomain(name)) == 0 {
		return name
	}
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
	return withHash(clean, text)
}

// withHash shortens a name to what is left of 253 characters beside the hash of
// a text, and adds that.
func withHash(name, text string) string {
	sum := sha256.Sum256([]byte(text))
	name = name[:min(len(name), validation.DNS1123SubdomainMaxLength-hashed)]
	return strings.Trim(name, "-.") + "-" + hex.EncodeToString(sum[:])[:hashed-1]
}

// rename gives those policies that would share a name one of their own: with the
// hash of what they select, and of what they allow.
func rename(list []Policy) {
	type id struct{ namespace, name string }
	count := map[id]int{}
	for _, p := range list {
		count[id{p.Namespace, p.Name}]++
	}
	for i := range list {
		if p := &list[i]; count[id{p.Namespace, p.Name}] > 1 {
			var b strings.Builder
			b.WriteString(p.Name + "\n" + selectorText(&p.Subject))
			for _, r := range p.Rules {
				for _, port := range r.Ports {
					b.WriteString("\n" + port.String())
				}
				for _, peer := range r.Peers {
					b.WriteString("\n" + peer.Block.Prefix.String() + peer.Name + strings.Join(peer.Namespaces, ",") + selectorText(&peer.Pods))
				}
			}
			p.Name = withHash(p.Name, b.String())
		}
	}
}
