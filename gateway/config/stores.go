// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// maxSecret is the size of the largest file of a name, password or secret.
const maxSecret = 4 << 10

// maxCall is how long a request may wait for a store, at most.
const maxCall = 10 * time.Second

func (v *validator) store(path string, s *Store) {
	r := s.Redis
	if r == nil {
		v.fault(path+".redis", "it is missing")
		return
	}
	path += ".redis"
	if !isRedisAddress(r.Address) {
		v.fault(path+".address", "%.80q is neither host:port nor unix:/path", r.Address)
	}
	if r.Prefix != "" && (len(r.Prefix) > maxName || !isName(r.Prefix)) {
		v.fault(path+".prefix", "%.80q is no name: letters, digits, and _ . / : - between them", r.Prefix)
	}
	if time.Duration(r.Timeout) > maxCall {
		v.fault(path+".timeout", "it is more than %s", maxCall)
	}
	if r.Database < 0 {
		v.fault(path+".database", "%d is negative", r.Database)
	}
	if r.UsernameFile != "" && r.PasswordFile == "" {
		v.fault(path+".usernameFile", "a name without passwordFile")
	}
	if t := r.TLS; t != nil && (t.CertFile == "") != (t.KeyFile == "") {
		v.fault(path+".tls", "certFile and keyFile belong together")
	}
}

func isRedisAddress(a string) bool {
	if socket, unix := strings.CutPrefix(a, "unix:"); unix {
		return strings.HasPrefix(socket, "/")
	}
	host, port, err := net.SplitHostPort(a)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// stores reads what stores name.
func (f *files) stores(list []Store) {
	for i := range list {
		r, path := list[i].Redis, fmt.Sprintf("stores[%d].redis", i)
		get := func(field, name string, most int64) []byte {
			if name == "" {
				return nil
			}
			return f.read(path+"."+field, name, most)
		}
		line := func(field, name string) []byte {
			read := len(f.errs)
			content := bytes.TrimRight(get(field, name, maxSecret), "\r\n")
			if name != "" && len(content) == 0 && len(f.errs) == read {
				f.fault(path+"."+field, "it is empty") // or else it would be as if there were none
			}
			return content
		}
		r.Username = string(line("usernameFile", r.UsernameFile))
		r.Password, r.Secret = line("passwordFile", r.PasswordFile), line("secretFile", r.SecretFile)
		if t := r.TLS; t != nil {
			t.CA, t.Cert, t.Key = get("tls.caFile", t.CAFile, maxCertificate), get("tls.certFile", t.CertFile, maxCertificate), get("tls.keyFile", t.KeyFile, maxCertificate)
			if _, err := r.ClientTLS(); err != nil {
				f.fault(path+".tls", err.Error())
			}
		}
	}
}

// ClientTLS is how the server is spoken to, nil without TLS.
func (r *Redis) ClientTLS() (*tls.Config, error) {
	t := r.TLS
	if t == nil {
		return nil, nil //nolint:nilnil // as crypto/tls has it: nil is none
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if out.ServerName == "" {
		host, _, err := net.SplitHostPort(r.Address)
		if err != nil {
			return nil, errors.New("a socket has no name: serverName is missing")
		}
		out.ServerName = host
	}
	if t.CAFile != "" || len(t.CA) > 0 {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("there is no certificate in caFile")
		}
	}
	if len(t.Cert) > 0 {
		pair, err := tls.X509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, errors.New("certFile and keyFile do not belong together, or cannot be read")
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
