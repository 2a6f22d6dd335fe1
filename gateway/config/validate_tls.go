// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/gateway/request"
)

// preload is what the lists of browsers want of HSTS (hstspreload.org).
const preload = 365 * 24 * time.Hour

// tls checks what a listener says of TLS.
func (v *validator) tls(path string, l *Listener, certificates map[string]bool) {
	if l.HSTS != nil {
		v.hsts(path+".hsts", l)
	}
	t := l.TLS
	if t == nil {
		return
	}
	path += ".tls"
	if l.Protocol != HTTPS {
		v.fault(path, "a listener of %s has none", l.Protocol)
	}
	v.served(path, t, certificates)
}

// served checks what clients are presented, and what is taken of them.
func (v *validator) served(path string, t *TLS, certificates map[string]bool) {
	v.oneOf(path+".minVersion", string(t.MinVersion), "", string(TLS12), string(TLS13))
	for i, c := range t.Certificates {
		v.known(fmt.Sprintf("%s.certificates[%d]", path, i), "certificate", c, certificates)
	}
	c := t.Client
	if c == nil {
		return
	}
	path += ".client"
	v.oneOf(path+".mode", string(c.Mode), "", string(Require), string(Optional), string(Fallback))
	if len(c.CAFiles) == 0 && len(c.CAs) == 0 {
		v.fault(path+".caFiles", "there is none, so no certificate could be verified")
	}
	v.sans(path+".allow", &c.Allow)
}

func (v *validator) hsts(path string, l *Listener) {
	age := time.Duration(l.HSTS.MaxAge)
	switch {
	case l.Protocol != HTTPS:
		v.fault(path, "a listener of %s has none", l.Protocol)
	case age < time.Second:
		v.fault(path+".maxAge", "it is shorter than a second")
	case l.HSTS.Preload && (age < preload || !l.HSTS.SubDomains):
		v.fault(path+".preload", "it wants includeSubDomains, and a maxAge of %s or more", preload)
	}
}

// sans checks names that certificates are to have.
func (v *validator) sans(path string, n *Names) {
	for i, name := range n.DNS {
		if name == "*" {
			v.fault(fmt.Sprintf("%s.dns[%d]", path, i), "%q would be every name", name)
			continue
		}
		v.host(fmt.Sprintf("%s.dns[%d]", path, i), name)
	}
	for i, name := range n.URIs {
		u, err := url.Parse(strings.TrimSuffix(name, "/*"))
		if err != nil || u.Scheme == "" || u.Host == "" || strings.Contains(strings.TrimSuffix(name, "/*"), "*") {
			v.fault(fmt.Sprintf("%s.uris[%d]", path, i), "%q is no URI with a scheme and an authority; it may end in \"/*\"", name)
		}
	}
	for i, name := range n.Emails {
		if local, host, found := strings.Cut(name, "@"); !found || local == "" || host == "" || strings.ContainsAny(name, "* \t") {
			v.fault(fmt.Sprintf("%s.emails[%d]", path, i), "%q is no address of mail", name)
		}
	}
}

func (v *validator) backendTLS(path string, t *BackendTLS, certificates map[string]bool) {
	if host, port, refusal := request.Host(t.ServerName); refusal != nil || port != "" || host != t.ServerName {
		v.fault(path+".serverName", "%q is no name of a host in lower case: the backend is asked for it, and its certificate must have it", t.ServerName)
	}
	v.oneOf(path+".minVersion", string(t.MinVersion), "", string(TLS12), string(TLS13))
	if t.ClientCertificate != "" {
		v.known(path+".clientCertificate", "certificate", t.ClientCertificate, certificates)
	}
	v.sans(path+".identities", &t.Identities)
}
