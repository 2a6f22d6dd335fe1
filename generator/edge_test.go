// SPDX-License-Identifier: Apache-2.0

package generator

import (
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

func TestPlacedFillsInWhatIsMissing(t *testing.T) {
	t.Parallel()
	web := inventory.Key{Kind: inventory.ServiceKind, Namespace: "shop", Name: "web"}
	lines := func(o inventory.Key, field string) string {
		if o == web && field == "spec.ports[0]" {
			return "web.yaml:9"
		}
		return ""
	}
	for name, c := range map[string]struct {
		in    Evidence
		place func(inventory.Key, string) string
		want  string
	}{
		"a field of a file":            {Evidence{Object: web, Field: "spec.ports[0]"}, lines, "web.yaml:9"},
		"a field of no file":           {Evidence{Object: web, Field: "spec"}, lines, "Service shop/web"},
		"an object of a cluster":       {Evidence{Object: web, Field: "spec"}, nil, "Service shop/web"},
		"what has a place keeps it":    {Evidence{Object: web, Field: "spec.ports[0]", Where: "template dns"}, lines, "template dns"},
		"what is no object stays bare": {Evidence{Source: Flow}, lines, ""},
	} {
		edges := []Edge{{Because: []Evidence{c.in}}}
		Placed(edges, c.place)
		if got := edges[0].Because[0].Where; got != c.want {
			t.Errorf("%s: %q, not %q", name, got, c.want)
		}
	}
}

func TestProblemNamesTheEndsThatAreKnown(t *testing.T) {
	t.Parallel()
	web := ServicePeerOf("shop", "web")
	for want, e := range map[string]Edge{
		"Service shop/web: so":                 {To: web},
		"Service shop/web: so ":                {From: web},
		"dns -> Service shop/web any port: so": {From: Peer{Kind: DNSPeer}, To: web},
		"no peer -> no peer any port: so":      {},
	} {
		want = strings.TrimSpace(want)
		if got := (Problem{Edge: e, What: "so"}).String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestEvidenceInWords(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]Evidence{
		"manifest web.yaml:31 (env CARTS_URL of container web)": {Source: Manifest, Where: "web.yaml:31", What: "env CARTS_URL of container web"},
		"template dns (pods ask for names)":                     {Source: Template, Where: "template dns", What: "pods ask for names"},
		"flow flows.json":                                       {Source: Flow, Where: "flows.json"},
		"intent (annotation)":                                   {Source: Intent, What: "annotation"},
	} {
		if got := e.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
