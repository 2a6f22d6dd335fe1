// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// mention is one value of a pod that may name addresses.
type mention struct {
	pod        *pod
	key, value string
	secret     bool                            // of a Secret: only URLs count, and problems name no host
	script     bool                            // shell
	beside     func(key string) (string, bool) // value under another key near it, in lower case: where DB_PORT stands for DB_HOST
	object     inventory.Key
	field      field
	what       [5]string // words, put together when something is found
	line       int       // of a text
}

// field is the path of a field, put together when something is found: most
// values are no addresses.
type field struct {
	before string
	index  int // -1 for none
	after  string
}

func (f field) String() string {
	if f.index < 0 {
		return f.before
	}
	return f.before + "[" + strconv.Itoa(f.index) + "]" + f.after
}

func (m *mention) evidence(c generator.Confidence) generator.Evidence {
	what := strings.Join(m.what[:], "")
	if m.line > 0 {
		what += ", line " + strconv.Itoa(m.line)
	}
	return generator.Evidence{Source: generator.Manifest, Confidence: c, Object: m.object, Field: m.field.String(), What: what}
}

func (f *finder) mention(m mention) {
	kind := f.kindOf(m.key)
	if kind == address.Own {
		return
	}
	var list []address.Address
	switch {
	case m.secret:
		list = address.URLs(m.value)
	case m.script:
		list = address.Script(m.value)
	default:
		list = address.Find(m.value)
	}
	f.addresses(m, kind, list)
	if len(list) == 0 && kind.Address() && strings.Contains(m.value, "$(") {
		f.problem(m.pod.peer, generator.Peer{}, generator.Port{}, m.evidence(generator.Likely), "the address refers to a variable whose value is not known")
	}
}

func (f *finder) addresses(m mention, kind address.Kind, list []address.Address) {
	for _, a := range list {
		at, k := m, kind
		if a.Key != "" {
			at.key = a.Key
			if k = f.kindOf(a.Key); k == address.Own {
				continue
			}
		}
		at.line = a.Line
		f.resolve(&at, k, a)
	}
	if len(list) == address.MaxFound {
		f.problem(m.pod.peer, generator.Peer{}, generator.Port{}, m.evidence(generator.Guessed), "more than %d addresses: the rest is not read", address.MaxFound)
	}
}

// lazily makes a table when it is first asked.
func lazily[V any](table func() map[string]V) func(string) (V, bool) {
	var made map[string]V
	return func(key string) (V, bool) {
		if made == nil {
			made = table()
		}
		v, ok := made[key]
		return v, ok
	}
}

// kindOf is address.Classify, asked once for each key: the same keys occur in many
// pods.
func (f *finder) kindOf(key string) address.Kind {
	kind, known := f.kinds[key]
	if !known {
		kind = address.Classify(key)
		if len(f.kinds) < maxKinds {
			f.kinds[key] = kind
		}
	}
	return kind
}

// maxKinds bounds what kindOf remembers: 10,000 keys are less than 1 MiB.
const maxKinds = 10_000

// nowhere are names that lead nowhere outside of the pod, and words that say that
// there is no host.
var nowhere = map[string]bool{
	"localhost": true, "localhost.localdomain": true, "ip6-localhost": true, "host.docker.internal": true, "true": true, "false": true, "yes": true, "no": true, "on": true, "off": true,
	"none": true, "null": true, "nil": true, "auto": true, "default": true, "any": true, "all": true, "example.com": true, "www.example.com": true,
}

// resolve turns an address into edges. It answers three questions: is it an
// address at all, what is it of, and on which port.
func (f *finder) resolve(m *mention, kind address.Kind, a address.Address) {
	if kind == address.Other && a.Form < address.URL || nowhere[a.Host] {
		return
	}
	confidence := generator.Guessed
	if a.Form == address.Connection || kind.Address() || a.Whole && a.Form >= address.Pair {
		confidence = generator.Likely
	}
	if a.Port == 0 && !m.secret && m.beside != nil {
		if key, ok := address.PortKey(m.key); ok {
			text, _ := m.beside(key)
			if n, err := strconv.ParseUint(text, 10, 16); err == nil {
				a.Port = uint16(n)
			}
		}
	}
	if ip, ok := m.pod.aliases[a.Host]; ok && a.Host != "" {
		a.IP = ip
	}
	switch to, known := f.serviceAt(a.Host, m.pod.Key.Namespace); {
	case a.IP.IsValid():
		f.toIP(m, kind, a, confidence)
	case to == apiServerService:
		if a.Form != address.Word || kind.Address() || strings.Contains(a.Host, ".svc") {
			f.edge(m.pod.peer, generator.Peer{Kind: generator.APIServerPeer}, generator.Port{}, m.evidence(confidence))
		}
	case known:
		f.toService(m, kind, a, f.inv.Service(to.Namespace, to.Name), confidence)
	default:
		f.toName(m, kind, a, confidence)
	}
}

var apiServerService = generator.ServicePeerOf("default", "kubernetes")

// serviceAt returns the Service that a host name leads to in a namespace, as the
// search list of the pod's resolver does; false when there is none. The peer is
// also returned for a name that can only be a Service of this cluster, so that
// its absence can be told.
func (f *finder) serviceAt(host, namespace string) (generator.Peer, bool) {
	if host == "" {
		return generator.Peer{}, false
	}
	p, inside := f.env.ServiceOf(host, namespace)
	if inside && (p == apiServerService || f.inv.Service(p.Namespace, p.Name) != nil) {
		return p, true
	}
	// "db-0.db" and "db-0.db.shop" are pods of a headless Service.
	if labels := strings.Split(host, "."); len(labels) == 2 || len(labels) == 3 {
		ns := namespace
		if len(labels) == 3 {
			ns = labels[2]
		}
		if s := f.inv.Service(ns, labels[1]); s != nil && s.Spec.ClusterIP == corev1.ClusterIPNone {
			return generator.ServicePeerOf(ns, labels[1]), true
		}
	}
	return p, false
}

// toService: which port, and whether a mere pair of words is an address.
func (f *finder) toService(m *mention, kind address.Kind, a address.Address, s *corev1.Service, c generator.Confidence) {
	qualified := strings.Contains(a.Host, ".svc")
	if a.Form == address.Word && !kind.Address() && !qualified {
		return
	}
	if qualified && a.Whole {
		c = generator.Likely
	}
	to := generator.ServicePeerOf(s.Namespace, s.Name)
	port := a.Port
	if port == 0 {
		port = a.Implied
	}
	if product := address.ProductPort(m.key); port == 0 && (s.Spec.Type == corev1.ServiceTypeExternalName || hasPort(s, product)) {
		port = product
	}
	if port == 0 {
		f.edge(m.pod.peer, to, generator.Port{}, m.evidence(c))
		return
	}
	listed := false
	for i := range s.Spec.Ports {
		protocol, err := generator.ParseProtocol(string(s.Spec.Ports[i].Protocol))
		if err == nil && s.Spec.Ports[i].Port == int32(port) {
			f.edge(m.pod.peer, to, generator.NumberedPort(protocol, port), m.evidence(c))
			listed = true
		}
	}
	if listed || a.Form == address.Pair && !kind.Address() && !qualified && s.Spec.Type != corev1.ServiceTypeExternalName {
		return
	}
	number := generator.NumberedPort(protocolOf(a), port)
	if s.Spec.ClusterIP != corev1.ClusterIPNone || a.Port == 0 {
		f.edge(m.pod.peer, to, number, m.evidence(c)) // Build says that there is no such port
		return
	}
	for _, id := range f.behind(s) { // the pods themselves, on a port that the Service does not list
		f.edge(m.pod.peer, generator.WorkloadPeerOf(id), number, m.evidence(c))
	}
}

func hasPort(s *corev1.Service, number uint16) bool {
	for i := range s.Spec.Ports {
		if s.Spec.Ports[i].Port == int32(number) {
			return true
		}
	}
	return false
}

func protocolOf(a address.Address) generator.Protocol {
	if a.UDP {
		return generator.UDP
	}
	return generator.TCP
}

// toName: a name that is no Service of the inventory. It is one outside of the
// cluster, one that is missing, or no name at all.
func (f *finder) toName(m *mention, kind address.Kind, a address.Address, c generator.Confidence) {
	database := a.Form == address.Connection || a.Form == address.URL && a.Implied != 0 && a.Implied != 80 && a.Implied != 443
	strong := kind.Address() || a.Form >= address.URL && a.Whole
	if p, missing := f.missingService(a.Host, m.pod.Key.Namespace); missing {
		if a.Form == address.Word && kind != address.HostOf || !strong {
			return
		}
		if m.secret {
			f.problem(m.pod.peer, generator.Peer{}, generator.Port{}, m.evidence(c), "the host is no Service of namespace %s", m.pod.Key.Namespace)
			return
		}
		f.problem(m.pod.peer, p, generator.Port{}, m.evidence(c), "there is no %s among the objects", p)
		return
	}
	plausible := address.Public(a.Host) && (a.Plain || strong)
	switch {
	case !plausible && (!strong || a.Form < address.URL || !strings.Contains(a.Host, ".")):
		return
	case a.Form == address.Word && !kind.Address():
		return
	case !a.Whole && !kind.Address() && !database && !m.script:
		return // a text quotes URLs that nobody opens
	}
	if kind == address.Shown || a.Form == address.URL && !database && !kind.Address() {
		c = generator.Guessed
	}
	port, to := f.portOutside(m, a), generator.FQDNPeerOf(a.Host)
	if _, parent, ok := strings.Cut(a.Host, "."); ok && a.Records && strings.Contains(parent, ".") {
		// The hosts that the records name share the parent domain: drivers insist
		// (github.com/mongodb/specifications, initial-dns-seedlist-discovery).
		to = generator.FQDNPeerOf("*." + parent)
	}
	if port == 0 {
		f.problem(m.pod.peer, to, generator.Port{}, m.evidence(c), "nothing says on which port")
		return
	}
	f.edge(m.pod.peer, to, generator.NumberedPort(protocolOf(a), port), m.evidence(c))
}

// missingService returns the Service that a name must be of, though the
// inventory has none: one without a dot, one with the cluster's suffix, and one
// whose last label is a namespace of the inventory.
func (f *finder) missingService(host, namespace string) (generator.Peer, bool) {
	p, inside := f.env.ServiceOf(host, namespace)
	if !inside {
		return p, strings.HasSuffix(host, "."+f.env.Domain)
	}
	dots := strings.Count(host, ".")
	return p, dots == 0 || dots >= 2 || f.universe.NamespaceLabels(p.Namespace) != nil
}

func (f *finder) portOutside(m *mention, a address.Address) uint16 {
	for _, p := range []uint16{a.Port, a.Implied, address.ProductPort(m.key)} {
		if p != 0 {
			return p
		}
	}
	return 0
}

// toIP: a literal address, of a Service, of a pod, or of neither.
func (f *finder) toIP(m *mention, kind address.Kind, a address.Address, c generator.Confidence) {
	if a.Form == address.Word && !kind.Address() || !a.Whole && !kind.Address() && a.Form < address.URL && f.byIP[a.IP] == nil {
		return
	}
	port := f.portOutside(m, a)
	number := generator.Port{}
	if port != 0 {
		number = generator.NumberedPort(protocolOf(a), port)
	}
	to := generator.CIDRPeerOf(netip.PrefixFrom(a.IP, a.IP.BitLen()))
	within := func(list []netip.Prefix) bool {
		for _, p := range list {
			if p.Contains(a.IP) {
				return true
			}
		}
		return false
	}
	switch s := f.byIP[a.IP]; {
	case within(f.env.Metadata):
		f.problem(m.pod.peer, to, number, m.evidence(c), "is a metadata service, which hands out the node's credentials: only an intent may ask for that")
	case s != nil:
		f.toService(m, kind, a, s, c)
	case a.IP.IsUnspecified(), a.IP.IsLoopback(), a.IP.IsMulticast(), a.IP.IsLinkLocalUnicast():
		return
	case f.podAt(a.IP) != generator.Peer{} && port != 0:
		f.edge(m.pod.peer, f.podAt(a.IP), number, m.evidence(c))
	case within(f.env.ServiceRanges), within(f.env.PodRanges):
		f.problem(m.pod.peer, to, number, m.evidence(c), "is an address of this cluster that belongs to nothing among the objects")
	case port == 0:
		f.problem(m.pod.peer, to, number, m.evidence(c), "nothing says on which port")
	default:
		f.edge(m.pod.peer, to, number, m.evidence(c))
	}
}

func (f *finder) podAt(a netip.Addr) generator.Peer {
	for w := range f.inv.PodsAt(a.String()) {
		return generator.WorkloadPeerOf(generator.OwnerOf(f.inv, w))
	}
	return generator.Peer{}
}
