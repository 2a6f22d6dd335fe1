// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"k8s.io/client-go/tools/clientcmd"
)

// Identity is a certificate of the control plane's authority for a program that
// runs beside it. Start writes <File>.crt and <File>.key to the folder of the
// control plane, and for a client <File>.kubeconfig.
type Identity struct {
	File  string
	Name  string // the user, or what a server is called
	Group string // of the user; empty means none
	// Server makes it a server's certificate, for Name and Addresses, instead of a
	// client's.
	Server    bool
	Addresses []netip.Addr
}

func (i *Identity) subject() subject {
	if !i.Server {
		return subject{name: i.Name, group: i.Group, usage: x509.ExtKeyUsageClientAuth}
	}
	s := subject{name: i.Name, usage: x509.ExtKeyUsageServerAuth, hosts: []string{i.Name}}
	for _, a := range i.Addresses {
		s.ips = append(s.ips, net.IP(a.AsSlice()))
	}
	return s
}

// issue writes the identities that the options ask for.
func (cp *ControlPlane) issue(ca *authority, identities []Identity) error {
	for i := range identities {
		id := &identities[i]
		made, err := ca.issue(id.subject())
		if err != nil {
			return err
		}
		err = errors.Join(os.WriteFile(cp.folder.file(id.File+".crt"), made.cert, 0o600), os.WriteFile(cp.folder.file(id.File+".key"), made.key, 0o600))
		if err == nil && !id.Server {
			err = clientcmd.WriteToFile(kubeconfig(cp.address, ca.cert, made), cp.folder.file(id.File+".kubeconfig"))
		}
		if err != nil {
			return fmt.Errorf("write credentials of %s: %w", id.Name, err)
		}
	}
	return nil
}
