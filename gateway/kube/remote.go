// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/handover"
	"github.com/gatehouse-sh/gatehouse/gateway/kube/provision"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// Remote is a Plane whose Gateways are served by other processes, which hold no
// credentials of the API server: each follows a handover.Hub with the token of the
// ServiceAccount of its Gateway, and is given the snapshot of that Gateway.
type Remote struct {
	options RemoteOptions
	hub     *handover.Hub
	maker   *provisioner
	changed chan struct{}

	mu       sync.Mutex
	gateways map[translate.Name]*remote
	left     []translate.Name // whose objects are to go
	bundle   []byte
}

// RemoteOptions are of a Remote.
type RemoteOptions struct {
	// Provision is how data planes are made. Its Metrics is a port that no listener can
	// have, and its Controller DefaultController when it is "".
	Provision provision.Options
	Log       logr.Logger
}

// remote is one Gateway.
type remote struct {
	account string
	object  *gatewayv1.Gateway
	service *corev1.Service
	wanted  *config.Snapshot // as Serve had it last
	sum     string           // of what is offered; "" when nothing is
	keep    bool
	offered bool      // something was, by this process, since its class was there last
	waits   int       // for so many answers of the API server what is served stays
	since   time.Time // since when there are any to wait for; zero: there are none
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
	o.Provision.Controller = cmp.Or(o.Provision.Controller, DefaultController)
	r := &Remote{options: o, changed: make(chan struct{}, 1), gateways: map[translate.Name]*remote{}}
	r.maker = newProvisioner(api, &r.options.Provision, o.Log, r.change)
	r.hub = handover.NewHub(handover.Options{
		Identify: newIdentifier(api).identify, Claimed: func(token string) (string, error) { return claimed(token, time.Now()) }, Changed: r.change, Log: o.Log,
	})
	return r, nil
}

// Run makes data planes until ctx ends.
func (r *Remote) Run(ctx context.Context) { r.maker.run(ctx) }

// Trust has data planes trust the authorities of a bundle.
func (r *Remote) Trust(bundle []byte) {
	r.mu.Lock()
	r.bundle = bundle
	r.mu.Unlock()
	r.change()
}

// Trusted is what all data planes trust, nil while some do not have it yet. Those that were
// never made do not count, nor those whose objects cannot be made for a long time.
func (r *Remote) Trusted() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	has := func(name translate.Name) bool {
		g := r.gateways[name]
		return g != nil && g.service != nil
	}
	if !r.maker.trusts(r.bundle, has, time.Now()) {
		return nil
	}
	return r.bundle
}

// Leftover says whose objects are to go, since they are not ours any more.
func (r *Remote) Leftover(gateways []translate.Name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = gateways
}

// Server answers data planes. Who serves it says where.
func (r *Remote) Server(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *http.Server {
	return r.hub.Server(certificate)
}

// Changed implements Plane.
func (r *Remote) Changed() <-chan struct{} { return r.changed }

// makes implements maker: all Gateways are served by others.
func (r *Remote) makes(*v1alpha1.GatewayParameters) bool { return true }

func (r *Remote) change() { signal(r.changed) }

// Serve implements Plane.
func (r *Remote) Serve(_ context.Context, all []Served) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted, accounts, made := map[translate.Name]bool{}, map[string]bool{}, map[translate.Name]*provision.Gateway{}
	order := slices.SortedFunc(slices.Values(all), func(a, b Served) int {
		return cmp.Or(a.Created.Compare(b.Created), compare(a.Gateway, b.Gateway))
	})
	for _, name := range r.left { // also those whose objects cannot be deleted listen for nothing any more
		made[name] = nil
		account := accountFor(name)
		accounts[account] = true
		r.hub.Offer(account, nil)
	}
	for i := range order {
		s := &order[i]
		g := r.gateways[s.Gateway]
		if g == nil {
			g = &remote{account: accountFor(s.Gateway)}
			r.gateways[s.Gateway] = g
		}
		wanted[s.Gateway], g.object, g.service = true, s.Object, s.Service
		if accounts[g.account] { // two names with one sum, of which somebody has made one
			g.fault, g.sum = errors.New("its objects would have the names of another Gateway's"), ""
			continue
		}
		accounts[g.account] = true
		g.waits = r.awaits(s, g)
		r.offer(s, g)
		if s.Object == nil || r.bundle == nil {
			continue
		}
		// What is served stays, and so does the way to it. Without a Service there is none.
		if keep := g.keep || s.Unknown || g.fault != nil; !keep || s.Service != nil {
			made[s.Gateway] = r.gateway(s)
			made[s.Gateway].Keep = keep
		}
	}
	for name := range r.gateways {
		if !wanted[name] {
			delete(r.gateways, name)
		}
	}
	r.hub.Keep(accounts)
	r.maker.want(made)
}

// gateway is a Gateway whose data plane is made.
func (r *Remote) gateway(s *Served) *provision.Gateway {
	out := &provision.Gateway{Namespace: s.Gateway.Namespace, Name: s.Gateway.Name, Class: string(s.Object.Spec.GatewayClassName), UID: s.Object.UID, Bundle: r.bundle}
	if s.Parameters != nil {
		out.Parameters = &s.Parameters.Spec
	}
	if i := s.Object.Spec.Infrastructure; i != nil {
		out.Labels, out.Annotations = map[string]string{}, map[string]string{}
		for k, v := range i.Labels {
			out.Labels[string(k)] = string(v)
		}
		for k, v := range i.Annotations {
			out.Annotations[string(k)] = string(v)
		}
	}
	if len(s.Asked) == 1 {
		out.Address = s.Asked[0]
	}
	if s.Snapshot == nil {
		return out
	}
	for i := range s.Snapshot.Listeners {
		l := &s.Snapshot.Listeners[i]
		p := provision.Port{Number: l.Address.Port(), Datagrams: l.Protocol == config.UDP}
		if (p.Datagrams || p.Number != r.options.Provision.Metrics) && !slices.Contains(out.Ports, p) {
			out.Ports = append(out.Ports, p)
		}
	}
	slices.SortFunc(out.Ports, func(a, b provision.Port) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), first(!a.Datagrams, !b.Datagrams))
	})
	return out
}

// offer has a Gateway's replicas given what they are to serve.
func (r *Remote) offer(s *Served, g *remote) {
	if g.keep = s.Keep || g.waits > 0; g.keep {
		return
	}
	if g.fault == nil && g.sum != "" && (g.wanted == s.Snapshot || reflect.DeepEqual(g.wanted, s.Snapshot)) {
		g.wanted, g.offered = s.Snapshot, true
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
	g.sum, g.offered = r.hub.Offer(g.account, text), true
}

// possible is a snapshot without the listeners whose port data planes need themselves;
// nil when there is no other.
func (r *Remote) possible(s *config.Snapshot) (*config.Snapshot, map[Port]string) {
	left, unbound := map[string]bool{}, map[Port]string{}
	for i := range s.Listeners {
		l := &s.Listeners[i]
		if l.Protocol != config.UDP && l.Address.Port() == r.options.Provision.Metrics {
			left[l.Name] = true
			unbound[Port{l.Address.Port(), false}] = fmt.Sprintf("port %d is where data planes answer probes", r.options.Provision.Metrics)
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
