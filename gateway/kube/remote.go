// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Remote is a Plane whose Gateways are served by other processes, which hold no
// credentials of the API server: each follows a handover.Hub with the token of the
// ServiceAccount of its Gateway, and is given the snapshot of that Gateway.
type Remote struct {
	options RemoteOptions
	hub     *handover.Hub
	changed chan struct{}

	mu       sync.Mutex
	gateways map[translate.Name]*remote
}

// RemoteOptions are of a Remote.
type RemoteOptions struct {
	// Account is the name of the ServiceAccount of a Gateway, in the namespace of that.
	Account func(translate.Name) string
	// Reserved is the TCP port at which data planes answer probes: no listener can have it.
	Reserved uint16
	Log      logr.Logger
}

// remote is one Gateway.
type remote struct {
	account string
	wanted  *config.Snapshot // as Serve had it last
	sum     string           // of what is offered; "" when nothing is
	keep    bool
	unbound map[Port]string
	fault   error // why wanted is not offered
}

// NewRemote makes a Plane that offers nothing yet. Tokens are reviewed by the API server
// of a configuration.
func NewRemote(config *rest.Config, o RemoteOptions) (*Remote, error) {
	api, err := newClient(config, []*kind{secretKind()})
	if err != nil {
		return nil, err
	}
	r := &Remote{options: o, changed: make(chan struct{}, 1), gateways: map[translate.Name]*remote{}}
	r.hub = handover.NewHub(handover.Options{Identify: newIdentifier(api).identify, Changed: r.change, Log: o.Log})
	return r, nil
}

// Server answers data planes. Who serves it says where.
func (r *Remote) Server(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *http.Server {
	return r.hub.Server(certificate)
}

// Changed implements Plane.
func (r *Remote) Changed() <-chan struct{} { return r.changed }

func (r *Remote) change() { signal(r.changed) }

// Serve implements Plane.
func (r *Remote) Serve(_ context.Context, all []Served) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted, accounts := map[translate.Name]bool{}, map[string]bool{}
	for i := range all {
		s := &all[i]
		g := r.gateways[s.Gateway]
		if g == nil {
			g = &remote{account: s.Gateway.Namespace + "/" + r.options.Account(s.Gateway)}
			r.gateways[s.Gateway] = g
		}
		wanted[s.Gateway] = true
		r.offer(s, g)
		accounts[g.account] = true
	}
	for name := range r.gateways {
		if !wanted[name] {
			delete(r.gateways, name)
		}
	}
	r.hub.Keep(accounts)
}

// offer has a Gateway's replicas given what they are to serve.
func (r *Remote) offer(s *Served, g *remote) {
	if g.keep = s.Keep; s.Keep {
		return
	}
	if g.fault == nil && g.sum != "" && (g.wanted == s.Snapshot || reflect.DeepEqual(g.wanted, s.Snapshot)) {
		g.wanted = s.Snapshot
		return
	}
	g.wanted, g.fault, g.unbound = s.Snapshot, nil, nil
	var text []byte
	if s.Snapshot != nil {
		own, left := r.possible(s.Snapshot)
		g.unbound = left
		if own != nil {
			if text, g.fault = own.Encode(); g.fault != nil {
				r.options.Log.Error(g.fault, "a configuration cannot be handed over", "gateway", s.Gateway.String())
				return // what was offered stays
			}
		}
	}
	g.sum = r.hub.Offer(g.account, text)
}

// possible is a snapshot without the listeners whose port data planes need themselves;
// nil when there is no other.
func (r *Remote) possible(s *config.Snapshot) (*config.Snapshot, map[Port]string) {
	left, unbound := map[string]bool{}, map[Port]string{}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		if l.Protocol != config.UDP && r.options.Reserved != 0 && l.Address.Port() == r.options.Reserved {
			left[l.Name] = true
			unbound[Port{l.Address.Port(), false}] = fmt.Sprintf("port %d is where data planes answer probes", r.options.Reserved)
		}
	}
	switch len(left) {
	case 0:
		return s, nil
	case len(s.Listeners):
		return nil, unbound
	}
	return s.Without(left), unbound
}

// State implements Plane. A snapshot is live when every replica that serves anything
// serves it; one that serves nothing yet is not ready, so no client comes to it.
func (r *Remote) State(gateway translate.Name) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.gateways[gateway]
	if g == nil {
		return State{}
	}
	out := State{Unbound: g.unbound}
	switch {
	case g.keep:
		return State{}
	case g.fault != nil:
		out.Reason, out.Message = gatewayv1.GatewayReasonInvalid, g.fault.Error()
		return out
	}
	all := r.hub.Replicas(g.account)
	serving, same, refusing := count(all, g.sum)
	switch {
	case g.wanted == nil && serving == 0:
		out.Settled = true // nobody listens, as it is to be
	case len(refusing) > 0:
		out.Reason = gatewayv1.GatewayReasonInvalid
		out.Message = fmt.Sprintf("%d of %d replicas refuse it: %s", len(refusing), len(all), strings.Join(refusing[:1], ""))
	case serving == 0:
		out.Reason, out.Message = gatewayv1.GatewayReasonPending, "no replica serves it yet"
	case same < serving:
		out.Reason, out.Message = gatewayv1.GatewayReasonPending, fmt.Sprintf("%d of %d replicas serve it", same, serving)
	default:
		out.Live, out.Settled = g.wanted, true
	}
	return out
}

// count says how many replicas serve something, and how many of them this; refusing are
// the faults of those that cannot, in order.
func count(all []handover.Replica, sum string) (serving, same int, refusing []string) {
	for _, a := range all {
		if a.Live != "" {
			serving++
		}
		switch sum {
		case a.Live:
			same++
		case a.Refused:
			refusing = append(refusing, a.Fault)
		}
	}
	slices.Sort(refusing)
	return serving, same, refusing
}
