// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// set are the paths of all fields of a struct that say something, as YAML has them.
func set(of any) []string {
	var out []string
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		field := v.Field(i)
		switch {
		case name == "-", field.IsZero(), (field.Kind() == reflect.Slice || field.Kind() == reflect.Map) && field.Len() == 0:
		case options == "inline":
			out = append(out, set(field.Interface())...)
		case field.Kind() == reflect.Struct && f.Type.PkgPath() == v.Type().PkgPath():
			for _, within := range set(field.Interface()) {
				out = append(out, name+"."+within)
			}
		default:
			out = append(out, name)
		}
	}
	return out
}

// others are the fields of a struct that say something beside those that may.
func others(of any, may ...string) []string {
	return slices.DeleteFunc(set(of), func(path string) bool { return slices.Contains(may, path) })
}

// streamListener refuses what would be without effect where nothing is read.
func (v *validator) streamListener(path string, l *Listener) {
	may := []string{"name", "address", "protocol", "client.limits.idleTimeout", "client.limits.connections", "client.limits.connectionsPerAddress", "tls", "hsts", "redirectToHTTPS"} // the last are told of elsewhere
	if l.Protocol != UDP {
		may = append(may, "client.proxyProtocolFrom")
	}
	if l.Protocol == Passthrough || l.Protocol == TCP && len(l.Client.ProxyProtocol) > 0 {
		may = append(may, "client.limits.headerTimeout")
	}
	for _, field := range others(*l, may...) {
		v.fault(path+"."+field, "a listener of %s has none", l.Protocol)
	}
}

// requestListener refuses what would be without effect where requests are read.
func (v *validator) requestListener(path string, l *Listener) {
	if l.Redirect != 0 {
		for _, field := range set(struct {
			Traffic  []string       `yaml:"traffic"`
			Access   []string       `yaml:"access"`
			ForHosts []HostPolicies `yaml:"forHosts"`
		}{l.Traffic, l.Access, l.ForHosts}) {
			v.fault(path+"."+field, "it redirects to HTTPS, and asks nobody: the listener that it sends clients to can have it")
		}
	}
	if l.Client.Limits.Streams != 0 && (l.HTTP2 == HTTP2Off || l.Protocol == HTTP && l.HTTP2 != HTTP2On) {
		v.fault(path+".client.limits.streams", "nobody speaks HTTP/2 to it")
	}
	if l.Client.ForwardedBy != "" && len(l.Client.TrustedProxies) == 0 {
		v.fault(path+".client.forwardedBy", "there are no trustedProxies whose word would count")
	}
}

// redirecting refuses what would be without effect beside a redirect: no backend is asked.
func (v *validator) redirecting(path string, t *Target) {
	for _, field := range others(*t, "backends", "redirect", "cors") {
		v.fault(path+"."+field, "it has no effect beside a redirect, for which no backend is asked")
	}
}

// idle refuses what a backend would not use.
func (v *validator) idle(path string, b *Backend) {
	if b.Breaker.Wait > 0 && b.Breaker.Pending == 0 {
		v.fault(path+".breaker.wait", "nothing waits without pending")
	}
	if b.AllUnhealthy != "" && b.Health == nil && b.Outlier == nil {
		v.fault(path+".allUnhealthy", "nothing finds out who is well without health or outlier")
	}
}

// keysOfFile refuses what concerns keys that are fetched.
func (v *validator) keysOfFile(path string, k *KeySet) {
	if k.File == "" {
		return
	}
	for _, field := range others(*k, "name", "file", "url", "issuer") {
		v.fault(path+"."+field, "keys of a file are not fetched")
	}
}

// Warnings are things that a configuration has in vain, in the order of its fields: it
// can be served, but is most likely not what was meant.
func (s *Snapshot) Warnings() []Error {
	v := &validator{}
	used := s.used()
	unused := func(list, what, name string, i int) {
		if !used[what][name] {
			v.fault(fmt.Sprintf("%s[%d]", list, i), "nothing names the %s %q", what, name)
		}
	}
	for i := range s.Certificates {
		unused("certificates", "certificate", s.Certificates[i].Name, i)
	}
	for i := range s.Routes {
		if !slices.ContainsFunc(s.Listeners, func(l Listener) bool {
			return !l.Protocol.Stream() && l.Redirect == 0 && (len(s.Routes[i].Listeners) == 0 || slices.Contains(s.Routes[i].Listeners, l.Name))
		}) {
			v.fault(fmt.Sprintf("routes[%d]", i), "no listener brings requests to the route %q", s.Routes[i].Name)
		}
	}
	for i := range s.Backends {
		unused("backends", "backend", s.Backends[i].Name, i)
	}
	for i := range s.TrafficPolicies {
		unused("trafficPolicies", "traffic policy", s.TrafficPolicies[i].Name, i)
	}
	for i := range s.KeySets {
		unused("keySets", "key set", s.KeySets[i].Name, i)
	}
	for i := range s.Stores {
		unused("stores", "store", s.Stores[i].Name, i)
	}
	return v.faults
}

// used are the names that something of a snapshot names, by what they are of.
func (s *Snapshot) used() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	use := func(what string, names ...string) {
		if out[what] == nil {
			out[what] = map[string]bool{}
		}
		for _, name := range names {
			out[what][name] = true
		}
	}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		use("traffic policy", l.Traffic...)
		use("access policy", l.Access...)
		for k := range l.ForHosts {
			use("traffic policy", l.ForHosts[k].Traffic...)
			use("access policy", l.ForHosts[k].Access...)
		}
		if l.TLS != nil {
			use("certificate", l.TLS.Certificates...)
		}
	}
	for i := range s.Routes {
		use("traffic policy", s.Routes[i].Traffic...)
		use("access policy", s.Routes[i].guards()...)
		for _, b := range s.Routes[i].Backends {
			use("backend", b.Name)
		}
		for _, m := range s.Routes[i].Mirrors {
			use("backend", m.Backend)
		}
	}
	for i := range s.Streams {
		if t := s.Streams[i].TLS; t != nil {
			use("certificate", t.Certificates...)
		}
		for _, b := range s.Streams[i].Backends {
			use("backend", b.Name)
		}
	}
	for i := range s.Backends {
		if t := s.Backends[i].TLS; t != nil {
			use("certificate", t.ClientCertificate)
		}
	}
	for i := range s.TrafficPolicies {
		use("store", s.TrafficPolicies[i].Store)
	}
	for i := range s.AccessPolicies {
		p := &s.AccessPolicies[i]
		for k := range p.Authentication.AnyOf {
			if j := p.Authentication.AnyOf[k].JWT; j != nil {
				use("key set", j.KeySet)
			}
		}
		if e := p.ExternalAuth; e != nil && e.HTTP != nil {
			use("backend", e.HTTP.Backend)
		} else if e != nil && e.GRPC != nil {
			use("backend", e.GRPC.Backend)
		}
	}
	return out
}
