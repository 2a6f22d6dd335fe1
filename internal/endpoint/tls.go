// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/gateway/translate"
)

// tls says how a listener protects what is asked for a host.
func (s *served) tls(l *config.Listener, t *config.TLS, host string) TLS {
	out := TLS{State: TLSNone, Certificates: []Certificate{}}
	if t == nil {
		if l.Protocol == config.HTTPS {
			out.State = TLSUnknown
		}
		return out
	}
	out.State, out.MinVersion = TLSTerminated, string(cmp.Or(t.MinVersion, config.TLS12))
	if c := t.Client; c != nil {
		out.ClientCertificates = string(cmp.Or(c.Mode, config.Require))
	}
	for _, name := range t.Certificates {
		if s.presented(name, host) {
			out.Certificates = append(out.Certificates, s.certificate(name, host))
		}
	}
	// What is for the host is presented, and the first one if there is none.
	if fits := slices.DeleteFunc(slices.Clone(out.Certificates), func(c Certificate) bool { return c.State == CertificateUnfit }); len(fits) > 0 {
		out.Certificates = fits
	} else if len(out.Certificates) > 1 {
		out.Certificates = out.Certificates[:1]
	}
	return out
}

// presented tells whether a certificate may be presented for a host.
func (s *served) presented(name, host string) bool {
	i := slices.IndexFunc(s.snapshot.Certificates, func(c config.Certificate) bool { return c.Name == name })
	if i < 0 {
		return false
	}
	hosts := s.snapshot.Certificates[i].Hosts
	return len(hosts) == 0 || translate.Owner(hosts, strings.Replace(host, "?.", "*.", 1)) >= 0
}

// certificate says what is known of a certificate of a snapshot.
func (s *served) certificate(name, host string) Certificate {
	part := strings.SplitN(name, "/", 3)
	if len(part) < 2 {
		return Certificate{Secret: name, State: CertificateUnknown, Why: "it is of no Secret", Names: []string{}}
	}
	of := translate.Name{Namespace: part[0], Name: part[1]}
	out := Certificate{Secret: of.String(), State: CertificateUnknown, Names: []string{}}
	if s.unread[of] {
		if out.Why = "the Secret was not read"; s.Unread != nil {
			out.Why = s.Unread(of, s.present[of])
		}
		return out
	}
	i := slices.IndexFunc(s.objects.Secrets, func(o *corev1.Secret) bool { return o.Namespace == of.Namespace && o.Name == of.Name })
	if i < 0 {
		out.Why = "the Secret is not among the objects"
		return out
	}
	block, _ := pem.Decode(s.objects.Secrets[i].Data[corev1.TLSCertKey])
	if block == nil {
		out.Why = "the Secret has no PEM in " + corev1.TLSCertKey
		return out
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		out.Why = "the first certificate cannot be read" // the parser's words may quote it
		return out
	}
	out.Names = append(out.Names, leaf.DNSNames...)
	for _, a := range leaf.IPAddresses {
		out.Names = append(out.Names, a.String())
	}
	end := leaf.NotAfter.UTC()
	out.NotAfter = &end
	out.State, out.Why = judge(leaf, host, s.Now)
	return out
}

// judge says whether a certificate holds for a host at a moment.
func judge(leaf *x509.Certificate, host string, now time.Time) (state, why string) {
	days := int(leaf.NotAfter.Sub(now).Hours() / 24)
	switch {
	case now.After(leaf.NotAfter):
		return CertificateEnded, fmt.Sprintf("it has ended %d days ago", -days)
	case now.Before(leaf.NotBefore):
		return CertificateEarly, "it does not hold before " + leaf.NotBefore.UTC().Format(time.RFC3339)
	case host != "" && host != "*" && !hasName(leaf, host):
		return CertificateUnfit, "it is not for " + host
	case days < SoonDays:
		return CertificateSoon, fmt.Sprintf("it ends in %d days", days)
	}
	return CertificateValid, ""
}

// hasName compares the names of a certificate with a host, which may stand for all names
// below another one.
func hasName(leaf *x509.Certificate, host string) bool {
	if below, wild := strings.CutPrefix(strings.Replace(host, "?.", "*.", 1), "*."); wild {
		return slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, "*."+below) })
	}
	return leaf.VerifyHostname(host) == nil
}
