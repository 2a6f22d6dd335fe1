// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
)

// storeName is what the data plane calls the store of a Gateway, which has one at most.
const storeName = "gatewayparameters"

// storePrefix is what keys begin with unless somebody says otherwise, as without a cluster.
const storePrefix = "gatehouse"

// Where the Secret of a store has what, and 4 KiB for each, as without a cluster.
const (
	storeUserKey   = corev1.BasicAuthUsernameKey
	storeWordKey   = corev1.BasicAuthPasswordKey
	storeDigestKey = "secret"
	maxStoreKey    = 4 << 10
)

// storage is where the replicas of a Gateway count together.
type storage struct {
	store   config.Store
	reason  string // why it cannot be had, as ResolvedRefs has it
	message string // "": it can be had
}

// storage finds the store of a Gateway, once: only GatewayParameters name one, so that who
// writes policies has nobody connect anywhere.
func (x *index) storage(g *gateway) *storage {
	if g.storage != nil {
		return g.storage
	}
	g.storage = &storage{}
	class := string(g.object.Spec.GatewayClassName)
	p := x.parametersOf[class]
	if p == nil || p.Spec.Store == nil {
		what := "GatewayClass " + class
		if g.builtin {
			what = "what has no Gateway"
		}
		g.storage.refuse(v1alpha1.ReasonRefNotFound, what+" has no GatewayParameters with a store, in which limits of scope Gateway are counted")
		return g.storage
	}
	r := storeReader{index: x, gateway: g, out: g.storage, at: fmt.Sprintf("%s %s: spec.store.redis", v1alpha1.GatewayParametersKind, p.Name)}
	g.missing.add(x.lacks(func() { r.redis(&p.Spec.Store.Redis) }))
	return g.storage
}

// refuse says why there is none; the first reason stays.
func (s *storage) refuse(reason, message string) {
	if s.message == "" {
		s.reason, s.message = reason, message
	}
}

// storeReader reads where a Gateway counts.
type storeReader struct {
	*index
	gateway *gateway
	out     *storage
	at      string
}

func (r *storeReader) refuse(field, reason, format string, values ...any) {
	r.out.refuse(reason, r.at+field+": "+fmt.Sprintf(format, values...))
}

func (r *storeReader) redis(spec *v1alpha1.GatewayRedis) {
	name := nameOf(r.gateway.object)
	out := &config.Redis{
		Address: spec.Address, Database: int(spec.Database), Timeout: config.Duration(spec.Timeout.Duration),
		Prefix: cmp.Or(spec.Prefix, storePrefix) + "/" + name.String(),
	}
	r.out.store = config.Store{Name: storeName, Redis: out}
	if strings.HasPrefix(spec.Address, "unix:") {
		r.refuse(".address", v1alpha1.ReasonInvalidRef, "%.80q is no host with a port", spec.Address)
	}
	if spec.Timeout.Duration < 0 {
		r.refuse(".timeout", v1alpha1.ReasonInvalidRef, "%s is less than no time", spec.Timeout.Duration)
	}
	if ref := spec.SecretRef; ref != nil {
		r.credentials(out, ref)
	}
	if t := spec.TLS; t != nil {
		r.tls(out, t)
	}
	for _, f := range faults(&config.Snapshot{Stores: []config.Store{r.out.store}}) {
		r.refuse(strings.TrimPrefix(f.Path, "stores[0].redis"), v1alpha1.ReasonInvalidRef, "%s", f.What)
	}
	if _, err := out.ClientTLS(); err != nil && r.out.message == "" {
		r.refuse(".tls", v1alpha1.ReasonInvalidRef, "%v", err)
	}
}

// credentials reads by whose name the store is spoken to. A Secret without a password would
// be nobody's name, which is not what somebody meant who named one.
func (r *storeReader) credentials(out *config.Redis, ref *v1alpha1.GatewayReference) {
	const field = ".secretRef"
	s, name := r.secretAt(field, ref)
	if s == nil {
		return
	}
	for _, key := range []string{storeUserKey, storeWordKey, storeDigestKey} {
		if value, there := s.Data[key]; there && (len(value) == 0 || len(value) > maxStoreKey) {
			r.refuse(field, v1alpha1.ReasonInvalidRef, "%s of Secret %s has %d bytes, and 1 to %d may be", key, name, len(value), maxStoreKey)
		}
	}
	if len(s.Data[storeWordKey]) == 0 {
		r.refuse(field, v1alpha1.ReasonInvalidRef, "Secret %s has nothing in %s", name, storeWordKey)
	}
	out.Username, out.Password, out.Secret = string(s.Data[storeUserKey]), s.Data[storeWordKey], s.Data[storeDigestKey]
}

func (r *storeReader) tls(out *config.Redis, spec *v1alpha1.GatewayStoreTLS) {
	out.TLS = &config.RedisTLS{ServerName: spec.ServerName}
	if ref := spec.CARef; ref != nil {
		const field = ".tls.caRef"
		if name, granted := r.refer(field, configMapKind, ref); granted {
			bundle, fault := r.authorities(name)
			if fault != "" {
				r.refuse(field, v1alpha1.ReasonInvalidRef, "%s", fault)
			}
			out.TLS.CA = bundle
		}
	}
	if ref := spec.ClientCertificateRef; ref != nil {
		const field = ".tls.clientCertificateRef"
		s, name := r.secretAt(field, ref)
		if s == nil {
			return
		}
		if fault := r.unfit(name, s); fault != "" {
			r.refuse(field, v1alpha1.ReasonInvalidRef, "Secret %s %s", name, fault)
			return
		}
		out.TLS.Cert, out.TLS.Key = s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey]
	}
}

// secretAt is a Secret, nil if it cannot be had, which was said.
func (r *storeReader) secretAt(field string, ref *v1alpha1.GatewayReference) (*corev1.Secret, Name) {
	name, granted := r.refer(field, secretKind, ref)
	if !granted {
		return nil, name
	}
	s := r.secret(name)
	if s == nil {
		r.refuse(field, v1alpha1.ReasonRefNotFound, "%s", r.absent(secretKind, name))
	}
	return s, name
}

// refer is a reference of the Gateway, whose namespace can read what it is handed: another
// namespace has to grant it to this one, whoever wrote the parameters.
func (r *storeReader) refer(field string, to kind, ref *v1alpha1.GatewayReference) (Name, bool) {
	var namespace *gatewayv1.Namespace
	if ref.Namespace != "" {
		n := gatewayv1.Namespace(ref.Namespace)
		namespace = &n
	}
	made := referTo(gatewayKind, r.gateway.object.Namespace, to, namespace, gatewayv1.ObjectName(ref.Name))
	if !r.granted(made) {
		r.refuse(field, v1alpha1.ReasonNotPermitted, "%s", made.refusal())
		return made.name, false
	}
	return made.name, true
}

// stored finds the stores of the Gateways that a policy with shared limits concerns. One
// that cannot be had breaks it there, and nowhere else.
func (x *index) stored(p *policy) {
	if p.traffic == nil || p.traffic.Store == "" {
		return
	}
	for g, at := range p.gateways {
		if s := x.storage(g); s.message != "" {
			at.unstored = s
		}
	}
}

// store adds the store that a policy counts in.
func (b *snapshotBuilder) store(p *policy) {
	if p.traffic.Store != "" && len(b.out.Stores) == 0 {
		b.out.Stores = []config.Store{b.gateway.storage.store}
	}
}
