// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// listening is a listener of HTTP with a route of its own, which is redirected elsewhere.
func listening(s *config.Snapshot, name string, port uint16, to string) {
	s.Listeners = append(s.Listeners, config.Listener{Name: name, Address: netip.AddrPortFrom(netip.IPv6Unspecified(), port), Protocol: config.HTTP})
	s.Routes = append(s.Routes, config.Route{Name: name, Listeners: []string{name}, Target: config.Target{Redirect: &config.Redirect{Host: to}}})
}

// TestAPortThatCannotBeHadIsOfOneListener: the others are served, also what changes of
// them afterwards.
func TestAPortThatCannotBeHadIsOfOneListener(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.33.1:20081")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	pool, err := ParsePool("127.0.33.1")
	if err != nil {
		t.Fatal(err)
	}
	own := []netip.AddrPort{netip.MustParseAddrPort("127.0.33.1:20082"), netip.MustParseAddrPort("127.0.33.2:20080")} // of which one is elsewhere
	plane := NewLocal(LocalOptions{Pool: pool, PortOffset: offset, Reserved: own, Drain: time.Second, Log: logr.Discard(), Stdout: io.Discard})
	defer plane.Close()
	name := translate.Name{Namespace: "shop", Name: "edge"}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, to := range []string{"first.example.com", "second.example.com"} {
		s := &config.Snapshot{}
		listening(s, "http-80", 80, to)
		listening(s, "http-81", 81, to)       // which another has
		listening(s, "http-82", 82, to)       // which this process has
		listening(s, "http-60000", 60000, to) // which would be 80000
		plane.Serve(t.Context(), []Served{{Gateway: name, Snapshot: s}})
		state := plane.State(name)
		if !state.Settled || state.Live != s || len(state.Unbound) != 3 || state.Unbound[Port{Number: 81}] == "" || state.Unbound[Port{Number: 82}] == "" || state.Unbound[Port{Number: 60000}] == "" {
			t.Fatalf("the state is %+v", state)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.33.1:20080/", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if at, err := res.Location(); err != nil || at.Hostname() != to {
			t.Errorf("what was put in force says %v (%v), want %s", at, err, to)
		}
	}
	s := &config.Snapshot{}
	listening(s, "http-60000", 60000, "third.example.com")
	plane.Serve(t.Context(), []Served{{Gateway: name, Snapshot: s}})
	if state := plane.State(name); state.Settled || state.Reason != gatewayv1.GatewayReasonInvalid || len(state.Unbound) != 1 {
		t.Errorf("without any listener the state is %+v", state)
	}
}

// TestAListenerSaysThatItsPortCannotBeHad, and no other one of its Gateway.
func TestAListenerSaysThatItsPortCannotBeHad(t *testing.T) {
	t.Parallel()
	name := translate.Name{Namespace: "shop", Name: "edge"}
	said := func() []metav1.Condition {
		return []metav1.Condition{{Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted"}}
	}
	o := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "edge"}, Spec: gatewayv1.GatewaySpec{Listeners: []gatewayv1.Listener{
		{Name: "well", Port: 80, Protocol: gatewayv1.HTTPProtocolType}, {Name: "taken", Port: 81, Protocol: gatewayv1.TCPProtocolType}, {Name: "datagrams", Port: 81, Protocol: gatewayv1.UDPProtocolType},
	}}}
	result := &translate.Result{Gateways: map[translate.Name]gatewayv1.GatewayStatus{name: {Conditions: said(), Listeners: []gatewayv1.ListenerStatus{
		{Name: "well", Conditions: said()}, {Name: "taken", Conditions: said()}, {Name: "datagrams", Conditions: said()},
	}}}}
	own := &teller{result: result, state: func(translate.Name) State {
		return State{Settled: true, Unbound: map[Port]string{{Number: 81}: "address already in use"}}
	}}
	status, _, _ := own.tell(nil, o)
	got, is := status.(*gatewayv1.GatewayStatus)
	if !is || len(got.Listeners) != 3 {
		t.Fatalf("the status is %+v", status)
	}
	conditions := func(all []metav1.Condition) (out string) {
		for _, c := range all {
			out += c.Type + "=" + string(c.Status) + "/" + c.Reason + " "
		}
		return out
	}
	const well = "Accepted=True/Accepted Programmed=True/Programmed "
	for i, want := range []string{well, "Accepted=False/PortUnavailable Programmed=False/PortUnavailable ", well} {
		if got := conditions(got.Listeners[i].Conditions); got != want {
			t.Errorf("listener %s: got %s, want %s", o.Spec.Listeners[i].Name, got, want)
		}
	}
	if got, want := conditions(got.Conditions), "Accepted=True/ListenersNotValid Programmed=True/Programmed "; got != want {
		t.Errorf("the Gateway says %s, want %s", got, want)
	}
}

// TestAGatewayWhoseTranslationFailsKeepsItsAddress, also in a process that has never served
// it: another one is not to get its clients.
func TestAGatewayWhoseTranslationFailsKeepsItsAddress(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]bool{"it has a fault": true, "it has nothing to serve": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := ParsePool("127.0.24.9")
			if err != nil {
				t.Fatal(err)
			}
			l := NewLocal(LocalOptions{Pool: pool, Log: logr.Discard(), Stdout: io.Discard})
			t.Cleanup(l.Close)
			l.Serve(t.Context(), []Served{
				{Gateway: translate.Name{Name: "first"}, Keep: keep, Held: []string{"127.0.24.9"}},
				{Gateway: translate.Name{Name: "second"}, Asked: []string{"127.0.24.9"}},
			})
			for _, g := range []string{"first", "second"} {
				has := len(l.State(translate.Name{Name: g}).Addresses) > 0
				if has != (g == "first") {
					t.Errorf("%s has an address: %t", g, has)
				}
			}
		})
	}
}
