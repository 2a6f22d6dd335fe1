// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"bytes"
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// policyReader reads what a policy refers to.
type policyReader struct {
	*index
	policy *policy
}

// unresolved says that something cannot be had.
func (r *policyReader) unresolved(at, reason, format string, values ...any) {
	r.policy.refuse(resolvedRefs, reason, "spec."+at+": "+fmt.Sprintf(format, values...))
}

// data returns what a Secret has, nil if it cannot be had, which was said.
func (r *policyReader) data(at, key string, ref *v1alpha1.PolicyReference) []byte {
	to, granted := r.refer(at, secretKind, ref)
	if !granted {
		return nil
	}
	s := r.secret(to)
	if s == nil {
		r.unresolved(at, v1alpha1.ReasonRefNotFound, "%s", r.absent(secretKind, to))
		return nil
	}
	if len(s.Data[key]) == 0 {
		r.unresolved(at, v1alpha1.ReasonInvalidRef, "Secret %s has nothing in %s", to, key)
		return nil
	}
	return s.Data[key]
}

func (r *policyReader) refer(at string, to kind, ref *v1alpha1.PolicyReference) (Name, bool) {
	var namespace *gatewayv1.Namespace
	if ref.Namespace != "" {
		n := gatewayv1.Namespace(ref.Namespace)
		namespace = &n
	}
	made := referTo(r.policy.of, r.policy.name.Namespace, to, namespace, gatewayv1.ObjectName(ref.Name))
	if !r.granted(made) {
		r.unresolved(at, v1alpha1.ReasonNotPermitted, "%s", made.refusal())
		return Name{}, false
	}
	return made.name, true
}

// lines are those of several Secrets. Each is read by itself, so that a fault is said of
// the one that has it.
func (r *policyReader) lines(at, key string, refs []v1alpha1.PolicyReference, parse func([]byte) error) config.Secret {
	var out [][]byte
	for i := range refs {
		where := fmt.Sprintf("%s.secretRefs[%d]", at, i)
		data := r.data(where, key, &refs[i])
		if data == nil {
			continue
		}
		if err := parse(data); err != nil {
			r.unresolved(where, v1alpha1.ReasonInvalidRef, "%s of the Secret: %v", key, err)
			continue
		}
		out = append(out, data)
	}
	return bytes.Join(out, []byte("\n"))
}

// service finds a backend, and has it spoken to by a protocol unless the Service says
// another one.
func (r *policyReader) service(at string, ref *v1alpha1.PolicyBackend, protocol string) string {
	as := &route{name: r.policy.name, of: r.policy.of}
	for g := range r.policy.gateways {
		as.parents = append(as.parents, &parent{gateway: g})
	}
	port := ref.Port
	to := gatewayv1.BackendObjectReference{Name: gatewayv1.ObjectName(ref.Name), Port: &port}
	if ref.Namespace != "" {
		n := gatewayv1.Namespace(ref.Namespace)
		to.Namespace = &n
	}
	b, problem := r.backend(as, &to)
	if problem != nil {
		reason := string(problem.reason)
		if reason == "" {
			problem.message, reason = "its BackendTLSPolicy cannot be kept", v1alpha1.ReasonInvalidRef
		}
		r.unresolved(at+".backendRef", reason, "%s", problem.message)
		return ""
	}
	if b.Protocol == "" && protocol != "" {
		if b.Protocol = protocol; b.TLS != nil {
			b.Protocol = "h2"
		}
		b.Name += "/" + b.Protocol
	}
	r.policy.backends = append(r.policy.backends, b)
	return b.Name
}
