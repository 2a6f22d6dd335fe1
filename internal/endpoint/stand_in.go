// SPDX-License-Identifier: Apache-2.0

package endpoint

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/gateway/translate"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// forever is the end of a certificate that has none (RFC 5280, section 4.1.2.5).
func forever() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

// standIn is the content of a Secret that was not read: a certificate with its key, keys of
// clients, a user, a key of tokens. What a listener serves, and what a policy asks for, can
// be told without the real one. Nothing of it is ever shown, and nobody is served with it.
func standIn(of translate.Name, names []string) (map[string][]byte, error) {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "not read"}, NotAfter: forever(),
		DNSNames: slices.DeleteFunc(slices.Clone(names), beyondASCII), IsCA: true, BasicConstraintsValid: true,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	encode := func(kind string, data []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
	}
	cert, own := encode("CERTIFICATE", made), sha256.Sum256([]byte(of.String()))
	return map[string][]byte{
		corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: encode("PRIVATE KEY", key), bundleKey: cert,
		"keys": fmt.Appendf(nil, "not-read-%x:%x", own, own),                                   // package apikey
		"auth": fmt.Appendf(nil, "not-read-%x:$2y$12$%s", own[:8], strings.Repeat(".", 22+31)), // package basic
		"jwks": encode("PUBLIC KEY", public),

		corev1.BasicAuthPasswordKey: []byte("not-read"), // of a store
	}, nil
}

// beyondASCII tells whether a certificate cannot have a name: a dNSName is of ASCII (RFC
// 5280, section 4.2.1.6). Files are read as they are, and may have what the API refuses.
func beyondASCII(name string) bool {
	return strings.ContainsFunc(name, func(c rune) bool { return c >= utf8.RuneSelf })
}

// bundleKey is where ConfigMaps have the certificates of authorities.
const bundleKey = "ca.crt"

// Annotations of Services that are exposed by them: HOST or HOST/PATH, and a Secret.
const (
	exposeAnnotation = "gatehouse.sh/expose"
	tlsAnnotation    = "gatehouse.sh/tls"
)

// rounds bounds how often is asked what is wanted: a Secret can only be wanted once the
// object that names it is taken, and these are not nested.
const rounds = 4

// complete translates the objects with stand-ins for the Secrets and ConfigMaps that are
// wanted and are not among them.
func (w *World) complete() error {
	for range rounds {
		w.result = translate.Translate(w.objects, translate.Options{Controller: Controller, Address: netip.IPv6Unspecified()})
		more, err := w.standIns()
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// wanted are the Secrets that the gateway reads, with the names that certificates of
// Ingresses and of Services have to have.
func (w *World) wanted() (wanted map[translate.Name]bool, names map[translate.Name][]string) {
	wanted, names = maps.Clone(w.result.Secrets), map[translate.Name][]string{}
	for _, i := range w.objects.Ingresses {
		if len(w.result.Ingresses[translate.Name{Namespace: i.Namespace, Name: i.Name}]) == 0 {
			continue
		}
		for _, t := range i.Spec.TLS {
			name := translate.Name{Namespace: i.Namespace, Name: t.SecretName}
			if t.SecretName != "" {
				wanted[name], names[name] = true, append(names[name], t.Hosts...)
			}
		}
	}
	for _, s := range w.objects.Services {
		name := translate.Name{Namespace: s.Namespace, Name: strings.TrimSpace(s.Annotations[tlsAnnotation])}
		host, _, _ := strings.Cut(strings.TrimSpace(s.Annotations[exposeAnnotation]), "/")
		if host != "" && wanted[name] {
			names[name] = append(names[name], host)
		}
	}
	return wanted, names
}

func (w *World) standIns() (more bool, err error) {
	wanted, names := w.wanted()
	for name := range wanted {
		if w.Missing[name] || slices.ContainsFunc(w.objects.Secrets, func(s *corev1.Secret) bool { return s.Namespace == name.Namespace && s.Name == name.Name }) {
			continue
		}
		data, err := standIn(name, names[name])
		if err != nil {
			return false, err
		}
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}, Type: corev1.SecretTypeTLS}
		if known, is := inventory.Get[*inventory.Secret](w.Inventory, inventory.SecretKind, name.Namespace, name.Name); is {
			s.Type, w.present[name] = known.Type, true
			if s.Type == "" {
				s.Type = corev1.SecretTypeOpaque // as the API server has it
			}
		}
		s.Data = data
		w.objects.Secrets, w.unread[name], more = append(w.objects.Secrets, s), true, true
	}
	for name := range w.result.ConfigMaps {
		if slices.ContainsFunc(w.objects.ConfigMaps, func(m *corev1.ConfigMap) bool { return m.Namespace == name.Namespace && m.Name == name.Name }) {
			continue
		}
		data, err := standIn(name, nil)
		if err != nil {
			return false, err
		}
		w.objects.ConfigMaps = append(w.objects.ConfigMaps, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}, Data: map[string]string{bundleKey: string(data[bundleKey])},
		})
		w.classes.assumed = append(w.classes.assumed, fmt.Sprintf("ConfigMap %s is not among the objects: it is taken to have certificates of authorities", name))
		more = true
	}
	return more, nil
}
