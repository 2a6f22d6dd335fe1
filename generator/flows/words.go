// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/generator"
)

// label takes a label, split once for all times that it returns.
func (d *decoder) label(text []byte, e *Endpoint) {
	known, ok := d.labels[string(text)]
	if !ok {
		own := string(text)
		known = labelOf(own)
		if d.labels == nil || len(d.labels) >= maxNames {
			d.labels = make(map[string]parsedLabel, 1024)
		}
		if len(own) <= maxName {
			d.labels[own] = known
		}
	}
	e.add(known)
}

// labelOf reads "k8s:app=web", "app=web", "reserved:host".
func labelOf(text string) parsedLabel {
	source, rest, prefixed := strings.Cut(text, ":")
	switch {
	case prefixed && source == "reserved":
		return parsedLabel{reserved: reservedNames[rest]}
	case prefixed && (source == "k8s" || source == "any"):
		text = rest
	case prefixed && !strings.ContainsAny(source, "/.="):
		return parsedLabel{} // cidr:, fqdn:, container:
	}
	key, value, _ := strings.Cut(text, "=")
	switch {
	case key == "io.kubernetes.pod.namespace":
		return parsedLabel{namespace: value}
	case key == "" || strings.HasPrefix(key, "io.cilium."):
		return parsedLabel{}
	}
	return parsedLabel{label: Label{key, value}}
}

// AddLabel adds a label as Cilium writes it, or the reserved identity, or the
// namespace that it stands for.
func (e *Endpoint) AddLabel(text string) { e.add(labelOf(text)) }

func (e *Endpoint) add(p parsedLabel) {
	e.Reserved |= p.reserved
	if e.Namespace == "" {
		e.Namespace = p.namespace
	}
	if p.label.Key != "" {
		e.Labels = append(e.Labels, p.label)
	}
}

// verdictOf reads the words of Hubble and those that other recorders use. What
// was traced or translated only has no verdict yet.
func verdictOf(text []byte, otherwise Verdict) Verdict {
	switch strings.ToUpper(string(text)) {
	case "FORWARDED", "REDIRECTED", "AUDIT", "ALLOW", "ALLOWED", "ACCEPT", "ACCEPTED":
		return Forwarded
	case "DROPPED", "DROP", "DENY", "DENIED", "REJECT", "REJECTED":
		return Dropped
	case "ERROR":
		return Failed
	}
	return otherwise
}

func directionOf(text []byte) Direction {
	switch strings.ToUpper(string(text)) {
	case "INGRESS":
		return Ingress
	case "EGRESS":
		return Egress
	}
	return NoDirection
}

// protocolOf returns the protocol, or the name of one that no policy names.
func protocolOf(name string) (generator.Protocol, string) {
	if name == "" {
		return 0, ""
	}
	if p, err := generator.ParseProtocol(name); err == nil {
		return p, ""
	}
	return 0, name
}

// at is the time of a flow in nanoseconds since 1970, and whether it is one that
// fits: from 1970 to 2200.
func (f *Flow) at() (int64, bool) {
	seconds := f.Time.Unix()
	if seconds <= 0 || seconds >= maxSeconds || f.Time.Equal(time.Time{}) {
		return 0, false
	}
	return f.Time.UnixNano(), true
}
