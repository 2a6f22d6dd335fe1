// SPDX-License-Identifier: Apache-2.0

package command

import (
	"encoding/json"
	"errors"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/cilium"
	"github.com/gatehouse-sh/gatehouse/generator/clusterpolicy"
	"github.com/gatehouse-sh/gatehouse/generator/netpol"
	"github.com/gatehouse-sh/gatehouse/generator/verify"
	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// policyReader reads the policies among objects.
type policyReader struct {
	model   *generator.Model
	gateway cilium.Gateway
	ciliums []*cilium.Policy // read together: what one says of names, others use
	set     policySet
	faults  []report.Fault
}

// add reads an object, if it is a policy.
func (r *policyReader) add(t *target) {
	switch o := t.object.(type) {
	case *networkingv1.NetworkPolicy:
		list, err := netpol.Read([]*networkingv1.NetworkPolicy{o})
		r.keep(t, list, err)
	case *unstructured.Unstructured:
		switch {
		case ciliumKinds[t.key.Kind]:
			p := &cilium.Policy{}
			if r.typed(t, o, cilium.APIVersion, p) {
				r.addCilium(t, p)
			}
		case t.key.Kind == clusterPolicyKind:
			p := &policyv1alpha2.ClusterNetworkPolicy{}
			if r.typed(t, o, policyv1alpha2.GroupVersion.String(), p) {
				list, err := clusterpolicy.Read([]*policyv1alpha2.ClusterNetworkPolicy{p})
				r.keep(t, list, err)
			}
		}
	}
}

// keep keeps what an object means, or what is wrong with it.
func (r *policyReader) keep(t *target, list []verify.Policy, err error) {
	r.faults = append(r.faults, t.faultsOf(err)...)
	for _, p := range list {
		r.set.byName[p.Name] = part{t, "spec"}
	}
	r.set.policies = append(r.set.policies, list...)
}

// addCilium reads one policy alone to find its faults. What it means is only
// known of all together.
func (r *policyReader) addCilium(t *target, p *cilium.Policy) {
	if clusterwide := t.key.Kind.Kind == cilium.ClusterwideKind; clusterwide != (p.Namespace == "") {
		r.faults = append(r.faults, t.faultsOf(errors.New("a "+cilium.Kind+" has a namespace, and a "+cilium.ClusterwideKind+" has none"))...)
		return
	}
	_, err := cilium.Read([]*cilium.Policy{p}, &r.model.Environment, r.gateway)
	r.faults = append(r.faults, t.faultsOf(err)...)
	for n, spec := range p.Parts() {
		r.set.byName[p.Part(n)] = part{t, spec}
	}
	r.ciliums = append(r.ciliums, p)
}

// together reads what is only known of several policies together.
func (r *policyReader) together() {
	list, err := cilium.Read(r.ciliums, &r.model.Environment, r.gateway)
	if err != nil {
		r.faults = append(r.faults, report.Fault{Message: err.Error()})
	}
	r.set.policies = append(r.set.policies, list...)
}

// typed reads an object of a kind that the loader does not know, as the API server
// does: a field that its definition lacks is a fault, since policies must not lose
// a part of what they say.
func (r *policyReader) typed(t *target, u *unstructured.Unstructured, version string, into any) bool {
	before := len(r.faults)
	if got := u.GetAPIVersion(); got != version {
		r.faults = append(r.faults, t.faultAt("apiVersion", fmt.Sprintf("%s: version %s is not read, %s is", t.key, got, version)))
		return false
	}
	content := make(map[string]any, len(u.Object))
	for key, value := range u.Object {
		if key != "status" { // says nothing of what is wanted
			content[key] = value
		}
	}
	data, err := json.Marshal(content)
	if err != nil {
		r.faults = append(r.faults, t.faultsOf(err)...)
		return false
	}
	strict, err := kjson.UnmarshalStrict(data, into, kjson.DisallowUnknownFields)
	if err != nil {
		place := ""
		if wrong, is := errors.AsType[*json.UnmarshalTypeError](err); is {
			place = wrong.Field
			err = fmt.Errorf("%s is a %s where %s is wanted", place, wrong.Value, wrong.Type)
		}
		r.faults = append(r.faults, t.faultAt(place, fmt.Sprintf("%s: %v", t.key, err)))
	}
	for _, err := range strict {
		place := ""
		if fault, is := errors.AsType[kjson.FieldError](err); is {
			place = fault.FieldPath()
		}
		r.faults = append(r.faults, t.faultAt(place, fmt.Sprintf("%s: %v", t.key, err)))
	}
	return len(r.faults) == before
}

// faultAt is a fault at a field of an object.
func (t *target) faultAt(field, message string) report.Fault {
	file, line := t.positions.Locate(field)
	return report.Fault{File: file, Line: line, Message: message}
}

// faultsOf gives the faults of one object their lines.
func (t *target) faultsOf(err error) []report.Fault {
	if err == nil {
		return nil
	}
	list := []error{err}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		list = joined.Unwrap()
	}
	out := make([]report.Fault, 0, len(list))
	for _, e := range list {
		place := ""
		if fault, is := errors.AsType[*field.Error](e); is {
			place = fault.Field
		} else if placed, is := errors.AsType[interface {
			error
			Field() string
		}](e); is {
			place = placed.Field()
		}
		out = append(out, t.faultAt(place, e.Error()))
	}
	return out
}
