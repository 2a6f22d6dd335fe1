// SPDX-License-Identifier: Apache-2.0

package blast

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz/power"
	"github.com/gatehouse-sh/gatehouse/internal/fixture"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// TestASteppingStoneIsSevere reads off the table what the search for those who
// become others relies on: such a power is at least as severe as steppingStone.
func TestASteppingStoneIsSevere(t *testing.T) {
	t.Parallel()
	stones := 0
	for _, p := range power.All() {
		if p.Becomes == power.Nobody || p.Narrow == checks.SeverityUnset {
			continue
		}
		stones++
		if p.Narrow < steppingStone {
			t.Errorf("%s makes its holder others and is %s in a namespace", p.ID, p.Narrow)
		}
	}
	if stones == 0 {
		t.Fatal("no power makes its holder others")
	}
}

// TestAHalfIsAPowerOfItsOwn relies on the same table: a role without any power
// completes no combined one, save for the request of a certificate, which adds
// nothing to the approval of one.
func TestAHalfIsAPowerOfItsOwn(t *testing.T) {
	t.Parallel()
	halves := 0
	for _, p := range power.All() {
		for _, half := range p.All {
			for _, pattern := range half {
				for _, resource := range pattern.Resources {
					for _, verb := range pattern.Verbs {
						halves++
						rule := rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: pattern.Groups, Resources: []string{resource}}
						if !strings.HasPrefix(resource, "certificatesigningrequests") && len(power.Of([]rbacv1.PolicyRule{rule}, power.Scope{})) == 0 {
							t.Errorf("%s: %s %s is half of it and no power", p.ID, verb, resource)
						}
					}
				}
			}
		}
	}
	if halves == 0 {
		t.Fatal("no combined powers")
	}
}

// loaded returns the checks and the fixtures of this package.
func loaded(t *testing.T) (*checks.Set, []fixture.Case) {
	t.Helper()
	set, err := checks.NewSet(All()...)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := fixture.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return set, cases
}

// evaluate runs the checks of this package over a fixture.
func evaluate(t *testing.T, id, name string) []checks.Finding {
	t.Helper()
	set, cases := loaded(t)
	i := slices.IndexFunc(cases, func(c fixture.Case) bool { return c.Check == id && c.Name == name })
	if i < 0 {
		t.Fatalf("no fixture %s/%s", id, name)
	}
	_, in, err := cases[i].Under(set)
	if err != nil {
		t.Fatal(err)
	}
	return set.Evaluate(in.Sharing())
}

func TestTheChangeBreaksTheChainWhereItIsWritten(t *testing.T) {
	t.Parallel()
	const token = "set automountServiceAccountToken: false in Deployment shop/web if it does not call the API server"
	for name, tc := range map[string]struct{ check, fixture, want string }{
		"of a Service": {"XR-001", "a-public-service", "set spec.type of Service shop/web to ClusterIP, or " + token},
		"of a Service that an Ingress opens as well": {"XR-001", "refuses-the-service-that-a-route-opens-as-well", token + ", or remove ServiceAccount shop/web from the subjects of ClusterRoleBinding web-admin"},
		"of a Service with few rights": {
			"XR-001", "refuses-a-node-port-of-medium-rights",
			"set spec.type of Service shop/web to ClusterIP and route to it through the gateway, or " + token,
		},
		"of an Ingress":           {"XR-001", "refuses-the-ingress", "do not route to Service shop/web in Ingress shop/web, or " + token},
		"of a workload":           {"XR-001", "refuses-the-deployment", token + ", or remove ServiceAccount shop/web from the subjects of ClusterRoleBinding web-admin"},
		"of a host port":          {"XR-001", "refuses-a-host-port", token + ", or remove ServiceAccount shop/web from the subjects of ClusterRoleBinding web-admin"},
		"of an account":           {"XR-001", "refuses-the-account", "set automountServiceAccountToken: false in ServiceAccount shop/web if nothing that runs as it calls the API server, or remove ServiceAccount shop/web from the subjects of ClusterRoleBinding web-admin"},
		"of a role":               {"XR-001", "refuses-the-role", "drop rules[0], by which it may read Secrets, from Role shop/reader, or " + token},
		"of a binding":            {"XR-001", "refuses-the-binding", "remove ServiceAccount shop/web from the subjects of RoleBinding shop/web-reader, or " + token},
		"of a group":              {"XR-001", "refuses-the-group-of-a-namespace", "remove Group system:serviceaccounts:shop from the subjects of RoleBinding shop/web-reader, or " + token},
		"of an aggregation label": {"XR-001", "warns-of-the-label-of-an-aggregated-role", "remove the labels by which an aggregated role collects ClusterRole secrets, or " + token},
		"of an escalation, where as much is left without the binding": {"XR-001", "warns-of-an-escalation", token + ", or set spec.type of Service shop/web to ClusterIP"},
		"of a projected token": {"XR-001", "refuses-a-projected-token", "set spec.type of Service shop/web to ClusterIP, or remove the volume with the ServiceAccount token from Deployment shop/web"},
		"of an escape":         {"XR-003", "refuses-the-deployment", "let Deployment shop/web run without this: container app is privileged, or set spec.type of Service shop/web to ClusterIP"},
		"of a cloud identity":  {"XR-004", "refuses-the-service", "set spec.type of Service shop/web to ClusterIP, or run Deployment shop/web as a ServiceAccount without a cloud identity"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := evaluate(t, tc.check, tc.fixture)
			i := slices.IndexFunc(found, func(f checks.Finding) bool { return f.Check == tc.check })
			if i < 0 {
				t.Fatalf("no finding of %s in %v", tc.check, found)
			}
			if d := cmp.Diff(tc.want, found[i].Fix); d != "" {
				t.Errorf("(want -, got +):\n%s", d)
			}
		})
	}
}

// earlierRevision cannot be applied: nobody chooses a uid.
const earlierRevision = `The Deployment holds no token any more; the ReplicaSet of its earlier revision does, and is named.
-- context.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: d-1}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: web, automountServiceAccountToken: false, containers: [{name: app, image: registry.example.com/shop/web:2}]}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: web-5c9d
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d-1, controller: true}]
spec:
  replicas: 0
  selector: {matchLabels: {app: web, pod-template-hash: 5c9d}}
  template:
    metadata: {labels: {app: web, pod-template-hash: 5c9d}}
    spec: {serviceAccountName: web, containers: [{name: app, image: registry.example.com/shop/web:1}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cluster-admin}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 443, targetPort: 8443}]}
-- object.yaml --
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web-admin, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
-- want --
`

// TestAnEarlierRevisionIsNamed: the Deployment is mended, and the ReplicaSet of its
// earlier revision is what is left to mend.
func TestAnEarlierRevisionIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "XR-001"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "XR-001", "earlier.txtar"), []byte(earlierRevision), 0o600); err != nil {
		t.Fatal(err)
	}
	cases, err := fixture.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	set, _ := loaded(t)
	_, in, err := cases[0].Under(set)
	if err != nil {
		t.Fatal(err)
	}
	found := set.Evaluate(in.Sharing())
	i := slices.IndexFunc(found, func(f checks.Finding) bool { return f.Check == "XR-001" })
	if i < 0 || found[i].Subject != "workload/shop/ReplicaSet/web-5c9d" {
		t.Fatalf("found %v", found)
	}
	const want = "remove ServiceAccount shop/web from the subjects of RoleBinding shop/web-admin, or delete ReplicaSet shop/web-5c9d, an earlier revision of Deployment web"
	if d := cmp.Diff(want, found[i].Fix); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
}

// TestAFindingDoesNotDependOnOrder judges every fixture over inventories that were
// filled in different orders.
func TestAFindingDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	set, cases := loaded(t)
	found := 0
	for _, c := range cases {
		_, in, err := c.Under(set)
		if err != nil {
			t.Fatal(err)
		}
		want := set.Evaluate(in)
		found += len(want)
		for seed := range uint64(5) {
			list := slices.Clone(c.Context)
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			in.Inventory = inventory.New(list...).With(in.Object)
			if d := cmp.Diff(want, set.Evaluate(in)); d != "" {
				t.Errorf("%s/%s (first -, then +):\n%s", c.Check, c.Name, d)
			}
		}
	}
	if found == 0 {
		t.Fatal("no findings")
	}
}

func TestManyWorkloadsAreCounted(t *testing.T) {
	t.Parallel()
	found := evaluate(t, "XR-001", "refuses-many-workloads")
	if len(found) != shown+1 || !strings.Contains(found[shown].Message, "and 3 more workloads") {
		t.Errorf("got %d findings, the last %q", len(found), found[len(found)-1].Message)
	}
}
