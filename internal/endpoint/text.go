// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// Address is where an endpoint is asked: "https://shop.example.com:8443/orders/**".
func (e *Endpoint) Address() string {
	scheme, usual := strings.ToLower(e.Listener.Protocol), 0
	switch e.Listener.Protocol {
	case "HTTP":
		usual = 80
	case "HTTPS":
		usual = 443
	case "":
		scheme = "http"
		if e.TLS.State == TLSTerminated {
			scheme = "https"
		}
	}
	host := e.Host
	if host == "" && len(e.Listener.Addresses) > 0 {
		host = e.Listener.Addresses[0]
		if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
			host = "[" + host + "]"
		}
	}
	if host == "" {
		host = "<" + e.Through.From + ">"
	}
	if e.Listener.Port != 0 && e.Listener.Port != usual {
		host += ":" + strconv.Itoa(e.Listener.Port)
	}
	if e.Host == "" && e.Listener.Protocol == "" {
		return checks.Plain(host)
	}
	path := ""
	switch {
	case len(e.Matches) == 1:
		path = " " + e.Matches[0]
		if strings.HasPrefix(e.Matches[0], "/") {
			path = e.Matches[0]
		}
	case len(e.Matches) > 1:
		path = fmt.Sprintf(" %s and %d more", e.Matches[0], len(e.Matches)-1)
	}
	return checks.Plain(scheme + "://" + host + path)
}

// Header are the columns of Row.
func Header() []string {
	return []string{"ENDPOINT", "THROUGH", "TLS", "CERTIFICATE", "AUTHENTICATION", "LIMITS", "TO", "NETWORK", "ACCOUNT", "FINDINGS"}
}

// Row is an endpoint in a line of a table.
func (e *Endpoint) Row(now time.Time) []string {
	through := e.Through.By
	if !e.Through.Gateway {
		through = "past the gateway: " + through
	}
	limits := "none"
	switch {
	case !e.Through.Gateway:
		limits = "unknown"
	case len(e.Limits) > 0:
		limits = strconv.Itoa(len(e.Limits))
	}
	out := []string{e.Address(), through, e.tlsText(), e.certificateText(now), e.authenticationText(), limits, e.to(), e.networkText(), e.accountText(), e.findingsText()}
	for i := range out {
		out[i] = checks.Plain(out[i])
	}
	return out
}

func (e *Endpoint) tlsText() string {
	out := e.TLS.State
	if e.TLS.MinVersion != "" {
		out = e.TLS.MinVersion + "+"
	}
	return out
}

// certificateText is the certificate that ends first, or of which least is known.
func (e *Endpoint) certificateText(now time.Time) string {
	if len(e.TLS.Certificates) == 0 {
		switch {
		case e.TLS.State == TLSUnknown, e.TLS.State == TLSTerminated && !e.Through.Gateway:
			return "unknown" // what others present is not read
		case e.TLS.State == TLSTerminated:
			return "made by itself, trusted by nobody"
		}
		return "-"
	}
	worst := &e.TLS.Certificates[0]
	for i := range e.TLS.Certificates {
		c := &e.TLS.Certificates[i]
		if c.NotAfter == nil && worst.NotAfter != nil || c.NotAfter != nil && worst.NotAfter != nil && c.NotAfter.Before(*worst.NotAfter) {
			worst = c
		}
	}
	return worst.text(now)
}

func (c *Certificate) text(now time.Time) string {
	if c.NotAfter == nil {
		return "unknown (Secret " + c.Secret + ")"
	}
	out := "until " + c.NotAfter.Format(time.DateOnly)
	switch c.State {
	case CertificateEnded:
		return "ended " + c.NotAfter.Format(time.DateOnly)
	case CertificateSoon:
		out += fmt.Sprintf(" (%d days)", int(c.NotAfter.Sub(now).Hours()/24))
	case CertificateEarly, CertificateUnfit:
		out += " (" + c.State + ")"
	}
	return out
}

func (e *Endpoint) authenticationText() string {
	if e.Answer == AnswerRedirect || e.Answer == AnswerRefused {
		return "- (" + e.Answer + ")"
	}
	out := e.Authentication.State
	if len(e.Authentication.Methods) > 0 {
		out += ": " + strings.Join(e.Authentication.Methods, ", ")
	}
	return out
}

// to is where requests go, in a few words.
func (e *Endpoint) to() string {
	if len(e.Backends) == 0 {
		return strings.TrimSpace(e.Answer + " " + e.Detail)
	}
	var out []string
	for i := range e.Backends {
		b := &e.Backends[i]
		var who []string
		for k := range b.Workloads {
			w := &b.Workloads[k]
			who = append(who, fmt.Sprintf("%s %s/%s", w.Kind, w.Namespace, w.Name))
		}
		text := strings.Join(who, ", ")
		if text == "" {
			text = "no workload that is known"
		}
		if b.Service != "" {
			text = b.Namespace + "/" + b.Service + colon(b.Port) + " -> " + text
		}
		if b.Share != "" {
			text = b.Share + " " + text
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func colon(port int) string {
	if port == 0 {
		return ""
	}
	return ":" + strconv.Itoa(port)
}

// openness orders what may connect, so that the worst of several is told.
func openness(state string) int {
	for i, s := range []string{NetworkGateway, NetworkNobody, NetworkSome, NetworkNamespace, NetworkCluster, NetworkUnknown, NetworkEveryone} {
		if s == state {
			return i
		}
	}
	return -1
}

func (e *Endpoint) networkText() string {
	out := ""
	for w := range e.workloads() {
		if out == "" || openness(w.Network.State) > openness(out) {
			out = w.Network.State
		}
	}
	if out == "" {
		return "-"
	}
	return out
}

func (e *Endpoint) accountText() string {
	worst := checks.SeverityUnset
	var of *Account
	for w := range e.workloads() {
		if s, _ := checks.ParseSeverity(w.Account.Power); of == nil || s > worst {
			worst, of = s, &w.Account
		}
	}
	if of == nil {
		return "-"
	}
	out := of.Name + ": " + of.Power
	if of.Power != "none" && of.Token != "mounted" {
		out += " (token " + of.Token + ")"
	}
	return out
}

func (e *Endpoint) findingsText() string {
	if len(e.Findings) == 0 {
		return "-"
	}
	seen := map[string]bool{}
	var ids []string
	for i := range e.Findings {
		if id := e.Findings[i].Check; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	const most = 4
	if more := len(ids) - most; more > 0 {
		ids = append(ids[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(ids, " ")
}
