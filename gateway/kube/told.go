// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Told is where clients reach a process that they come to by something else, such as a load
// balancer that this process knows nothing of. The zero value is its own addresses.
type Told struct {
	addresses []netip.Addr
	hostnames []string
}

// ParseTold reads addresses and names of hosts with commas between them, 16 at most.
func ParseTold(list string) (Told, error) {
	var out Told
	if strings.TrimSpace(list) == "" {
		return out, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		if a, err := netip.ParseAddr(part); err == nil && a.Zone() == "" && !a.IsUnspecified() && !a.IsMulticast() {
			out.addresses = append(out.addresses, a.Unmap())
			continue
		} else if err == nil || strings.Trim(part, "0123456789.") == "" || len(validation.IsDNS1123Subdomain(part)) > 0 {
			return Told{}, fmt.Errorf("%.80q is neither an address that a client can ask nor the name of a host", part)
		}
		out.hostnames = append(out.hostnames, part)
	}
	if n := len(out.addresses) + len(out.hostnames); n > maxAddresses {
		return Told{}, fmt.Errorf("there are %d, and a status has room for %d", n, maxAddresses)
	}
	return out, nil
}

// Empty tells whether there are none.
func (t Told) Empty() bool { return len(t.addresses)+len(t.hostnames) == 0 }
