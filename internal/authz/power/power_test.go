// SPDX-License-Identifier: Apache-2.0

package power

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

func rule(verbs, groups, resources string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: strings.Fields(verbs), APIGroups: strings.Split(groups, " "), Resources: strings.Fields(resources), ResourceNames: names}
}

// ids renders holds as "RBAC-020 critical".
func ids(list []Hold) []string {
	var out []string
	for _, h := range list {
		out = append(out, h.Power.ID+" "+h.Severity.String())
	}
	return out
}

func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range All() {
		if p.ID == "" || p.Name == "" || p.Can == "" || p.Wide == checks.SeverityUnset {
			t.Errorf("%+v is incomplete", p)
		}
		if seen[p.ID] || seen[p.Name] {
			t.Errorf("%s %s is there twice", p.ID, p.Name)
		}
		seen[p.ID], seen[p.Name] = true, true
		if (len(p.Any) > 0) == p.Combined() && p.whole == nil {
			t.Errorf("%s has both Any and All, or neither", p.ID)
		}
		if p.Narrow > p.Wide {
			t.Errorf("%s is worse in one namespace than in all", p.ID)
		}
		if got, ok := Lookup(p.ID); !ok || got.Name != p.Name {
			t.Errorf("Lookup(%s) = %v, %v", p.ID, got, ok)
		}
	}
	if len(seen) == 0 {
		t.Fatal("no powers")
	}
}

// Every permission of the table is found again when a rule grants it alone.
func TestEveryPatternFires(t *testing.T) {
	t.Parallel()
	cases := 0
	for i := range table {
		p := &table[i]
		for _, pattern := range p.Any {
			for _, verb := range pattern.Verbs {
				for _, path := range pattern.Paths {
					cases++
					if got := ids(Of([]rbacv1.PolicyRule{{Verbs: []string{verb}, NonResourceURLs: []string{path}}}, Scope{})); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, p.ID) }) {
						t.Errorf("%s %s: got %v, want %s", verb, path, got, p.ID)
					}
				}
				for _, g := range pattern.Groups {
					for _, r := range pattern.Resources {
						cases++
						r = strings.Replace(r, "userextras/*", "userextras/scopes", 1)
						scope, want := Scope{}, p.Wide
						if pattern.Inside {
							scope, want = Scope{pattern.Namespace}, p.Narrow
						}
						if pattern.Most != checks.SeverityUnset {
							want = pattern.Most
						}
						asked := rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{g}, Resources: []string{r}}
						if pattern.Most != checks.SeverityUnset && len(pattern.Names) > 0 && verb != "create" {
							// By no name the same permission may be worth more.
							asked.ResourceNames = []string{strings.Replace(pattern.Names[0], "*", "one", 1)}
						}
						got := ids(Of([]rbacv1.PolicyRule{asked}, scope))
						if !slices.Contains(got, p.ID+" "+want.String()) {
							t.Errorf("%s %s/%s: got %v, want %s %s", verb, g, r, got, p.ID, want)
						}
					}
				}
			}
		}
	}
	if cases == 0 {
		t.Fatal("no patterns")
	}
	t.Logf("%d permissions", cases)
}

func TestPowersOfRules(t *testing.T) {
	t.Parallel()
	shop := Scope{"shop"}
	for name, tc := range map[string]struct {
		rules []rbacv1.PolicyRule
		scope Scope
		want  []string
	}{
		"stars are full control and nothing else":                {[]rbacv1.PolicyRule{rule("*", "*", "*")}, Scope{}, []string{"RBAC-001 critical"}},
		"seven verbs are a star":                                 {[]rbacv1.PolicyRule{rule("get list watch create update patch delete", "*", "*")}, shop, []string{"RBAC-001 critical"}},
		"stars of the core group are full control, too":          {[]rbacv1.PolicyRule{rule("*", "", "*")}, shop, []string{"RBAC-001 critical"}},
		"stars of another group are not":                         {[]rbacv1.PolicyRule{rule("*", "example.com", "*")}, shop, nil},
		"six verbs are not":                                      {[]rbacv1.PolicyRule{rule("get list watch", "*", "configmaps")}, Scope{}, nil},
		"reading Secrets everywhere":                             {[]rbacv1.PolicyRule{rule("get", "", "secrets")}, Scope{}, []string{"RBAC-020 critical"}},
		"reading Secrets in a namespace":                         {[]rbacv1.PolicyRule{rule("list", "", "secrets")}, shop, []string{"RBAC-020 high"}},
		"reading Secrets in kube-system":                         {[]rbacv1.PolicyRule{rule("list", "", "secrets")}, Scope{"kube-system"}, []string{"RBAC-020 critical"}},
		"reading one Secret":                                     {[]rbacv1.PolicyRule{rule("get", "", "secrets", "tls")}, shop, []string{"RBAC-020 low"}},
		"reading one Secret, and all by another rule":            {[]rbacv1.PolicyRule{rule("get", "", "secrets", "tls"), rule("get", "", "secrets")}, shop, []string{"RBAC-020 high"}},
		"creating one Secret by name, which no creation has":     {[]rbacv1.PolicyRule{rule("create", "", "secrets", "tls")}, shop, nil},
		"exec by GET, which a WebSocket uses":                    {[]rbacv1.PolicyRule{rule("get", "", "pods/exec")}, shop, []string{"RBAC-032 high"}},
		"exec of nothing":                                        {[]rbacv1.PolicyRule{rule("create", "", "pods/*")}, shop, nil},
		"exec by any subresource of the name":                    {[]rbacv1.PolicyRule{rule("create", "", "*/exec")}, shop, []string{"RBAC-032 high"}},
		"node proxies within a namespace":                        {[]rbacv1.PolicyRule{rule("get", "", "nodes/proxy")}, shop, nil},
		"node proxies everywhere":                                {[]rbacv1.PolicyRule{rule("get", "", "nodes/proxy")}, Scope{}, []string{"RBAC-040 critical"}},
		"impersonating users within a namespace":                 {[]rbacv1.PolicyRule{rule("impersonate", "", "users groups")}, shop, nil},
		"impersonating users everywhere":                         {[]rbacv1.PolicyRule{rule("impersonate", "", "users")}, Scope{}, []string{"RBAC-012 critical"}},
		"impersonating accounts within a namespace":              {[]rbacv1.PolicyRule{rule("impersonate", "", "serviceaccounts")}, shop, []string{"RBAC-012 critical"}},
		"binding a harmless role by name":                        {[]rbacv1.PolicyRule{rule("bind", "rbac.authorization.k8s.io", "clusterroles", "team-reader")}, shop, []string{"RBAC-011 low"}},
		"binding cluster-admin by name":                          {[]rbacv1.PolicyRule{rule("bind", "rbac.authorization.k8s.io", "clusterroles", "cluster-admin")}, shop, []string{"RBAC-011 high"}},
		"changing the configuration of the cluster's DNS":        {[]rbacv1.PolicyRule{rule("update", "", "configmaps", "coredns")}, Scope{"kube-system"}, []string{"RBAC-056 high"}},
		"changing another ConfigMap of kube-system":              {[]rbacv1.PolicyRule{rule("update", "", "configmaps", "mine")}, Scope{"kube-system"}, nil},
		"changing ConfigMaps of a namespace":                     {[]rbacv1.PolicyRule{rule("update", "", "configmaps")}, shop, nil},
		"a pair in two rules":                                    {[]rbacv1.PolicyRule{rule("delete", "", "pods"), rule("patch", "", "nodes/status")}, Scope{}, []string{"RBAC-041 high", "RBAC-057 high", "RBAC-081 high"}},
		"half of a pair":                                         {[]rbacv1.PolicyRule{rule("delete", "", "pods")}, Scope{}, []string{"RBAC-057 high"}},
		"metrics of the API server alone":                        {[]rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/metrics"}}}, Scope{}, []string{"RBAC-005 low"}},
		"one page below the debugging endpoints":                 {[]rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/debug/pprof/profile"}}}, Scope{}, []string{"RBAC-005 high"}},
		"a path that only looks like it":                         {[]rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/debugging"}}}, Scope{}, nil},
		"changing one workload, which may run as any account":    {[]rbacv1.PolicyRule{rule("patch", "apps", "deployments", "web")}, shop, []string{"RBAC-031 high"}},
		"changing one Pod, which keeps its account":              {[]rbacv1.PolicyRule{rule("patch", "", "pods", "web")}, shop, []string{"RBAC-030 medium"}},
		"scaling workloads":                                      {[]rbacv1.PolicyRule{rule("patch", "apps", "deployments/scale")}, shop, []string{"RBAC-031 low"}},
		"reading Secrets as somebody else":                       {[]rbacv1.PolicyRule{rule("impersonate-on:user-info:list", "", "secrets")}, shop, []string{"RBAC-020 high"}},
		"reading Secrets as somebody else by a star":             {[]rbacv1.PolicyRule{rule("impersonate-on:user-info:*", "", "secrets")}, shop, nil},
		"impersonating one user":                                 {[]rbacv1.PolicyRule{rule("impersonate", "", "users", "alice")}, Scope{}, []string{"RBAC-012 medium"}},
		"impersonating a group of Kubernetes":                    {[]rbacv1.PolicyRule{rule("impersonate", "", "groups", "system:masters")}, Scope{}, []string{"RBAC-012 critical"}},
		"impersonating the node that one runs on":                {[]rbacv1.PolicyRule{rule("impersonate:associated-node", "authentication.k8s.io", "nodes")}, Scope{}, []string{"RBAC-012 medium"}},
		"creating Namespaces within one":                         {[]rbacv1.PolicyRule{rule("create", "", "namespaces")}, shop, nil},
		"labelling the Namespace within it":                      {[]rbacv1.PolicyRule{rule("patch", "", "namespaces")}, shop, []string{"RBAC-051 high"}},
		"changing one mutating webhook":                          {[]rbacv1.PolicyRule{rule("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "injector")}, Scope{}, []string{"RBAC-047 critical"}},
		"changing one validating webhook":                        {[]rbacv1.PolicyRule{rule("update", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "guard")}, Scope{}, []string{"RBAC-047 high"}},
		"deleting one mutating webhook":                          {[]rbacv1.PolicyRule{rule("delete", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "injector")}, Scope{}, []string{"RBAC-047 medium"}},
		"creating one mutating webhook by name":                  {[]rbacv1.PolicyRule{rule("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "injector")}, Scope{}, nil},
		"changing every validating webhook":                      {[]rbacv1.PolicyRule{rule("update", "admissionregistration.k8s.io", "validatingwebhookconfigurations")}, Scope{}, []string{"RBAC-047 critical"}},
		"changing one mutating policy":                           {[]rbacv1.PolicyRule{rule("patch", "admissionregistration.k8s.io", "mutatingadmissionpolicies", "one")}, Scope{}, []string{"RBAC-048 critical"}},
		"changing one validating policy":                         {[]rbacv1.PolicyRule{rule("patch", "admissionregistration.k8s.io", "validatingadmissionpolicies", "one")}, Scope{}, []string{"RBAC-048 medium"}},
		"changing one Kyverno policy, which may mutate":          {[]rbacv1.PolicyRule{rule("patch", "kyverno.io", "clusterpolicies", "one")}, Scope{}, []string{"RBAC-048 critical"}},
		"changing one constraint of Gatekeeper":                  {[]rbacv1.PolicyRule{rule("patch", "templates.gatekeeper.sh", "constrainttemplates", "one")}, Scope{}, []string{"RBAC-048 medium"}},
		"cluster-wide policies within a namespace":               {[]rbacv1.PolicyRule{rule("patch", "kyverno.io", "clusterpolicies")}, shop, nil},
		"signing for issuers of one's own, as cert-manager does": {[]rbacv1.PolicyRule{rule("update patch", "certificates.k8s.io", "certificatesigningrequests/status"), rule("sign", "certificates.k8s.io", "signers", "issuers.cert-manager.io/*", "clusterissuers.cert-manager.io/*")}, Scope{}, []string{"RBAC-045 medium"}},
		"approving for no signer":                                {[]rbacv1.PolicyRule{rule("update", "certificates.k8s.io", "certificatesigningrequests/approval")}, Scope{}, []string{"RBAC-045 medium"}},
		"approving for a signer of Kubernetes":                   {[]rbacv1.PolicyRule{rule("update", "certificates.k8s.io", "certificatesigningrequests/approval"), rule("approve", "certificates.k8s.io", "signers", "kubernetes.io/kube-apiserver-client")}, Scope{}, []string{"RBAC-045 critical"}},
		"approving for every signer":                             {[]rbacv1.PolicyRule{rule("approve", "certificates.k8s.io", "signers")}, Scope{}, []string{"RBAC-045 critical"}},
		"a signer that only begins like one of Kubernetes":       {[]rbacv1.PolicyRule{rule("approve", "certificates.k8s.io", "signers", "kubernetes.io.example.com/x")}, Scope{}, nil},
		"joining any group of OpenShift":                         {[]rbacv1.PolicyRule{rule("patch", "user.openshift.io", "groups")}, Scope{}, []string{"RBAC-075 critical"}},
		"joining one group of OpenShift":                         {[]rbacv1.PolicyRule{rule("patch", "user.openshift.io", "groups", "shop")}, Scope{}, []string{"RBAC-075 medium"}},
		"reading groups of OpenShift":                            {[]rbacv1.PolicyRule{rule("get list watch", "user.openshift.io", "groups")}, Scope{}, nil},
		"writing access tokens of OpenShift":                     {[]rbacv1.PolicyRule{rule("create", "oauth.openshift.io", "oauthaccesstokens")}, Scope{}, []string{"RBAC-075 critical"}},
		"one's own access tokens":                                {[]rbacv1.PolicyRule{rule("create", "oauth.openshift.io", "useroauthaccesstokens")}, Scope{}, nil},
		"changing one security context constraint":               {[]rbacv1.PolicyRule{rule("update", "security.openshift.io", "securitycontextconstraints", "restricted-v2")}, Scope{}, []string{"RBAC-048 critical"}},
		"bindings of OpenShift's older API":                      {[]rbacv1.PolicyRule{rule("create", "authorization.openshift.io", "rolebindings")}, shop, []string{"RBAC-013 high"}},
		"global roles of Rancher":                                {[]rbacv1.PolicyRule{rule("create", "management.cattle.io", "globalrolebindings")}, Scope{}, []string{"RBAC-013 critical"}},
		"other kinds of Rancher":                                 {[]rbacv1.PolicyRule{rule("create", "management.cattle.io", "settings")}, Scope{}, nil},
		"a Prometheus, which runs any container":                 {[]rbacv1.PolicyRule{rule("patch", "monitoring.coreos.com", "prometheuses", "k8s")}, shop, []string{"RBAC-031 high"}},
		"what a Prometheus scrapes":                              {[]rbacv1.PolicyRule{rule("create patch", "monitoring.coreos.com", "servicemonitors prometheusrules")}, shop, nil},
		"requests of nodes that Kubernetes approves":             {[]rbacv1.PolicyRule{rule("create", "certificates.k8s.io", "certificatesigningrequests certificatesigningrequests/nodeclient")}, Scope{}, []string{"RBAC-042 critical"}},
		"requests of nodes that somebody else must approve":      {[]rbacv1.PolicyRule{rule("create", "certificates.k8s.io", "certificatesigningrequests")}, Scope{}, nil},
		"the Deployments of Gatehouse within its namespace":      {[]rbacv1.PolicyRule{rule("patch", "apps", "deployments", "gatehouse-webhook")}, Scope{"gatehouse-system"}, []string{"RBAC-031 high", "RBAC-070 critical"}},
		"Deployments everywhere, which is a power of its own":    {[]rbacv1.PolicyRule{rule("patch", "apps", "deployments")}, Scope{}, []string{"RBAC-031 critical"}},
		"own resources of an operator":                           {[]rbacv1.PolicyRule{rule("*", "example.com", "widgets")}, shop, nil},
		"an upper-case verb, which is another one":               {[]rbacv1.PolicyRule{rule("GET", "", "secrets")}, shop, nil},
		"extra fields of users, by name":                         {[]rbacv1.PolicyRule{rule("impersonate", "authentication.k8s.io", "userextras/scopes")}, Scope{}, []string{"RBAC-012 critical"}},
		"extra fields of users, by a star, which means nothing":  {[]rbacv1.PolicyRule{rule("impersonate", "authentication.k8s.io", "userextras/*")}, Scope{}, nil},
		"debugging endpoints by a star of paths":                 {[]rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"*"}}}, Scope{}, []string{"RBAC-005 high"}},
		"debugging endpoints in a Role, where paths are nothing": {[]rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"*"}}}, shop, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tc.want, ids(Of(tc.rules, tc.scope))); d != "" {
				t.Errorf("(want -, got +):\n%s", d)
			}
		})
	}
}

// world builds an inventory in a few words.
type world []inventory.Object

func (w *world) role(name string, rules ...rbacv1.PolicyRule) {
	*w = append(*w, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules})
}

// give binds a ClusterRole to an account "ns/name", in a namespace or, with "",
// everywhere.
func (w *world) give(role, namespace, account string) {
	ns, name, _ := strings.Cut(account, "/")
	subjects := []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: ns, Name: name}}
	ref := rbacv1.RoleRef{Kind: "ClusterRole", Name: role}
	if namespace == "" {
		*w = append(*w, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: role + "-" + name}, RoleRef: ref, Subjects: subjects})
		return
	}
	*w = append(*w, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role + "-" + name}, RoleRef: ref, Subjects: subjects})
}

func steps(e *Effect) []string {
	var out []string
	for _, s := range e.Steps {
		out = append(out, s.Subject.String()+" by "+s.Held.Power.ID+" of "+s.Held.Grant.Binding.String())
	}
	return out
}

func TestEscalationFollowsWhomOneCanBecome(t *testing.T) {
	t.Parallel()
	var w world
	w.role("runner", rule("create", "", "pods"))
	w.role("reader", rule("get", "", "configmaps"))
	w.role("admin-of-all", rule("*", "*", "*"))
	w.role("port", rule("create", "", "pods/portforward"))
	w.give("runner", "build", "shop/web") // web runs pods in build,
	w.give("runner", "ops", "build/ci")   // where ci runs pods in ops,
	w.give("admin-of-all", "", "ops/agent")
	w.give("reader", "shop", "shop/safe")
	w.give("port", "shop", "shop/tunnel")
	w.give("runner", "build", "build/self") // runs pods where it is itself: a cycle
	v := authz.Over(inventory.New(w...))

	e := Effective(v, authz.ServiceAccount("shop", "web"))
	want := []string{
		"ServiceAccount shop/web by RBAC-030 of RoleBinding build/runner-web",
		"ServiceAccount build/ci by RBAC-030 of RoleBinding ops/runner-ci",
		"ServiceAccount ops/agent by RBAC-001 of ClusterRoleBinding admin-of-all-agent",
	}
	if d := cmp.Diff(want, steps(e)); d != "" || e.Severity != checks.Critical || !e.Everyone {
		t.Errorf("severity %s, everyone %v, steps (want -, got +):\n%s", e.Severity, e.Everyone, d)
	}
	var few world
	few.role("runner", rule("create", "", "pods"))
	few.give("runner", "build", "shop/web")
	few.give("runner", "ops", "build/ci")
	e = Effective(authz.Over(inventory.New(few...)), authz.ServiceAccount("shop", "web"))
	if d := cmp.Diff([]string{"build", "ops"}, e.Reaches); d != "" || e.Everyone {
		t.Errorf("everyone %v, namespaces (want -, got +):\n%s", e.Everyone, d)
	}
	for account, want := range map[string]checks.Severity{
		"safe": checks.SeverityUnset, "tunnel": checks.Medium, "nobody": checks.SeverityUnset,
	} {
		if got := Effective(v, authz.ServiceAccount("shop", account)); got.Severity != want {
			t.Errorf("%s is %s, want %s", account, got.Severity, want)
		}
	}
}

func TestANamedTokenLeadsToTheNamedAccountOnly(t *testing.T) {
	t.Parallel()
	var w world
	w.role("admin-of-all", rule("*", "*", "*"))
	w.role("port", rule("create", "", "pods/portforward"))
	w.role("token", rule("create", "", "serviceaccounts/token", "agent"))
	w.role("other-token", rule("create", "", "serviceaccounts/token", "safe"))
	w.role("group-impersonator", rule("impersonate", "", "groups", "admins"))
	w.give("group-impersonator", "", "shop/joiner")
	w = append(w, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "admins"}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "admin-of-all"},
		Subjects: []rbacv1.Subject{{Kind: "Group", Name: "admins"}},
	})
	w.role("joiner", rule("patch", "user.openshift.io", "groups", "admins"))
	w.give("joiner", "", "shop/member")
	w.role("impersonator", rule("impersonate", "", "users", "system:serviceaccount:ops:agent"))
	w.give("admin-of-all", "", "ops/agent")
	w.give("port", "ops", "ops/safe")
	w.give("token", "ops", "shop/web")
	w.give("other-token", "ops", "shop/web") // the same power in the same place
	w.give("other-token", "ops", "shop/small")
	w.give("impersonator", "", "shop/actor")
	w.give("token", "shop", "shop/elsewhere")
	v := authz.Over(inventory.New(w...))
	for account, want := range map[string]checks.Severity{
		"web": checks.Critical, "actor": checks.Critical, "joiner": checks.Critical, "member": checks.Critical, "small": checks.Medium, "elsewhere": checks.Medium,
	} {
		if e := Effective(v, authz.ServiceAccount("shop", account)); e.Severity != want {
			t.Errorf("%s is %s, want %s: %v", account, e.Severity, want, steps(e))
		}
	}
}

func TestCombinedPowersComeFromSeveralBindings(t *testing.T) {
	t.Parallel()
	var w world
	w.role("creator", rule("create", "", "secrets"))
	w.role("getter", rule("get", "", "secrets"))
	w.give("creator", "shop", "shop/web")
	w.give("getter", "", "shop/web")
	v := authz.Over(inventory.New(w...))
	var got []string
	for _, h := range Direct(v, authz.ServiceAccount("shop", "web")) {
		got = append(got, h.Power.ID+" in "+h.Grant.Namespace)
	}
	if d := cmp.Diff([]string{"RBAC-020 in ", "RBAC-021 in shop", "RBAC-080 in shop"}, got); d != "" {
		t.Errorf("(want -, got +):\n%s", d)
	}
}

func TestMoreRulesNeverLowerASeverity(t *testing.T) {
	t.Parallel()
	pool := []rbacv1.PolicyRule{
		rule("get", "", "secrets", "tls"), rule("get list", "", "secrets"), rule("*", "*", "*"), rule("create", "", "pods"),
		rule("bind", "rbac.authorization.k8s.io", "clusterroles", "cluster-admin"), rule("create patch", "rbac.authorization.k8s.io", "rolebindings"),
		rule("delete", "", "pods"), rule("patch", "", "nodes"), rule("get", "", "configmaps"),
	}
	worst := func(rules []rbacv1.PolicyRule, s Scope) (out checks.Severity) {
		for _, h := range Of(rules, s) {
			out = max(out, h.Severity)
		}
		return out
	}
	for _, scope := range []Scope{{}, {"shop"}, {"kube-system"}} {
		for mask := range 1 << len(pool) {
			var rules []rbacv1.PolicyRule
			for i, r := range pool {
				if mask>>i&1 == 1 {
					rules = append(rules, r)
				}
			}
			before := worst(rules, scope)
			for i, r := range pool {
				if after := worst(append(slices.Clip(rules), r), scope); after < before {
					t.Fatalf("%v in %q is %s, with %v more it is %s", rules, scope.Namespace, before, pool[i], after)
				}
			}
		}
	}
}

// TestNothingIsWorseThanEverything: whoever may do everything somewhere has every
// power there, so that it must not weigh less than one of them.
func TestNothingIsWorseThanEverything(t *testing.T) {
	t.Parallel()
	severity := func(s Scope, rules ...rbacv1.PolicyRule) (out checks.Severity) {
		for _, h := range Of(rules, s) {
			out = max(out, h.Severity)
		}
		return out
	}
	compared := 0
	for _, s := range []Scope{{}, {"shop"}, {"kube-system"}, {"gatehouse-system"}} {
		all := severity(s, rule("*", "*", "*"))
		for _, p := range All() {
			for _, pattern := range p.Any {
				if len(pattern.Paths) > 0 {
					continue
				}
				r := rbacv1.PolicyRule{Verbs: pattern.Verbs, APIGroups: pattern.Groups, Resources: pattern.Resources, ResourceNames: nil}
				compared++
				if one := severity(s, r); one > all {
					t.Errorf("in %q everything is %s, and %s %s", s.Namespace, all, p.Name, one)
				}
			}
		}
	}
	if compared == 0 {
		t.Fatal("nothing was compared")
	}
}
