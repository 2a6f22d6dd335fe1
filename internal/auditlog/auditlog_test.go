// SPDX-License-Identifier: Apache-2.0

package auditlog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// line is an event of the account shop/web; more replaces or adds fields.
func line(verb, ref, more string) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","verb":%q,`+
		`"user":{"username":"system:serviceaccount:shop:web","groups":["system:serviceaccounts"]},"objectRef":%s,`+
		`"responseStatus":{"code":200},"annotations":{"authorization.k8s.io/decision":"allow"}%s}`+"\n", verb, ref, more)
}

const pods = `{"resource":"pods","namespace":"shop","name":"web-1","apiVersion":"v1"}`

func read(t *testing.T, in io.Reader) (uses []string, stats Stats) {
	t.Helper()
	var r Reader
	if err := r.Each(in, func(u Use) {
		uses = append(uses, strings.TrimPrefix(u.User, authz.AccountPrefix)+": "+u.Request.String())
	}); err != nil {
		t.Fatal(err)
	}
	return uses, r.Stats
}

func TestALogSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		log   string
		want  []string
		stats Stats // without Bytes and Faults
	}{
		"a request":     {line("get", pods, ""), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"a subresource": {line("create", `{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-1"}`, ""), []string{"shop:web: create pods/exec web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"a path":        {strings.Replace(line("get", "null", `,"requestURI":"/metrics?x=1"`), `"objectRef":null,`, "", 1), []string{"shop:web: get /metrics"}, Stats{Lines: 1, Uses: 1}},
		"a refused one": {strings.NewReplacer(`"code":200`, `"code":403`, `"allow"`, `"forbid"`).Replace(line("get", pods, "")), nil, Stats{Lines: 1, Refused: 1}},
		"one refused by admission, which the authorizer allowed": {strings.Replace(line("create", pods, ""), `"code":200`, `"code":403`, 1), []string{"shop:web: create pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"one that found nothing":                                 {strings.Replace(line("get", pods, ""), `"code":200`, `"code":404`, 1), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"the stages of one":                                      {strings.Replace(line("get", pods, ""), "ResponseComplete", "RequestReceived", 1) + line("get", pods, ""), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 2, Uses: 1, Other: 1}},
		"a watch that goes on":                                   {strings.Replace(line("watch", pods, ""), "ResponseComplete", "ResponseStarted", 1), []string{"shop:web: watch pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"an impersonation": {
			line("get", pods, `,"impersonatedUser":{"username":"alice","groups":["devs","system:authenticated"]}`),
			[]string{"shop:web: impersonate users alice", "shop:web: impersonate groups devs", "alice: get pods web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"an impersonated account": {
			line("get", pods, `,"impersonatedUser":{"username":"system:serviceaccount:bank:app","groups":["system:serviceaccounts","system:serviceaccounts:bank","system:authenticated"]}`),
			[]string{"shop:web: impersonate serviceaccounts app in bank", "bank:app: get pods web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"an impersonation with a UID and extra fields": {
			line("get", pods, `,"impersonatedUser":{"username":"alice","uid":"7","extra":{"scopes":["dev"],"a":["x","y"]}}`),
			[]string{
				"shop:web: impersonate users alice", "shop:web: impersonate authentication.k8s.io/uids 7",
				"shop:web: impersonate authentication.k8s.io/userextras/a x", "shop:web: impersonate authentication.k8s.io/userextras/a y",
				"shop:web: impersonate authentication.k8s.io/userextras/scopes dev", "alice: get pods web-1 in shop",
			},
			Stats{Lines: 1, Uses: 1},
		},
		"wrong credentials": {
			`{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseStarted","requestURI":"/api","verb":"get","user":{},"responseStatus":{"code":401}}` + "\n", nil,
			Stats{Lines: 1, Refused: 1},
		},
		"nobody who was let in": {
			`{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"ResponseComplete","requestURI":"/api","verb":"get","user":{},"responseStatus":{"code":200}}` + "\n", nil,
			Stats{Lines: 1, Broken: 1},
		},
		"an apply that made the object": {
			strings.Replace(line("patch", pods, ""), `"code":200`, `"code":201`, 1),
			[]string{"shop:web: patch pods web-1 in shop", "shop:web: create pods web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"an apply that changed it": {line("patch", pods, ""), []string{"shop:web: patch pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
		"a websocket to a Pod": {
			strings.Replace(line("get", `{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-1"}`, ""), `"code":200`, `"code":101`, 1),
			[]string{"shop:web: get pods/exec web-1 in shop", "shop:web: create pods/exec web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"the logs of a Pod": {
			line("get", `{"resource":"pods","subresource":"log","namespace":"shop","name":"web-1"}`, ""),
			[]string{"shop:web: get pods/log web-1 in shop"},
			Stats{Lines: 1, Uses: 1},
		},
		"broken lines between others": {
			line("get", pods, "") + "{\"kind\":\n\nnot json\n" + `{"kind":"Pod"}` + "\n" + line("list", pods, ""),
			[]string{"shop:web: get pods web-1 in shop", "shop:web: list pods web-1 in shop"},
			Stats{Lines: 5, Uses: 2, Broken: 3},
		},
		"a last line without an end": {strings.TrimSpace(line("get", pods, "")), []string{"shop:web: get pods web-1 in shop"}, Stats{Lines: 1, Uses: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uses, stats := read(t, strings.NewReader(tc.log))
			if d := cmp.Diff(tc.want, uses); d != "" {
				t.Errorf("uses (want -, got +):\n%s", d)
			}
			faults := stats.Faults
			stats.Bytes, stats.Faults = 0, nil
			if d := cmp.Diff(tc.stats, stats); d != "" || len(faults) != stats.Broken {
				t.Errorf("%d faults, stats (want -, got +):\n%s", len(faults), d)
			}
		})
	}
}

func TestAGzipLogIsReadAlike(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, line("get", pods, ""))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if uses, _ := read(t, &zipped); len(uses) != 1 {
		t.Errorf("got %v", uses)
	}
	var r Reader
	if err := r.Each(bytes.NewReader(zipped.Bytes()[:max(zipped.Len()-4, 20)]), func(Use) {}); zipped.Len() > 0 && err == nil {
		t.Error("a log that was cut is read without an error")
	}
}

func TestALineWithoutEndIsPassedOverWithinBounds(t *testing.T) {
	t.Parallel()
	long := io.MultiReader(strings.NewReader(line("get", pods, "")), io.LimitReader(letters{}, 3*maxLine), strings.NewReader("\n"+line("list", pods, "")))
	uses, stats := read(t, long)
	if len(uses) != 2 || stats.Broken != 1 || stats.Faults[0].Line != 2 {
		t.Errorf("uses %v, stats %+v", uses, stats)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestASuggestionIsCompact(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	for _, r := range []authz.Request{
		{Verb: "get", Resource: "pods", Namespace: "shop", Name: "a"},
		{Verb: "list", Resource: "pods", Namespace: "shop"},
		{Verb: "get", Resource: "services", Namespace: "shop", Name: "b"},
		{Verb: "list", Resource: "services", Namespace: "shop"},
		{Verb: "get", Resource: "secrets", Namespace: "shop", Name: "tls"},
		{Verb: "list", Group: "apps", Resource: "deployments"},
		{Verb: "get", Path: "/metrics"},
		{Verb: "get", Path: "/api/v1"}, // everybody may
	} {
		u.Add(Use{User: "system:serviceaccount:shop:web", Request: r})
	}
	var got strings.Builder
	for _, o := range u.Suggest("system:serviceaccount:shop:web", Options{Names: 1}).Objects {
		data, err := yaml.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "---\n%s", data)
	}
	want := `---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: shop-web-least
rules:
- apiGroups:
  - apps
  resources:
  - deployments
  verbs:
  - list
- nonResourceURLs:
  - /metrics
  verbs:
  - get
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: shop-web-least
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: shop-web-least
subjects:
- kind: ServiceAccount
  name: web
  namespace: shop
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: web-least
  namespace: shop
rules:
- apiGroups:
  - ""
  resourceNames:
  - a
  resources:
  - pods
  verbs:
  - get
- apiGroups:
  - ""
  resources:
  - pods
  - services
  verbs:
  - list
- apiGroups:
  - ""
  resourceNames:
  - tls
  resources:
  - secrets
  verbs:
  - get
- apiGroups:
  - ""
  resourceNames:
  - b
  resources:
  - services
  verbs:
  - get
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web-least
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: web-least
subjects:
- kind: ServiceAccount
  name: web
  namespace: shop
`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
}

// Whatever a subject did, what is suggested allows it, and nothing that it did
// not do with another verb, resource or namespace.
func TestASuggestionAllowsWhatWasDoneAndNoMore(t *testing.T) {
	t.Parallel()
	const user = "system:serviceaccount:shop:web"
	verbs, resources, namespaces, names := []string{"get", "list", "create", "delete"}, []string{"pods", "secrets", "configmaps"}, []string{"", "shop", "bank"}, []string{"", "a", "b", "c"}
	asked := 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		pick := func(list []string) string { return list[random.IntN(len(list))] }
		u, done := NewUsage(), []authz.Request{}
		for range 1 + random.IntN(12) {
			r := authz.Request{Verb: pick(verbs), Resource: pick(resources), Namespace: pick(namespaces), Name: pick(names)}
			if r.Verb == "list" || r.Verb == "create" {
				r.Name = ""
			}
			done = append(done, r)
			u.Add(Use{User: user, Request: r})
		}
		s := u.Suggest(user, Options{Names: int(seed % 3)})
		v := authz.Over(inventory.New(s.Objects...))
		for _, r := range done {
			if _, ok := v.Allowed(authz.ServiceAccount("shop", "web"), r); !ok {
				t.Fatalf("seed %d: %s was done and is not allowed by %v", seed, r, s.Objects)
			}
		}
		for _, verb := range verbs {
			for _, resource := range resources {
				for _, namespace := range namespaces {
					asked++
					r := authz.Request{Verb: verb, Resource: resource, Namespace: namespace}
					_, allowed := v.Allowed(authz.ServiceAccount("shop", "web"), r)
					// What was done in the whole cluster is allowed in each namespace.
					did := slices.ContainsFunc(done, func(d authz.Request) bool {
						return d.Verb == verb && d.Resource == resource && (d.Namespace == namespace || d.Namespace == "")
					})
					if allowed && !did {
						t.Fatalf("seed %d: %s was not done and is allowed", seed, r)
					}
				}
			}
		}
	}
	if asked == 0 {
		t.Fatal("nothing was asked")
	}
}

func TestUnusedPermissionsAreNamed(t *testing.T) {
	t.Parallel()
	granted := authz.Over(inventory.New(
		&rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "r"}, Rules: []rbacv1.PolicyRule{
			{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"pods", "secrets"}},
		}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "b"}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "r"},
			Subjects: []rbacv1.Subject{{Kind: "User", Name: "system:serviceaccount:shop:web"}},
		},
	))
	u := NewUsage()
	u.Add(Use{User: "system:serviceaccount:shop:web", Request: authz.Request{Verb: "get", Resource: "pods", Namespace: "shop", Name: "a"}})
	u.Add(Use{User: "system:serviceaccount:shop:web", Request: authz.Request{Verb: "get", Resource: "secrets", Namespace: "bank", Name: "a"}})
	var got []string
	for _, un := range u.Suggest("system:serviceaccount:shop:web", Options{Granted: &granted}).Unused {
		got = append(got, un.Rule.Verbs[0]+" "+un.Rule.Resources[0]+" by "+un.Binding.String())
	}
	slices.Sort(got)
	if d := cmp.Diff([]string{"get secrets by RoleBinding shop/b", "list pods by RoleBinding shop/b", "list secrets by RoleBinding shop/b"}, got); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
}

func TestAUsageIsBounded(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	for i := range maxPermissions + 10 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/", i)}})
	}
	if u.Lost() != 10 {
		t.Errorf("lost %d, want 10", u.Lost())
	}
	for i := range 1000 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: "/1", Name: fmt.Sprint(i)}})
	}
	if u.Lost() != 10 {
		t.Error("what is known is forgotten when the table is full")
	}
}

func TestAUsageIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	long := strings.Repeat("x", 8<<20)
	for i := range 40 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/", i, long)}})
	}
	if kept := len(u.Of("x")); kept != 7 || u.Lost() != 33 {
		t.Errorf("%d paths of 8 MiB are kept and %d lost, want 7 and 33", kept, u.Lost())
	}
}

func TestWhatEverybodyMayReadNeedsNoRole(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path   string
		needed bool
	}{
		"discovery":                     {"/apis/apps/v1", false},
		"the root of it":                {"/api", false},
		"the state of the API server":   {"/livez", false},
		"a single probe of that state":  {"/livez/etcd", true},
		"what the version path is not":  {"/version/x", true},
		"a path that begins like one":   {"/apisx", true},
		"what nobody else may read":     {"/metrics", true},
		"documentation of the resource": {"/openapi/v3", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := NewUsage()
			u.Add(Use{User: "u", Request: authz.Request{Verb: "get", Path: tc.path}})
			if got := len(u.Suggest("u", Options{}).Objects) > 0; got != tc.needed {
				t.Errorf("a role is suggested: %v, want %v", got, tc.needed)
			}
		})
	}
}

func TestPathsThatEverybodyMayReadDoNotFillTheTable(t *testing.T) {
	t.Parallel()
	u := NewUsage()
	for i := range 1000 {
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/apis/", i)}})
		u.Add(Use{User: "x", Request: authz.Request{Verb: "get", Path: fmt.Sprint("/logs/", i)}})
	}
	if got := len(u.Of("x")); got != 1001 {
		t.Errorf("%d permissions are kept, want 1001", got)
	}
}

func FuzzEach(f *testing.F) {
	f.Add([]byte(line("get", pods, "")))
	f.Add([]byte(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","stage":"Panic","verb":"x","user":{"username":"u"},"objectRef":{},"requestURI":"%zz"}`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u := NewUsage()
		var r Reader
		_ = r.Each(bytes.NewReader(data), u.Add) // what it returns is an error or nothing; it must return
		for _, user := range u.Users() {
			u.Suggest(user, Options{Names: 3})
		}
		if r.Stats.Lines < r.Stats.Broken {
			t.Errorf("%+v", r.Stats)
		}
	})
}
