// SPDX-License-Identifier: Apache-2.0

package relay

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Transport is how a connection is protected. The zero value is refused.
type Transport struct {
	credentials credentials.TransportCredentials
}

// Plain is no protection: for a port that was forwarded to this machine. Whoever
// is between can read the flows and invent others, of which policies are made.
func Plain() Transport { return Transport{insecure.NewCredentials()} }

// Certificates are what TLS needs, each as PEM.
type Certificates struct {
	// CA signs the certificate of the relay; empty for the authorities that this
	// machine trusts.
	CA []byte

	// Cert and Key are the client's own, for a relay that asks for one. Both or none.
	Cert, Key []byte

	// ServerName is the name in the certificate of the relay, where the address is
	// another one: "instance.hubble-relay.cilium.io" for what Cilium generates.
	// Empty for the host of the address.
	ServerName string
}

// Secure is TLS 1.2 or newer.
func Secure(c Certificates) (Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if len(c.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(c.CA) {
			return Transport{}, errors.New("relay: the authority holds no certificate")
		}
	}
	if len(c.Cert) > 0 || len(c.Key) > 0 {
		pair, err := tls.X509KeyPair(c.Cert, c.Key)
		if err != nil {
			return Transport{}, fmt.Errorf("relay: read the client's certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return Transport{credentials.NewTLS(config)}, nil
}
