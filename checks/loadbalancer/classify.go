// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const nothingDecides = "no annotation or load balancer class says that the load balancer is internal"

// Classify says whether the load balancer of a Service will be public. It reads annotations, spec.loadBalancerClass and
// spec.loadBalancerIP, and not spec.type: the caller asks only about Services of type LoadBalancer. A nil Service is
// Unknown. Safe for concurrent use.
func Classify(svc *corev1.Service, cfg Config) Verdict {
	if svc == nil {
		return Verdict{Evidence: nothingDecides}
	}
	in := input{object: ServiceObject, annotations: svc.Annotations, classField: "loadBalancerClass", address: svc.Spec.LoadBalancerIP}
	if svc.Spec.LoadBalancerClass != nil {
		in.class, in.hasClass = *svc.Spec.LoadBalancerClass, true
	}
	return classify(in, &cfg)
}

// ClassifyIngress is Classify for an Ingress whose controller makes a load balancer for it. The class is
// spec.ingressClassName or the annotation kubernetes.io/ingress.class, "" if there is none.
func ClassifyIngress(class string, annotations map[string]string, cfg Config) Verdict {
	return classify(input{object: IngressObject, annotations: annotations, classField: "ingress class", class: class, hasClass: class != ""}, &cfg)
}

// ClassifyGateway is Classify for a Gateway. The class is spec.gatewayClassName, the annotations are those of the Gateway
// and of spec.infrastructure.
func ClassifyGateway(class string, annotations map[string]string, cfg Config) Verdict {
	return classify(input{object: GatewayObject, annotations: annotations, classField: "gateway class", class: class, hasClass: class != ""}, &cfg)
}

// input is what the evaluator reads of an object.
type input struct {
	object      Object
	annotations map[string]string
	class       string
	hasClass    bool
	classField  string // name of the class in a message
	address     string // spec.loadBalancerIP
}

// result is what one row, or one key of the operator, says.
type result struct {
	scheme     Scheme
	provider   string
	evidence   string
	annotation string
}

func classify(in input, cfg *Config) Verdict {
	var v Verdict
	if in.address != "" {
		v.pin("spec.loadBalancerIP", in.address)
	}
	rows, handled := choose(in, cfg)
	var few [4]result
	results := extraResults(few[:0], in, cfg, &v)
	for i := 0; rows>>i != 0; i++ {
		if !rows.has(i) {
			continue
		}
		row := &table.rows[i]
		r, decided := evaluate(row, in, cfg, &v)
		if !decided && spokenFor(results, row.Name) {
			continue
		}
		results = append(results, r)
	}
	if _, stated := cfg.Classes[in.class]; len(results) == 0 || (rows == 0 && in.hasClass && stated) {
		results = append(results, undecided(in, cfg, handled))
	}
	v.settle(results)
	v.addCaveats(rows, in.annotations)
	return v
}

// choose finds the rows that apply. handled is false when the class belongs to a controller that the table does not have.
func choose(in input, cfg *Config) (rows set, handled bool) {
	allowed := table.allowed(in.object, cfg)
	if in.hasClass {
		byClass := table.byClass[in.object][in.class]
		return byClass & allowed, byClass&allowed != 0
	}
	if len(in.annotations) != 0 {
		rows = table.meant(in.annotations) & allowed
	}
	if rows == 0 && len(cfg.Providers) == 1 {
		rows = allowed // the only controller of the cluster
	}
	return handOver(rows, allowed, in.annotations), true
}

// handOver leaves, of two controllers that share annotations, the one that the object selects.
func handOver(rows, allowed set, annotations map[string]string) set {
	for i := 0; rows>>i != 0; i++ {
		row := &table.rows[i]
		if !rows.has(i) || row.Selector == nil {
			continue
		}
		superseded := set(1) << table.byName[row.Supersedes]
		if row.Selector.matches(annotations) || allowed&superseded == 0 {
			rows &^= superseded
		} else {
			rows &^= set(1) << i
		}
	}
	return rows
}

// undecided is the result when no row applies.
func undecided(in input, cfg *Config, handled bool) result {
	if scheme, ok := cfg.Classes[in.class]; ok && in.hasClass {
		return result{scheme: scheme, evidence: fmt.Sprintf("the configuration says that %s %s is %s", in.classField, quote(in.class), scheme)}
	}
	if !handled {
		return result{evidence: fmt.Sprintf("%s %s belongs to no load balancer controller that is known here", in.classField, quote(in.class))}
	}
	switch cfg.DefaultScheme {
	case Public:
		return result{scheme: Public, evidence: "no annotation decides, and the default scheme of the cluster is public"}
	case Internal:
		return result{scheme: Internal, evidence: "no annotation decides, and the default scheme of the cluster is internal"}
	case Unknown:
	}
	return result{evidence: nothingDecides}
}

// extraResults appends what the operator's own keys say.
func extraResults(results []result, in input, cfg *Config, v *Verdict) []result {
	for i := range cfg.Extra {
		key := &cfg.Extra[i]
		value, ok := in.annotations[key.Annotation]
		if !ok {
			continue
		}
		r := result{provider: key.Provider, annotation: key.Annotation}
		internal, public := key.holds(key.Internal, value), key.holds(key.Public, value)
		switch {
		case public:
			r.scheme = Public
		case internal:
			r.scheme = Internal
		}
		if internal && public {
			v.conflict("the configuration lists %s of annotation %s as internal and as public", quote(value), key.Annotation)
		}
		r.evidence = fmt.Sprintf("annotation %s is %s, which the configuration reads as %s", key.Annotation, quote(value), r.scheme)
		results = append(results, r)
	}
	return results
}

func (k *Key) holds(list []string, value string) bool {
	for _, item := range list {
		if item == value || (k.Case == CaseFold && strings.EqualFold(item, value)) {
			return true
		}
	}
	return false
}

func spokenFor(results []result, provider string) bool {
	for i := range results {
		if results[i].provider == provider {
			return true
		}
	}
	return false
}

// settle takes the most exposed result, the first of equals, and records all when some differ.
func (v *Verdict) settle(results []result) {
	best := 0
	for i := range results {
		if results[i].scheme.rank() > results[best].scheme.rank() {
			best = i
		}
	}
	r := results[best]
	v.Scheme, v.Provider, v.Evidence, v.Annotation = r.scheme, r.provider, r.evidence, r.annotation
	if !slices.ContainsFunc(results, func(other result) bool { return other.scheme != r.scheme }) {
		return
	}
	v.Disputed = append(make([]Reading, 0, len(results)), r.reading())
	for i := range results {
		if i != best {
			v.Disputed = append(v.Disputed, results[i].reading())
		}
	}
}

func (r *result) reading() Reading {
	out := Reading{Provider: r.provider, Title: "operator's configuration", Scheme: r.scheme, Annotation: r.annotation}
	if row, known := Lookup(r.provider); known {
		out.Title = row.Title
	}
	return out
}

// addCaveats records the clauses of the rows that applied.
func (v *Verdict) addCaveats(rows set, annotations map[string]string) {
	if len(annotations) == 0 {
		return
	}
	for i := 0; rows>>i != 0; i++ {
		if !rows.has(i) {
			continue
		}
		for _, caveat := range table.rows[i].Caveats {
			value := annotations[caveat.Annotation]
			if value == "" || (caveat.Value != "" && value != caveat.Value) || (caveat.With != Unknown && caveat.With != v.Scheme) {
				continue
			}
			v.conflict("annotation %s is %s: %s", caveat.Annotation, quote(value), caveat.Why)
		}
	}
}
