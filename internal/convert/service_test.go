// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"strings"
	"testing"
)

func TestAServiceWhoseAnnotationsAreNotKnownCloses(t *testing.T) {
	t.Parallel()
	for class, want := range map[string]string{"kong": "a", "traefik": "a", "alb": "a", "gce": "a", "nginx": "", "azure/application-gateway": ""} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			ingress := guardedIngress("a", class, "a.example.com", "/")
			if got := closedOf(convertText(t, ingress)); got != want {
				t.Errorf("without the Service closed are %q, want %q", got, want)
			}
			if r := convertText(t, ingress, webService); len(r.Closed) > 0 {
				t.Errorf("with the Service: %s", faultOf(r))
			}
			for _, l := range convertText(t, ingress).Lines {
				if l.Closes && !strings.Contains(l.Message, "Service shop/web is not in the input") {
					t.Error(fmt.Sprint(l))
				}
			}
		})
	}
}
