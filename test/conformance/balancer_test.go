// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// balancer stands for the controller of a cloud's load balancers: it gives each Service of
// type LoadBalancer an address, the one that the Service asks for if that may be had. Where
// packets to these addresses go is the node's to know.
type balancer struct {
	client      client.Client
	first, last netip.Addr
	given       map[netip.Addr]client.ObjectKey
}

// startBalancer gives addresses until the test ends.
func startBalancer(t *testing.T, c client.Client, addresses string) {
	t.Helper()
	from, to, _ := strings.Cut(addresses, "-")
	b := &balancer{client: c, given: map[netip.Addr]client.ObjectKey{}}
	var err error
	if b.first, err = netip.ParseAddr(from); err == nil {
		b.last, err = netip.ParseAddr(to)
	}
	if err != nil {
		t.Fatalf("read the addresses of load balancers: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for tick := time.NewTicker(200 * time.Millisecond); ; {
			if err := b.once(ctx); err != nil && ctx.Err() == nil {
				t.Logf("give addresses to Services: %v", err) // the next time may do
			}
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-over })
}

// once gives every Service what it has not got.
func (b *balancer) once(ctx context.Context) error {
	var all corev1.ServiceList
	if err := b.client.List(ctx, &all); err != nil {
		return err
	}
	there := map[client.ObjectKey]bool{}
	for i := range all.Items {
		if s := &all.Items[i]; s.Spec.Type == corev1.ServiceTypeLoadBalancer && s.DeletionTimestamp == nil {
			there[client.ObjectKeyFromObject(s)] = true
		}
	}
	for a, key := range b.given {
		if !there[key] {
			delete(b.given, a)
		}
	}
	for i := range all.Items {
		if s := &all.Items[i]; there[client.ObjectKeyFromObject(s)] {
			if err := b.give(ctx, s); err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
				return err
			}
		}
	}
	return nil
}

// give writes into the status of a Service the address that it is to have, none if that is
// not to be had.
func (b *balancer) give(ctx context.Context, s *corev1.Service) error {
	key, has := client.ObjectKeyFromObject(s), ""
	for _, i := range s.Status.LoadBalancer.Ingress {
		has = i.IP
	}
	asked := s.Spec.LoadBalancerIP // deprecated, and what clouds are asked by
	if has != "" && (asked == "" || asked == has) {
		return nil
	}
	var ingress []corev1.LoadBalancerIngress
	if a, free := b.free(key, asked); free {
		ingress = []corev1.LoadBalancerIngress{{IP: a.String()}}
	} else if has == "" {
		return nil
	}
	s.Status.LoadBalancer.Ingress = ingress
	if err := b.client.Status().Update(ctx, s); err != nil {
		return fmt.Errorf("give %s an address: %w", key, err)
	}
	return nil
}

// free takes an address: the one that is asked for, or the first that nobody has. The last
// one is for who asks for it.
func (b *balancer) free(key client.ObjectKey, asked string) (netip.Addr, bool) {
	for a := b.first; a.Compare(b.last) <= 0; a = a.Next() {
		holder, held := b.given[a]
		switch {
		case held && holder != key, asked != "" && a.String() != asked, asked == "" && a == b.last:
			continue
		}
		for other, holder := range b.given {
			if holder == key {
				delete(b.given, other)
			}
		}
		b.given[a] = key
		return a, true
	}
	return netip.Addr{}, false
}
