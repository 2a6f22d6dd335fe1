// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gatehouse-sh/gatehouse/checks"
)

// lines collects labelled lines in visible characters.
type lines struct{ b strings.Builder }

func (l *lines) head(format string, args ...any) {
	l.b.WriteString(checks.Plain(fmt.Sprintf(format, args...)) + "\n")
}

// put writes a line with its label; nothing for an empty text.
func (l *lines) put(label, text string) {
	if text != "" {
		fmt.Fprintf(&l.b, "  %-15s %s\n", label, checks.Plain(text))
	}
}

// list writes the first texts with the label, each in a line, and counts the others.
func (l *lines) list(label string, texts []string) {
	for i, text := range texts {
		if i == mostLines {
			l.put("", fmt.Sprintf("and %d more", len(texts)-mostLines))
			return
		}
		l.put(label, text)
		label = ""
	}
}

// mostLines bounds lists of an endpoint in text; the machine forms have everything.
const mostLines = 10

// Text writes the report for people to read.
func (r *Report) Text(w io.Writer) error {
	var l lines
	for i := range r.Endpoints {
		e := &r.Endpoints[i]
		l.head("%s", e.Address())
		e.detail(&l)
		l.b.WriteByte('\n')
	}
	if len(r.NotServed) > 0 {
		l.head("Not served:")
		for i := range r.NotServed {
			l.head("  %s", r.NotServed[i].String())
		}
		l.b.WriteByte('\n')
	}
	l.head("%s", r.Summary.String())
	_, err := io.WriteString(w, l.b.String())
	return err
}

// more counts what is left out.
func more(n int) string { return fmt.Sprintf(" (and %d more of it)", n) }

// String returns the object, the part of it and why.
func (n *NotServed) String() string {
	out := n.Kind + " "
	if n.Namespace != "" {
		out += n.Namespace + "/"
	}
	out += n.Name
	if n.Part != "" {
		out += " " + n.Part
	}
	if out += ": " + n.Reason; n.Message != "" {
		out += ": " + n.Message
	}
	return checks.Plain(out)
}

// String returns the counts in words.
func (s *Summary) String() string {
	noun := "endpoints"
	if s.Endpoints == 1 {
		noun = "endpoint"
	}
	return fmt.Sprintf("%d %s: %d past the gateway, %d without authentication, %d without TLS; not served: %d.", s.Endpoints, noun, s.PastTheGateway, s.Unauthenticated, s.WithoutTLS, s.NotServed)
}

func (e *Endpoint) detail(l *lines) {
	through := e.Through.By
	if e.Through.Class != "" {
		through += " of class " + e.Through.Class
	}
	if !e.Through.Gateway {
		through += ", past the gateway"
	}
	if e.Listener.Name != "" {
		through += ", listener " + e.Listener.Name
	}
	if len(e.Listener.Addresses) > 0 {
		through += ", at " + strings.Join(e.Listener.Addresses, ", ")
	}
	l.put("through", through)
	if len(e.Matches) > 1 {
		l.list("requests", e.Matches)
	}
	if e.Route != nil {
		l.put("route", e.Route.String())
	}
	tls := e.tlsText()
	if e.TLS.ClientCertificates != "" {
		tls += ", client certificates: " + e.TLS.ClientCertificates
	}
	l.put("TLS", tls)
	for i := range e.TLS.Certificates {
		c := &e.TLS.Certificates[i]
		text := "Secret " + c.Secret + ": " + c.State
		if c.NotAfter != nil {
			text += ", until " + c.NotAfter.Format(time.DateOnly)
		}
		if c.Why != "" {
			text += " (" + c.Why + ")"
		}
		l.put("certificate", text)
	}
	e.guards(l)
	answer := e.Answer
	if e.Detail != "" {
		answer += ": " + e.Detail
	}
	if e.Answer != AnswerBackends || e.Detail != "" {
		l.put("answer", answer)
	}
	e.behind(l)
	l.list("findings", perCheck(e.Findings))
}

// guards says who gets in, and how often.
func (e *Endpoint) guards(l *lines) {
	if e.Answer == AnswerRedirect {
		return
	}
	text := e.authenticationText()
	if e.Authentication.Why != "" {
		text += " (" + e.Authentication.Why + ")"
	}
	l.put("authentication", text)
	policies := make([]string, 0, len(e.Authentication.Policies))
	for _, h := range e.Authentication.Policies {
		policies = append(policies, h.String())
	}
	l.list("policies", policies)
	l.list("authorisation", e.Authorization)
	if e.Through.Gateway && len(e.Limits) == 0 {
		l.put("limits", "none but the listener's")
	}
	l.list("limits", e.Limits)
}

// String returns the policy, how it holds and where it is named.
func (h *Held) String() string { return h.Name + " (" + h.Mode + ", of the " + h.From + ")" }

// String returns the object and the rule.
func (r *Route) String() string {
	out := r.Kind + " " + r.Namespace + "/" + r.Name
	if r.Rule >= 0 {
		out += fmt.Sprintf(" rules[%d]", r.Rule)
	}
	return out
}

// behind says what answers and what it may do.
func (e *Endpoint) behind(l *lines) {
	for i := range e.Backends {
		b := &e.Backends[i]
		if b.Service != "" {
			text := "Service " + b.Namespace + "/" + b.Service + colon(b.Port)
			if b.TLS != "" {
				text += " by TLS as " + b.TLS
			} else if e.Through.Gateway && e.TLS.State != TLSPassed {
				text += " in clear"
			}
			if b.Share != "" {
				text += ", " + b.Share
			}
			l.put("to", text)
		}
		for k := range b.Workloads {
			w := &b.Workloads[k]
			l.put("workload", w.Kind+" "+w.Namespace+"/"+w.Name)
			l.put("network", w.Network.text())
			account := "ServiceAccount " + w.Account.Name + ": power " + w.Account.Power + ", token " + w.Account.Token
			if len(w.Account.Path) > 0 {
				account += " (" + strings.Join(w.Account.Path, " -> ") + ")"
			}
			l.put("account", account)
			l.list("", w.Account.Clouds)
		}
	}
}

func (n *Network) text() string {
	out := map[string]string{
		NetworkGateway: "only the gateway may connect", NetworkNobody: "nobody may connect", NetworkSome: "may connect: " + strings.Join(n.Who, ", "),
		NetworkNamespace: "every pod of its namespace may connect", NetworkCluster: "every pod of the cluster may connect",
		NetworkEveryone: "everyone may connect", NetworkUnknown: "unknown",
	}[n.State]
	if n.More > 0 {
		out += fmt.Sprintf(" and %d more", n.More)
	}
	if n.Why != "" {
		out += " (" + n.Why + ")"
	}
	return out
}
