// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// backend says what is behind a backend of the snapshot, and which objects that is.
func (s *served) backend(name, share string) (Backend, []inventory.Key) {
	of, number, ok := translate.ServiceOf(name)
	if !ok {
		return Backend{Service: name, Share: share, Workloads: []Workload{}}, nil
	}
	out := Backend{Namespace: of.Namespace, Service: of.Name, Port: int(number), Share: share, Workloads: []Workload{}}
	if b := s.backends[name]; b != nil && b.TLS != nil {
		out.TLS = b.TLS.ServerName
	}
	svc := s.Inventory.Service(of.Namespace, of.Name)
	if svc == nil {
		return out, nil
	}
	var keys []inventory.Key
	out.Workloads, keys = s.behind(svc, portOf(svc, number))
	return out, append([]inventory.Key{inventory.KeyOf(svc)}, keys...)
}

func portOf(svc *corev1.Service, number int32) *corev1.ServicePort {
	if i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == number }); i >= 0 {
		return &svc.Spec.Ports[i]
	}
	return nil
}

// behind are the workloads of a Service, each once, and the objects that they are. The
// port may be nil, which is not known.
func (w *World) behind(svc *corev1.Service, port *corev1.ServicePort) ([]Workload, []inventory.Key) {
	out, seen, keys := []Workload{}, map[string]bool{}, []inventory.Key{}
	for _, own := range exposure.Selected(svc, w.checks) {
		one, of := w.workload(own, target(port))
		if name := one.Kind + " " + one.Name + " " + one.Account.Name; !seen[name] {
			seen[name] = true
			out, keys = append(out, one), append(keys, of...)
		}
	}
	return out, keys
}

// workload says what runs and what it may do, as the one that controls it.
func (w *World) workload(own *inventory.Workload, port *generator.Port) (Workload, []inventory.Key) {
	id := generator.OwnerOf(w.Inventory, own)
	account := w.account(own)
	out := Workload{Kind: id.Kind, Namespace: id.Namespace, Name: id.Name, Network: w.network.of(id, port), Account: account}
	top := own
	for above := w.Inventory.ControllerOf(top); above != nil; above = w.Inventory.ControllerOf(top) {
		top = above
	}
	return out, []inventory.Key{top.Key, {Kind: inventory.ServiceAccountKind, Namespace: own.Key.Namespace, Name: account.Name}}
}

// target is the port of a pod that a port of a Service leads to; nil for none.
func target(p *corev1.ServicePort) *generator.Port {
	if p == nil {
		return nil
	}
	protocol := generator.TCP
	if p.Protocol != "" {
		var err error
		if protocol, err = generator.ParseProtocol(string(p.Protocol)); err != nil {
			return nil
		}
	}
	out := generator.NumberedPort(protocol, uint16(p.Port)) //nolint:gosec // the API server bounds it
	switch t := p.TargetPort; {
	case t.Type == intstr.String && t.StrVal != "":
		out = generator.NamedPort(protocol, t.StrVal)
	case t.Type == intstr.Int && t.IntVal > 0 && t.IntVal <= generator.MaxPort:
		out = generator.NumberedPort(protocol, uint16(t.IntVal))
	case p.Port <= 0 || p.Port > generator.MaxPort:
		return nil
	}
	return &out
}

// account says what the pods of a workload run as, and the worst that they can do by it.
func (w *World) account(own *inventory.Workload) Account {
	name := own.ServiceAccount()
	out := Account{Name: name, Token: "unknown", Power: "none", Path: []string{}, Clouds: []string{}}
	sa, _ := inventory.Get[*corev1.ServiceAccount](w.Inventory, inventory.ServiceAccountKind, own.Key.Namespace, name)
	if mounted, known := blast.HoldsToken(own, sa); known {
		if out.Token = "not-mounted"; mounted {
			out.Token = "mounted"
		}
	}
	e := power.EffectiveAccount(authz.Over(w.Inventory), own.Key.Namespace, name)
	if e.Severity != checks.SeverityUnset {
		out.Power, out.Path = e.Severity.String(), e.Path()
	}
	for _, i := range blast.Identities(sa) {
		out.Clouds = append(out.Clouds, i.Is+" "+i.Value)
	}
	return out
}
