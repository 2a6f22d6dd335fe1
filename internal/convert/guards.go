// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// once sets what a plan has one of. Controllers ask every guard that is named; of two that
// differ, one would be lost.
func once[T any](to **T, v *T, what string) error {
	if *to != nil && !reflect.DeepEqual(*to, v) {
		return fmt.Errorf("%s twice, in different ways: an AccessPolicy has one, and every one was asked", what)
	}
	*to = v
	return nil
}

// allows sets whose addresses are let in.
func (p *plan) allows(found []netip.Prefix) error {
	found = slices.Clone(found)
	slices.SortFunc(found, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	found = slices.Compact(found)
	if len(p.access.allow) > 0 && !slices.Equal(p.access.allow, found) {
		return errors.New("addresses are let in by another list, too, and had to be in both: write one list of those that are")
	}
	p.access.allow = found
	return nil
}

// denies adds addresses that are kept out.
func (p *plan) denies(found []netip.Prefix) { p.access.deny = append(p.access.deny, found...) }

func (p *plan) password(b *v1alpha1.Basic) error {
	return once(&p.access.basic, b, "a password is asked for")
}

func (p *plan) asks(e *v1alpha1.ExternalHTTP) error {
	return once(&p.access.external, e, "a service is asked")
}

func (p *plan) shares(c *gatewayv1.HTTPCORSFilter) error {
	if p.cors != nil && !reflect.DeepEqual(p.cors, c) {
		return errors.New("CORS is said twice, in different ways, and an HTTPRoute says it once")
	}
	p.cors = c
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

// kongNearest keeps the plugin of an Ingress where one of its Services has another of the
// same kind: Kong takes that of the route alone.
// https://developer.konghq.com/gateway/entities/plugin/#plugin-precedence
func (r *reader) kongNearest(of, name string) (kept bool, err error) {
	at := r.line.Kind
	if has, there := r.plugins[of]; there && has[0] == "Ingress" && at == "Service" {
		r.note("%s of the Ingress is taken, and not this one", of)
		return true, nil
	} else if there && has != [2]string{at, name} {
		return false, fmt.Errorf("%s is %s of the same %s already, and Kong takes one of a kind: name it alone", of, has[1], at)
	} else if there {
		return true, nil
	}
	if r.plugins == nil {
		r.plugins = map[string][2]string{}
	}
	r.plugins[of] = [2]string{at, name}
	return false, nil
}
