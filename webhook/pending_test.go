// SPDX-License-Identifier: Apache-2.0

package webhook

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// replica is a Replica with views of the test's choice, which notes what it is
// handed.
type replica struct {
	current, watched *inventory.Inventory
	admitted         []string
}

func (r *replica) Views() (current, watched *inventory.Inventory) { return r.current, r.watched }

func (r *replica) Admit(o inventory.Object, base string, bytes int) bool {
	r.admitted = append(r.admitted, fmt.Sprintf("%s %q", inventory.KeyOf(o), base))
	if bytes == 0 {
		r.admitted = append(r.admitted, "without size")
	}
	return true
}

func decoded(t testing.TB, kind, object string) inventory.Object {
	t.Helper()
	gvk := map[string]schema.GroupVersionKind{
		"Service":    {Version: "v1", Kind: "Service"},
		"Namespace":  {Version: "v1", Kind: "Namespace"},
		"Deployment": {Group: "apps", Version: "v1", Kind: "Deployment"},
		"Ingress":    {Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	}[kind]
	o, err := inventory.Decode(gvk, []byte(object))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestWhatIsAdmittedIsRemembered: only what is about to be stored, and as what
// it will be stored.
func TestWhatIsAdmittedIsRemembered(t *testing.T) {
	t.Parallel()
	const (
		stored  = `{"metadata":{"name":"web","namespace":"shop","resourceVersion":"5"},"spec":{"type":"ClusterIP","selector":{"app":"web"},"ports":[{"port":80}]}}`
		opened  = `{"metadata":{"name":"web","namespace":"shop","resourceVersion":"5"},"spec":{"type":"NodePort","selector":{"app":"web"},"ports":[{"port":80}]}}`
		unnamed = `{"metadata":{"generateName":"web-","namespace":"shop"},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}}`
		made    = `{"metadata":{"generateName":"web-","name":"web-x7","namespace":"shop"},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}}`
		scale   = `{"metadata":{"name":"web","namespace":"shop","resourceVersion":"5"},"spec":{"replicas":1}}`
		account = `{"metadata":{"name":"web","namespace":"shop"}}`
	)
	create := func(object string) []byte { return review("CREATE", "", "v1", "Service", "services", object, "") }
	update := func(object string) []byte { return review("UPDATE", "", "v1", "Service", "services", object, stored) }
	with := func(body []byte, field string) []byte {
		return []byte(strings.Replace(string(body), `"operation"`, field+`,"operation"`, 1))
	}
	for name, tc := range map[string]struct {
		body []byte
		mode string // label of the namespace
		want string
	}{
		"a creation":                                  {create(clusterIP), "enforce", `Service shop/web ""`},
		"a creation that is refused is not":           {create(nodePort), "enforce", ""},
		"a creation that is warned about":             {create(nodePort), "warn", `Service shop/web ""`},
		"a creation where nobody opted in":            {create(nodePort), "", `Service shop/web ""`},
		"a dry run is not":                            {with(create(clusterIP), `"dryRun":true`), "enforce", ""},
		"nor a dry run where nobody opted in":         {with(create(clusterIP), `"dryRun":true`), "", ""},
		"a creation that cannot succeed is not":       {create(stored), "enforce", ""},
		"an update names the version that it is of":   {update(stored), "enforce", `Service shop/web "5"`},
		"an update that is refused is not":            {update(opened), "enforce", ""},
		"a deletion is not":                           {review("DELETE", "", "v1", "Service", "services", "null", stored), "enforce", ""},
		"a status holds the whole object":             {with(update(stored), `"subResource":"status"`), "enforce", `Service shop/web "5"`},
		"the scale of a Deployment is another object": {with(review("UPDATE", "autoscaling", "v1", "Scale", "deployments", scale, scale), `"subResource":"scale"`), "enforce", ""},
		"a name that is generated already":            {create(made), "enforce", `Service shop/web-x7 ""`},
		"a name that is yet to be generated is not":   {create(unnamed), "enforce", ""},
		"a kind that is only judged is not":           {review("CREATE", "", "v1", "ConfigMap", "configmaps", account, ""), "enforce", ""},
		"a kind that nobody knows is not":             {review("CREATE", "example.com", "v1", "Thing", "things", account, ""), "enforce", ""},
		"an object that cannot be decoded is not":     {create(`{"spec":{"ports":"all"}}`), "warn", ""},
		"nor one where nobody opted in":               {create(`{"spec":{"ports":"all"}}`), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			labels := ""
			if tc.mode != "" {
				labels = fmt.Sprintf(`"gatehouse.sh/admission":%q`, tc.mode)
			}
			inv := inventory.New(decoded(t, "Namespace", `{"metadata":{"name":"shop","labels":{`+labels+`}}}`))
			r := &replica{current: inv, watched: inv}
			e := engine(t)
			e.Replica = r
			_, answer := handler(t, Validator{e}).answer(t.Context(), tc.body)
			if got := strings.Join(r.admitted, ", "); got != tc.want {
				t.Errorf("got %s, want %s; allowed %v: %s", got, tc.want, answer.Allowed, answer.Message)
			}
		})
	}
}

// TestChangedLabelsOfANamespaceAreRemembered: an opt-in holds for the next
// review, and the refused opt-out is not remembered.
func TestChangedLabelsOfANamespaceAreRemembered(t *testing.T) {
	t.Parallel()
	const plain, enforced = `{"metadata":{"name":"shop","resourceVersion":"5"}}`, `{"metadata":{"name":"shop","resourceVersion":"5","labels":{"gatehouse.sh/admission":"enforce"}}}`
	for name, tc := range map[string]struct{ now, old, want string }{
		"opting in":  {enforced, plain, `"5"`},
		"opting out": {plain, enforced, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &replica{current: inventory.New(), watched: inventory.New()}
			e := engine(t)
			e.Replica = r
			handler(t, Guard{Engine: e}).answer(t.Context(), review("UPDATE", "", "v1", "Namespace", "namespaces", tc.now, tc.old))
			if got := strings.Join(r.admitted, ", "); (got != "") != (tc.want != "") || !strings.HasSuffix(got, tc.want) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// TestAnAdmittedChangeAddsRefusalsAndTakesNoneAway: a review counts what either
// view forbids.
func TestAnAdmittedChangeAddsRefusalsAndTakesNoneAway(t *testing.T) {
	t.Parallel()
	ingress := func(namespace, host string) string {
		return fmt.Sprintf(`{"metadata":{"name":"in","namespace":%q},"spec":{"ingressClassName":"gatehouse","tls":[{"hosts":[%[2]q]}],`+
			`"rules":[{"host":%[2]q,"http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"web","port":{"number":80}}}}]}}]}}`, namespace, host)
	}
	free := func(t testing.TB) inventory.Object {
		return decoded(t, "Ingress", ingress("other", "other.example.com"))
	}
	taken := func(t testing.TB) inventory.Object {
		return decoded(t, "Ingress", ingress("other", "shop.example.com"))
	}
	for name, tc := range map[string]struct {
		current, watched func(testing.TB) inventory.Object
		allowed, late    bool
	}{
		"the host is free in both":                  {free, free, true, false},
		"it was taken just now":                     {taken, free, false, false},
		"it was given up just now, not confirmed":   {free, taken, false, true},
		"it is taken, and what takes it is changed": {taken, taken, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t)
			e.Replica = &replica{current: inventory.New(tc.current(t)), watched: inventory.New(tc.watched(t))}
			_, got := handler(t, Validator{e}).answer(t.Context(), review("CREATE", "networking.k8s.io", "v1", "Ingress", "ingresses", ingress("shop", "shop.example.com"), ""))
			if got.Allowed != tc.allowed || strings.Contains(got.Message, "has not confirmed") != tc.late {
				t.Errorf("allowed %v: %s", got.Allowed, got.Message)
			}
			if !tc.allowed && !strings.Contains(got.Message, "EXP-028") {
				t.Errorf("refused for another reason: %s", got.Message)
			}
		})
	}
}

// TestAnAdmittedOptInCountsAtOnceAndAnOptOutLater shows the same for the labels
// that say how a namespace is judged.
func TestAnAdmittedOptInCountsAtOnceAndAnOptOutLater(t *testing.T) {
	t.Parallel()
	ns := func(labels string) *inventory.Inventory {
		return inventory.New(decoded(t, "Namespace", `{"metadata":{"name":"shop","labels":{`+labels+`}}}`))
	}
	plain, warn, enforce := ns(""), ns(`"gatehouse.sh/admission":"warn"`), ns(`"gatehouse.sh/admission":"enforce"`)
	strict := ns(`"gatehouse.sh/admission":"warn","gatehouse.sh/profile":"strict"`)
	for name, tc := range map[string]struct {
		current, watched *inventory.Inventory
		mode             policy.Mode
		profile          policy.Profile
	}{
		"opted in just now":           {enforce, plain, policy.Enforce, policy.Baseline},
		"opted out just now":          {plain, enforce, policy.Enforce, policy.Baseline},
		"weakened just now":           {warn, enforce, policy.Enforce, policy.Baseline},
		"not opted in":                {plain, ns(""), policy.Off, policy.Baseline},
		"another profile just now":    {strict, warn, policy.WarnOnly, policy.Strict},
		"no longer strict, just now":  {warn, strict, policy.WarnOnly, policy.Strict},
		"enforced, and strict before": {enforce, strict, policy.Enforce, policy.Strict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine(t)
			if s := e.scopeIn(Review{Namespace: "shop"}, tc.current, tc.watched, e.Policy()); s.mode != tc.mode || s.profile != tc.profile {
				t.Errorf("got %s %s", s.mode, s.profile)
			}
		})
	}
}
