// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// once sets what a plan has one of. Of two guards that differ, as a Service and an Ingress
// may name them, one would be lost.
func once[T any](to **T, v *T, what string) error {
	if *to != nil && !reflect.DeepEqual(*to, v) {
		return fmt.Errorf("%s twice, in different ways: say it once", what)
	}
	*to = v
	return nil
}

func (p *plan) password(b *v1alpha1.Basic) error {
	return once(&p.access.basic, b, "a password is asked for")
}

func (p *plan) asks(e *v1alpha1.ExternalHTTP) error {
	return once(&p.access.external, e, "a service is asked")
}

func (p *plan) origins(c *gatewayv1.HTTPCORSFilter) error { return once(&p.cors, c, "CORS is said") }

// allows sets whose addresses are let in.
func (p *plan) allows(found []netip.Prefix) error {
	if len(p.access.allow) > 0 && !slices.Equal(p.access.allow, found) {
		return errors.New("an address has to be on another list as well: write one of those that are on both")
	}
	p.access.allow = found
	return nil
}

// denies adds addresses that are kept out.
func (p *plan) denies(found []netip.Prefix) error {
	p.access.deny = append(p.access.deny, found...)
	return nil
}

// concurrent bounds the requests that an address has under way: the least bound holds.
func (p *plan) concurrent(n int) {
	if most := int32(n); p.limits.concurrency == 0 || most < p.limits.concurrency { //nolint:gosec // bounded where it is read
		p.limits.concurrency = most
	}
}

// bounded bounds bodies, in bytes: the least bound holds, and 0 is none.
func (p *plan) bounded(bytes int64) {
	if has := p.client.body; has == nil || *has == 0 || bytes != 0 && bytes < *has {
		p.client.body = &bytes
	}
}
