// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// doorway is a way past the bundled gateway and the ports of a Service that it
// ends at. What a Service opens itself, it opens with all its ports; an Ingress
// or a route names some, and so does a TraefikService. Of an alias its own ports count
// and those by which it is named: controllers differ in which they take.
type doorway struct {
	Way
	all   bool
	ports map[string]bool // numbers and names
}

func doorways(ways []Way, svc *corev1.Service, in checks.Input) []doorway {
	var out []doorway
	for _, w := range ways {
		if w.Gateway {
			continue
		}
		d := doorway{Way: w, all: w.referrer == nil}
		if !d.all {
			d.ports = d.named(svc, in)
			d.all = len(d.ports) == 0 || d.ports[""]
		}
		out = append(out, d)
	}
	return out
}

// named returns the ports of a Service that are named by what sends to it.
func (w Way) named(svc *corev1.Service, in checks.Input) map[string]bool {
	out := map[string]bool{}
	add := func(e *inventory.Entry, to metav1.Object) {
		for _, ref := range inventory.Backends(e.Object) {
			if ref.Namespace == to.GetNamespace() && ref.Name == to.GetName() {
				out[ref.Port] = true
			}
		}
	}
	if len(w.relays) == 0 {
		add(w.referrer, svc)
		return out
	}
	last := w.relays[len(w.relays)-1]
	alias, isAlias := last.Object.(*corev1.Service)
	if !isAlias {
		add(last, svc)
		return out
	}
	for i := range alias.Spec.Ports {
		p := &alias.Spec.Ports[i]
		out[strconv.Itoa(int(p.Port))] = true
		if n := p.TargetPort.IntValue(); n != 0 {
			out[strconv.Itoa(n)] = true
		}
	}
	for e := range sendersTo(last, in) {
		if !relays(e) {
			add(e, alias)
		}
	}
	return out
}

func (d doorway) leadsTo(port *corev1.ServicePort) bool {
	return d.all || d.ports[strconv.Itoa(int(port.Port))] || port.Name != "" && d.ports[port.Name]
}

// namesPort reports whether a reference means a port: by number, by name, or
// because it names none.
func namesPort(ref inventory.ServiceRef, port *corev1.ServicePort) bool {
	if ref.Port == "" || ref.Port == port.Name {
		return true
	}
	if c := ref.Port[0]; c < '0' || c > '9' {
		return false
	}
	_, err := strconv.ParseUint(ref.Port, 10, 16)
	return err == nil && strconv.Itoa(int(port.Port)) == ref.Port
}
