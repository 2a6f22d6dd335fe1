// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// unsupportedAnnotation is the reason of events of annotations that are not kept.
const unsupportedAnnotation = "UnsupportedAnnotation"

// manner is how the requests of an Ingress are served, as its annotations have it.
type manner struct {
	*doors
	ingress *networkingv1.Ingress
	closed  bool // something that guards it cannot be kept: all is answered 503
	values  map[string]string

	inClear  bool // hosts with TLS, too
	always   bool // all is sent to HTTPS
	regex    bool
	rewrite  string
	protocol string // of backends: "", h2c, or tls, which a policy has to say more of
	connect  config.Duration
	balance  string
	aliases  []string
	root     *config.Redirect // of "/"
	target   config.Target    // all but backends and rewrites of paths
	guards   *guards
	backends []*config.Backend // that guards name
	canary   *canary
}

// guards are the policies of a rule.
type guards struct {
	access  *config.AccessPolicy
	beside  *config.AccessPolicy // to which no Default gives way
	traffic *config.TrafficPolicy
	keys    *config.KeySet
	size    int // in bytes of a snapshot; 0: not known yet
}

// mannerOf reads the annotations of an Ingress.
func (d *doors) mannerOf(i *networkingv1.Ingress) *manner {
	m := &manner{doors: d, ingress: i, values: map[string]string{}}
	for _, key := range slices.Sorted(maps.Keys(i.Annotations)) {
		name, ours := strings.CutPrefix(key, nginxPrefix)
		if !ours {
			continue
		}
		row := rowOf(name)
		switch {
		case row == nil:
			m.fault(name, "ingress-nginx has no such annotation")
		case row.answer == refused && !asksNothing(i.Annotations[key]):
			m.fault(name, "use "+row.say)
		case row.answer == taken:
			m.values[name] = strings.TrimSpace(i.Annotations[key])
		}
	}
	m.transport()
	m.paths()
	m.redirects()
	m.lines()
	m.cors()
	m.limits()
	m.access()
	m.split()
	m.judge()
	return m
}

// rowOf is what is known of an annotation; nil if nothing is.
func rowOf(name string) *annotation {
	at, known := slices.BinarySearchFunc(nginxAnnotations, name, func(a annotation, name string) int { return strings.Compare(a.name, name) })
	if !known {
		return nil
	}
	return &nginxAnnotations[at]
}

// asksNothing tells whether a value is how a thing is switched off.
func asksNothing(value string) bool { return slices.Contains([]string{"", "false", "off"}, value) }

// fault tells of an annotation that is not kept. One that nobody knows may be one that
// guards, misspelled.
func (m *manner) fault(name, message string) {
	row := rowOf(name)
	if row == nil || row.guards == bars {
		m.closed = true
		message += "; without it nothing is served (503)"
	}
	m.say(m.ingress, unsupportedAnnotation, nginxPrefix+name+": "+message)
}

// value returns an annotation that is taken, and whether it is there. An empty one is
// not.
func (m *manner) value(name string) (string, bool) {
	v := m.values[name]
	return v, v != ""
}

// flag reads true or false.
func (m *manner) flag(name string) (value, given bool) {
	v, given := m.value(name)
	if given && v != "true" && v != "false" {
		m.fault(name, fmt.Sprintf("%.80q is neither true nor false", v))
		return false, false
	}
	return v == "true", given
}

// number reads a whole number between bounds; 0 if there is none.
func (m *manner) number(name string, least, most int) int {
	v, given := m.value(name)
	if !given {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		m.fault(name, fmt.Sprintf("%.80q is no whole number between %d and %d", v, least, most))
		return 0
	}
	return n
}

// seconds reads a time; 0 if there is none.
func (m *manner) seconds(name string) config.Duration {
	const day = 24 * 60 * 60
	v, given := m.value(name)
	if !given {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(v, "s"))
	if err != nil || n < 1 || n > day {
		m.fault(name, fmt.Sprintf("%.80q is no number of seconds between 1 and %d", v, day))
		return 0
	}
	return config.Duration(time.Duration(n) * time.Second)
}

// words are the parts of a value between commas.
func (m *manner) words(name string) []string {
	v, given := m.value(name)
	if !given {
		return nil
	}
	var out []string
	for w := range strings.SplitSeq(v, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		m.fault(name, "there is nothing in it")
	}
	return out
}

// networks reads addresses and networks. One that is none makes the whole refused.
func (m *manner) networks(name string) []netip.Prefix {
	var out []netip.Prefix
	for _, w := range m.words(name) {
		p, err := netip.ParsePrefix(w)
		if a, single := netip.ParseAddr(w); single == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			m.fault(name, fmt.Sprintf("%.80q is no network such as 192.0.2.0/24", w))
			return nil
		}
		out = append(out, p.Masked())
	}
	return out
}

// judge has the data plane's own rules judge what was read, alone.
func (m *manner) judge() {
	alone := &config.Snapshot{}
	r := config.Route{Name: "r", Target: m.target}
	if r.Redirect != nil {
		r.Target = config.Target{Redirect: r.Redirect, CORS: r.CORS}
	} else {
		r.Backends = []config.Weighted{{Status: 503}}
	}
	m.guards.attach(alone, &r, map[any]bool{})
	for _, b := range m.backends {
		alone.Backends = append(alone.Backends, *b)
	}
	alone.Routes = []config.Route{r}
	for _, f := range faults(alone) {
		m.closed = true
		m.say(m.ingress, unsupportedAnnotation, fmt.Sprintf("%s: %s; without it nothing is served (503)", f.Path, f.What))
	}
	if m.closed {
		m.guards = nil
	}
}

// attach adds policies to a snapshot, unless it has them (there), and to a route.
func (g *guards) attach(s *config.Snapshot, r *config.Route, there map[any]bool) {
	if g == nil {
		return
	}
	if p := g.access; p != nil {
		r.Access = append(r.Access, p.Name)
		if !there[p] {
			s.AccessPolicies = append(s.AccessPolicies, *p)
		}
		there[p] = true
	}
	if p := g.beside; p != nil {
		r.AccessBeside = append(r.AccessBeside, p.Name)
		if !there[p] {
			s.AccessPolicies = append(s.AccessPolicies, *p)
		}
		there[p] = true
	}
	if p := g.traffic; p != nil {
		r.Traffic = append(r.Traffic, p.Name)
		if !there[p] {
			s.TrafficPolicies = append(s.TrafficPolicies, *p)
		}
		there[p] = true
	}
	if k := g.keys; k != nil && !there[k.Name] {
		s.KeySets = append(s.KeySets, *k)
		there[k.Name] = true
	}
	there[g] = true
}
