// SPDX-License-Identifier: Apache-2.0

package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// suffix ends the name of every object that is made for a Gateway.
const suffix = "-gatehouse"

// maxName is the length of a DNS label (RFC 1035, section 2.3.4), which the name of a
// Service has to be.
const maxName = 63

// Name is the name of all objects of a Gateway, in its namespace: its own, or as much of
// it as may begin the name of a Service and a sum of the rest.
func Name(gateway string) string {
	name := strings.ReplaceAll(gateway, ".", "-")
	if digit := name != "" && name[0] >= '0' && name[0] <= '9'; digit {
		name = "g" + name
	}
	if name == gateway && len(name)+len(suffix) <= maxName {
		return name + suffix
	}
	sum := sha256.Sum256([]byte(gateway))
	end := "-" + hex.EncodeToString(sum[:5]) + suffix
	return name[:min(len(name), maxName-len(end))] + end
}
