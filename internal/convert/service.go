// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
)

// servicePort is a port of a Service.
type servicePort struct {
	Name
	port int32
}

var label = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// serviceOf reads the URL of a Service in the cluster, and the path that is asked for.
func serviceOf(v, namespace string) (to servicePort, path string, err error) {
	u, err := url.Parse(v)
	if err != nil || strings.ContainsAny(v, "$ ") || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return to, "", fmt.Errorf("%.100q is no URL that can be asked for as it is: no variables, no query, no password", v)
	}
	if u.Scheme != "http" {
		return to, "", fmt.Errorf("%.100q is not asked for by http: send it to a Service of the cluster, with a BackendTLSPolicy for TLS", v)
	}
	parts := strings.Split(u.Hostname(), ".")
	inside := len(parts) == 2 || len(parts) >= 3 && parts[2] == "svc" && (len(parts) == 3 || strings.Join(parts[3:], ".") == "cluster.local")
	if len(parts) == 1 && label.MatchString(parts[0]) {
		parts, inside = []string{parts[0], namespace}, true
	}
	if !inside || !label.MatchString(parts[0]) || !label.MatchString(parts[1]) {
		return to, "", fmt.Errorf("%.100q is no Service of the cluster, and other hosts are not asked: put a Service before it", u.Hostname())
	}
	to = servicePort{Name{Namespace: parts[1], Name: parts[0]}, 80}
	if p := u.Port(); p != "" {
		n, err := number(p, 1, 65535)
		if err != nil {
			return to, "", err
		}
		to.port = int32(n) //nolint:gosec // number bounds it
	}
	return to, u.EscapedPath(), nil
}

// externalAuth has the Service of a URL asked about every request.
func (c *conversion) externalAuth(p *plan) {
	if e := p.access.external; e != nil && e.BackendRef.Namespace != "" {
		to := Name{Namespace: e.BackendRef.Namespace, Name: e.BackendRef.Name}
		c.grants[grant{v1alpha1.GroupVersion.Group, v1alpha1.AccessPolicyKind, p.ingress.Namespace, "", "Service", to}] = true
	}
	if b := p.access.basic; b != nil {
		for _, ref := range b.SecretRefs {
			if ref.Namespace != "" {
				c.grants[grant{v1alpha1.GroupVersion.Group, v1alpha1.AccessPolicyKind, p.ingress.Namespace, "", "Secret", Name{Namespace: ref.Namespace, Name: ref.Name}}] = true
			}
		}
	}
}

// reference names an object as annotations do: its name, perhaps with a namespace and a
// slash before it.
func reference(v, namespace string) (v1alpha1.PolicyReference, error) {
	in, name, split := strings.Cut(v, "/")
	if !split {
		in, name = "", v
	}
	if in == namespace {
		in = ""
	}
	if !hostName.MatchString(name) || strings.HasPrefix(name, "*") || split && in != "" && !label.MatchString(in) {
		return v1alpha1.PolicyReference{}, fmt.Errorf("%.80q is no name of an object", v)
	}
	return v1alpha1.PolicyReference{Namespace: in, Name: name}, nil
}

// target is a route, for a policy.
func target(kind, name string) v1alpha1.PolicyTarget {
	return v1alpha1.PolicyTarget{Group: gatewayv1.GroupName, Kind: kind, Name: name}
}
