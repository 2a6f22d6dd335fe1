// SPDX-License-Identifier: Apache-2.0

// Package hubble is how programs are told of a Hubble Relay: the flags, which are
// the same for all of them, what these may say together, and the files that they
// name. generator/flows/relay reads from it.
package hubble

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/gatehouse-sh/gatehouse/generator/flows/relay"
)

// Access says how a relay is reached. The zero value is none; Add fills it in.
type Access struct {
	address, ca, cert, key, server string
	plain                          bool
}

// Flags are those of a program, of the package flag or of pflag.
type Flags interface {
	StringVar(to *string, name, value, usage string)
	BoolVar(to *bool, name string, value bool, usage string)
}

// The names of the flags.
const (
	flagAddress = "hubble-relay"
	flagCA      = flagAddress + "-ca"
	flagCert    = flagAddress + "-cert"
	flagKey     = flagAddress + "-key"
	flagServer  = flagAddress + "-server-name"
	flagPlain   = flagAddress + "-plaintext"
)

// Add adds the flags; use says what the flows are for.
func (a *Access) Add(flags Flags, use string) {
	flags.StringVar(&a.address, flagAddress, "", "host:port of a Hubble Relay "+use+"; empty for none")
	flags.StringVar(&a.ca, flagCA, "", "file with the authority that signs the relay's certificate; empty for those that this machine trusts")
	flags.StringVar(&a.cert, flagCert, "", "file with the certificate to show to the relay")
	flags.StringVar(&a.key, flagKey, "", "file with its key")
	flags.StringVar(&a.server, flagServer, "", "name in the relay's certificate, if it is not its host")
	flags.BoolVar(&a.plain, flagPlain, false, "speak to the relay without TLS: whoever is between can read the flows and invent others")
}

// Address is that of the relay; empty for none.
func (a *Access) Address() string { return a.address }

// Check says all that is wrong with what was said, as far as the flags tell.
func (a *Access) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	tls := []struct{ flag, value string }{{flagCA, a.ca}, {flagCert, a.cert}, {flagKey, a.key}, {flagServer, a.server}}
	switch {
	case a.address == "":
		if a.plain {
			fault("--%s is about a relay: --%s names it", flagPlain, flagAddress)
		}
		for _, f := range tls {
			if f.value != "" {
				fault("--%s is about a relay: --%s names it", f.flag, flagAddress)
			}
		}
		return errors.Join(faults...)
	case a.plain:
		for _, f := range tls {
			if f.value != "" {
				fault("--%s is for TLS, and --%s is without", f.flag, flagPlain)
			}
		}
	case (a.cert == "") != (a.key == ""):
		fault("--%s and --%s go together", flagCert, flagKey)
	}
	host, port, err := net.SplitHostPort(a.address)
	if n, number := strconv.ParseUint(port, 10, 16); err != nil || host == "" || number != nil || n == 0 {
		fault("--%s %q is no host:port", flagAddress, a.address)
	}
	return errors.Join(faults...)
}

// Options checks what was said and reads the files. Without a relay they are the
// zero value, and nothing is read.
func (a *Access) Options() (relay.Options, error) {
	if err := a.Check(); err != nil || a.address == "" {
		return relay.Options{}, err
	}
	o := relay.Options{Address: a.address, Transport: relay.Plain()}
	if a.plain {
		return o, nil
	}
	c := relay.Certificates{ServerName: a.server}
	for _, f := range []struct {
		flag, path string
		to         *[]byte
	}{{flagCA, a.ca, &c.CA}, {flagCert, a.cert, &c.Cert}, {flagKey, a.key, &c.Key}} {
		if f.path == "" {
			continue
		}
		text, err := os.ReadFile(f.path)
		switch {
		case err != nil:
			return relay.Options{}, fmt.Errorf("--%s: %w", f.flag, err)
		case len(text) == 0: // which would stand for none
			return relay.Options{}, fmt.Errorf("--%s: %s is empty", f.flag, f.path)
		}
		*f.to = text
	}
	var err error
	if o.Transport, err = relay.Secure(c); err != nil {
		return relay.Options{}, fmt.Errorf("--%s %s: %w", flagAddress, a.address, err)
	}
	return o, nil
}
