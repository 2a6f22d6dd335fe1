// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"slices"
)

// Faults are what can fail a run, by name.
func Faults() []string {
	out := make([]string, len(faults))
	for i, f := range faults {
		out[i] = f.name
	}
	return out
}

// faults say of an endpoint what is wrong with it; "" if it is not. What is unknown is
// wrong: whoever asks for it wants to know.
var faults = []struct {
	name string
	of   func(*Endpoint) string
}{
	{"past-gateway", func(e *Endpoint) string {
		if e.Through.Gateway {
			return ""
		}
		return "it is reached past the gateway"
	}},
	{"unauthenticated", func(e *Endpoint) string {
		if !e.Unauthenticated() {
			return ""
		}
		return "authentication: " + e.Authentication.State
	}},
	{"no-tls", func(e *Endpoint) string {
		if e.TLS.State != TLSNone && e.TLS.State != TLSUnknown || e.Answer == AnswerRedirect {
			return ""
		}
		return "TLS: " + e.TLS.State
	}},
	{"certificate", func(e *Endpoint) string {
		if e.TLS.State != TLSTerminated || !e.Through.Gateway {
			return ""
		}
		if len(e.TLS.Certificates) == 0 {
			return "there is no certificate"
		}
		for i := range e.TLS.Certificates {
			if c := &e.TLS.Certificates[i]; c.State != CertificateValid {
				return fmt.Sprintf("certificate %s: %s: %s", c.Secret, c.State, c.Why)
			}
		}
		return ""
	}},
	{"no-limits", func(e *Endpoint) string {
		if len(e.Limits) > 0 || e.Answer != AnswerBackends {
			return ""
		}
		return "it has no limits"
	}},
	{"network", func(e *Endpoint) string {
		for w := range e.workloads() {
			if s := w.Network.State; s != NetworkGateway && s != NetworkNobody {
				return fmt.Sprintf("%s %s/%s: %s", w.Kind, w.Namespace, w.Name, w.Network.text())
			}
		}
		return ""
	}},
	{"denied", func(e *Endpoint) string {
		if i := slices.IndexFunc(e.Findings, func(f Finding) bool { return f.Action == "deny" }); i >= 0 {
			return e.Findings[i].Check + ": " + e.Findings[i].Object + " " + e.Findings[i].Message
		}
		return ""
	}},
}

// Fails says what is wrong with endpoints, of what is asked for by name.
func (r *Report) Fails(wanted []string) []string {
	var out []string
	for i := range r.Endpoints {
		for _, f := range faults {
			if text := f.of(&r.Endpoints[i]); text != "" && slices.Contains(wanted, f.name) {
				out = append(out, fmt.Sprintf("%s (%s): %s", r.Endpoints[i].Address(), f.name, text))
			}
		}
	}
	return out
}

// Only leaves the endpoints that lead to a namespace or come through an object of it.
func (r *Report) Only(namespace string) {
	r.Endpoints = slices.DeleteFunc(r.Endpoints, func(e Endpoint) bool {
		if e.Through.Namespace == namespace || e.Route != nil && e.Route.Namespace == namespace {
			return false
		}
		return !slices.ContainsFunc(e.Backends, func(b Backend) bool { return b.Namespace == namespace })
	})
	r.NotServed = slices.DeleteFunc(r.NotServed, func(n NotServed) bool { return n.Namespace != namespace })
	r.Summary = Summary{NotServed: len(r.NotServed)}
	for i := range r.Endpoints {
		r.Summary.count(&r.Endpoints[i])
	}
}
