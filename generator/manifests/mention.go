// SPDX-License-Identifier: Apache-2.0

package manifests

import (
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
	if a.Wrong && !a.IP.IsLoopback() && !a.IP.IsUnspecified() {
		f.problem(m.pod.peer, generator.Peer{}, generator.Port{}, m.evidence(generator.Likely), "what the address has for a port is none: ports are from 1 to 65535")
	}
	if a.NoHost {
		f.problem(m.pod.peer, generator.Peer{}, generator.Port{}, m.evidence(generator.Likely), "what the address has for a host looks like an IP address and is none")
	}
	if a.Wrong || a.NoHost {
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
