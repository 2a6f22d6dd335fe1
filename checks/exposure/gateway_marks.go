// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/gateway/expose"
)

// What of Gatehouse's own annotations an update may take away: expose, which
// withdraws the object, and tls with it; those that only loosen or explain.
const (
	ownPrefix        = "gatehouse.sh/"
	exposeAnnotation = ownPrefix + expose.Host
	tlsAnnotation    = ownPrefix + "tls"
	keepNodePorts    = ownPrefix + "keep-node-ports"
)

// removedGatewayMarks reports the annotations and labels of Gatehouse's own
// that an update removes or empties.
func removedGatewayMarks(in checks.Input) []checks.Finding {
	if in.Old == nil || in.Parameters.Gateway.OwnsService(in.Object) {
		return nil
	}
	out := removedMarks("annotations", in.Old.GetAnnotations(), in.Object.GetAnnotations())
	return append(out, removedMarks("labels", in.Old.GetLabels(), in.Object.GetLabels())...)
}

func removedMarks(list string, before, after map[string]string) []checks.Finding {
	lost := map[string]string(nil)
	for key, value := range before {
		if value == "" || after[key] != "" || !strings.HasPrefix(key, ownPrefix) {
			continue
		}
		switch {
		case key == exposeAnnotation, key == keepNodePorts:
			continue
		case key == tlsAnnotation && after[exposeAnnotation] == "":
			continue
		}
		if lost == nil {
			lost = map[string]string{}
		}
		lost[key] = value
	}
	out := make([]checks.Finding, 0, len(lost))
	for _, key := range sortedKeys(lost) {
		out = append(out, checks.Finding{
			Subject: "removed/" + list + "/" + key, Field: "metadata." + list + "[" + key + "]",
			Message: "this update removes " + key + ", which was " + lost[key],
			Fix:     "put " + key + " back",
		})
	}
	return out
}
