// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// plan is what an Ingress asks for, in the terms of no controller.
type plan struct {
	conversion *conversion
	ingress    *networkingv1.Ingress
	controller *Controller
	class      string
	lines      []Line
	rules      []rule
	made       map[string][]string // objects by kind, for Line.To

	// Which requests.
	aliases  []string // more names of the hosts
	methods  []string
	headers  []gatewayv1.HTTPHeaderMatch
	regex    bool // paths are expressions, of which the beginning of a path must fit
	caseless bool
	exactly  bool                            // every path is exact
	specific func(string) (pathMatch, error) // ImplementationSpecific paths, if not the controller's way
	groups   bool                            // paths are expressions that rewrite reads
	www      bool                            // with or without www. leads to the other
	grpc     bool
	through  bool // TLS ends at the backend

	// What becomes of them.
	secure    int                                   // status of the redirect to https: 0 is none
	always    bool                                  // also of hosts without a certificate
	plain     bool                                  // nothing is served in clear
	wantsTLS  bool                                  // of hosts for which the Ingress names no Secret, too
	unsecured bool                                  // nothing is served by TLS
	private   [2]string                             // an annotation of the Service of a gateway that is not for the outside
	appRoot   string                                // where "/" leads to
	redirect  *gatewayv1.HTTPRequestRedirectFilter  // in the place of backends
	rewrite   func(*rule) error                     // makes the path of the backend
	host      string                                // that the backend is asked for
	request   gatewayv1.HTTPHeaderFilter            // header lines of requests
	response  gatewayv1.HTTPHeaderFilter            // and of responses
	timeouts  gatewayv1.HTTPRouteTimeouts           //
	retry     *gatewayv1.HTTPRouteRetry             //
	cors      *gatewayv1.HTTPCORSFilter             //
	mirror    *gatewayv1.HTTPRequestMirrorFilter    //
	tls       map[string]*backendTLS                // by Service; "" is all
	actions   map[string]func(*rule) error          // by the name of a backend that is none
	matches   map[string][]gatewayv1.HTTPRouteMatch // more that a request must have, by the same name
	canary    *canary
	targets   []v1alpha1.PolicyTarget // routes that send to backends
	plugins   map[string]string       // kinds of plugins of Kong, by the kind of object that names them
	shared    []string                // more Services that actions of AWS send to
	links     int                     // Middlewares of Traefik that were read

	access access
	limits limits
	client client
}

// backendTLS is how the pods of a Service are spoken to.
type backendTLS struct {
	name      string // of the certificate; "" is <service>.<namespace>.svc
	authority string // a ConfigMap with ca.crt; "" is the system's authorities
}

// rule is one path of one host.
type rule struct {
	at       string // in the Ingress
	host     string
	path     pathMatch
	raw      string // the path as the Ingress has it
	backends []gatewayv1.HTTPBackendRef
	rewrite  *gatewayv1.HTTPPathModifier
	redirect *gatewayv1.HTTPRequestRedirectFilter
	matches  []gatewayv1.HTTPRouteMatch // beside the path; any of them
	backend  *networkingv1.IngressBackend
}

// closed tells whether something was lost that must not be.
func (p *plan) closed() bool {
	return slices.ContainsFunc(p.lines, func(l Line) bool { return l.Closes })
}

// service is the name of the Service that a rule sends to, if it is one.
func (u *rule) service() string {
	if u.backend == nil || u.backend.Service == nil {
		return ""
	}
	return u.backend.Service.Name
}

// fault says that a field could not be converted, and closes the routes.
func (p *plan) fault(field, format string, values ...any) {
	p.lines = append(p.lines, p.line(field, NotSupported, format, values...))
	p.lines[len(p.lines)-1].Closes = true
}

// remark says what has changed about a field.
func (p *plan) remark(field, format string, values ...any) {
	p.lines = append(p.lines, p.line(field, Converted, format, values...))
}

func (p *plan) line(field string, o Outcome, format string, values ...any) Line {
	return Line{Kind: "Ingress", Namespace: p.ingress.Namespace, Name: p.ingress.Name, Source: field, Outcome: o, Message: fmt.Sprintf(format, values...)}
}

// backendFor is how the pods of a Service are spoken to, nil in clear.
func (p *plan) backendFor(service string) *backendTLS {
	if t := p.tls[service]; t != nil {
		return t
	}
	return p.tls[""]
}

func (p *plan) secureBackends(service string, t *backendTLS) {
	if p.tls == nil {
		p.tls = map[string]*backendTLS{}
	}
	p.tls[service] = t
}

// read makes rules of the Ingress.
func (c *conversion) read(p *plan) {
	spec := &p.ingress.Spec
	roots := map[string]bool{} // hosts of which every path is taken
	hosts := []string{}
	for i := range spec.Rules {
		host := strings.ToLower(spec.Rules[i].Host)
		if host != "" && !hostName.MatchString(host) {
			p.fault(fmt.Sprintf("spec.rules[%d].host", i), "%.80q is no name of a host", host)
			continue
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
		if spec.Rules[i].HTTP == nil { // all of it goes to the default backend
			continue
		}
		for k := range spec.Rules[i].HTTP.Paths {
			at := fmt.Sprintf("spec.rules[%d].http.paths[%d]", i, k)
			path := &spec.Rules[i].HTTP.Paths[k]
			match, err := p.path(path)
			if err != nil {
				p.fault(at+".path", "%v", err)
				p.rules = append(p.rules, rule{at: at, host: host, path: everything}) // answers 500
				continue
			}
			roots[host] = roots[host] || match == everything
			c.rule(p, rule{at: at, host: host, path: match, raw: path.Path, backend: &path.Backend})
		}
	}
	if spec.DefaultBackend == nil {
		return
	}
	// Whatever no rule takes goes to it: other paths of the hosts, and other hosts.
	for _, host := range hosts {
		if !roots[host] && host != "" {
			c.rule(p, rule{at: "spec.defaultBackend", host: host, path: everything, backend: spec.DefaultBackend})
		}
	}
	if !roots[""] {
		c.rule(p, rule{at: "spec.defaultBackend", path: everything, backend: spec.DefaultBackend})
	}
}

// rule adds one, with its backend.
func (c *conversion) rule(p *plan, u rule) {
	name := u.service()
	if act := p.actions[name]; act != nil {
		if err := act(&u); err != nil {
			p.fault(u.at+".backend", "%v", err)
		}
	} else if ref, err := c.backend(p, u.at+".backend", u.backend); err != nil {
		p.fault(u.at+".backend", "%v", err)
	} else {
		u.backends = []gatewayv1.HTTPBackendRef{ref}
	}
	u.matches = p.matches[name]
	if p.rewrite != nil && u.redirect == nil {
		if err := p.rewrite(&u); err != nil {
			p.fault(u.at+".path", "%v", err)
		}
	}
	p.rules = append(p.rules, u)
}

// serviceNames are those of the backends, each once.
func (p *plan) serviceNames() []string {
	var out []string
	add := func(b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil {
			out = appendOnce(out, b.Service.Name)
		}
	}
	add(p.ingress.Spec.DefaultBackend)
	for _, r := range p.ingress.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		for i := range r.HTTP.Paths {
			add(&r.HTTP.Paths[i].Backend)
		}
	}
	for _, name := range p.shared {
		out = appendOnce(out, name)
	}
	return out
}

// hosts are those of the rules, in order.
func (p *plan) hosts() []string {
	var out []string
	for i := range p.rules {
		if !slices.Contains(out, p.rules[i].host) {
			out = append(out, p.rules[i].host)
		}
	}
	return out
}
