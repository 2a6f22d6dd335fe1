// SPDX-License-Identifier: Apache-2.0

package privilege

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/blast"
	"github.com/gatehouse-sh/gatehouse/checks/cel"
	"github.com/gatehouse-sh/gatehouse/checks/exposure"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// accountBackstops are those of the checks that look at ServiceAccounts and at the
// Secrets of their tokens.
func accountBackstops() map[string]checks.Backstop {
	annotations := "self.metadata.?annotations.orValue({})"
	owned := `s.name.matches(` + cel.Quote(blast.TokenNames()) + `) && s.name.startsWith(self.metadata.name + "-token-") && s.name.size() == self.metadata.name.size() + 12`
	return map[string]checks.Backstop{
		"SA-004": always("",
			checks.BackstopRule{
				Kinds: []schema.GroupKind{inventory.SecretKind},
				Faults: cel.When(`self.?type.orValue("") == `+cel.Quote(string(corev1.SecretTypeServiceAccountToken)),
					`["account/" + `+annotations+`[?`+cel.Quote(corev1.ServiceAccountNameKey)+`].orValue("")]`),
			},
			checks.BackstopRule{Kinds: serviceAccounts, Faults: cel.List("self.?secrets") + `.filter(s, s.?name.orValue("") != "" && ` + owned + `).map(s, "secret/" + s.name)`}),
		"SA-005": always("whether a workload of the account is exposed, which makes it high", checks.BackstopRule{
			Faults: cel.Strings(blast.IdentityAnnotations()...) + `.filter(k, ` + annotations + `[?k].orValue("") != "").map(k, "identity/" + k + "=" + ` + annotations + `[k])`,
		}),
		"SA-012": always("",
			checks.BackstopRule{Kinds: serviceAccounts, Faults: pullSecretFaults("self.?imagePullSecrets", `self.metadata.name == "default" && !n.startsWith("default-dockercfg-")`)},
			checks.BackstopRule{Kinds: exposure.TemplateKinds(), Faults: cel.OnTemplate(pullSecretFaults("t.?spec.?imagePullSecrets", "false"))}),
	}
}

// pullSecretFaults are pullSecrets; a name n is reported where a condition holds.
func pullSecretFaults(path, condition string) string {
	return cel.List(path) + `.map(s, s.?name.orValue("")).filter(n, ` + cel.Any(condition, "n.matches("+cel.Quote(registryWide.String())+")") + `).map(n, "pullSecret/" + n)`
}

// podBackstops are those of the checks that look at what pods run as.
func podBackstops() map[string]checks.Backstop {
	return map[string]checks.Backstop{
		"SA-002": always("whether something is granted to the account default, which makes it medium; templates that do not say whether a token is mounted", checks.BackstopRule{
			Severity: checks.Low, Faults: cel.OnTemplate(cel.When(cel.All(
				`["serviceAccountName", "serviceAccount"].all(f, t.?spec[?f].orValue("") in ["", "default"])`,
				cel.Any("t.?spec.?automountServiceAccountToken.orValue(false)", projections+`.exists(p, `+cel.List("p.?sources")+`.exists(s, s.?serviceAccountToken.hasValue() && s.serviceAccountToken.?audience.orValue("") == ""))`),
			), `["default"]`)),
		}),
		"SA-003": always("", longTokenRules()...),
		"SA-010": always("Secrets that belong to another ServiceAccount of the namespace, which are high", checks.BackstopRule{Severity: checks.Medium, Faults: cel.OnTemplate(foreignFaults())}),
		"SA-013": always("whether the workload is exposed, which makes it critical",
			checks.BackstopRule{Severity: checks.High, Faults: cel.OnTemplate(hostPathFaults())},
			checks.BackstopRule{Severity: checks.Medium, Faults: cel.OnTemplate(cel.When("t.?spec.?hostNetwork.orValue(false)", `["metadata"]`))}),
	}
}

// volumes are those of the template t, and projections their sources where they
// are projected.
var (
	volumes     = cel.List("t.?spec.?volumes")
	projections = volumes + ".filter(v, v.?projected.hasValue()).map(v, v.projected)"
)

// longTokenRules are judged by runner.projected.
func longTokenRules() []checks.BackstopRule {
	name := `(v.name.size() > ` + strconv.Itoa(len(generatedToken)) + ` && v.name.startsWith(` + cel.Quote(generatedToken) + `) ? ` + cel.Quote(generatedToken) + ` : v.name)`
	sources := cel.List("v.projected.?sources")
	faults := func(condition, suffix string) string {
		tokens := sources + `.filter(s, s.?serviceAccountToken.hasValue()).map(s, s.serviceAccountToken).filter(k, ` + condition + `).map(k, "token/" + ` + name + ` + "/" + k.?path.orValue("") + ` + cel.Quote(suffix) + ")"
		return cel.OnTemplate(cel.Flatten(volumes + ".filter(v, v.?projected.hasValue()).map(v, " + tokens + ")"))
	}
	beside := sources + `.exists(s, s.?configMap.?name.orValue("") == "kube-root-ca.crt" || s.?clusterTrustBundle.hasValue())`
	return []checks.BackstopRule{
		{Severity: checks.Low, Faults: faults("k.?expirationSeconds.orValue(0) > "+strconv.Itoa(longest), "/life")},
		{Severity: checks.Info, Faults: faults(cel.All(`k.?audience.orValue("") == ""`, cel.Not(beside)), "/audience")},
	}
}

// foreignFaults are judgeForeignCredentials by names alone.
func foreignFaults() string {
	is := func(text string) string { return text + ".matches(" + cel.Quote(keysOut.String()) + ")" }
	of := func(list, name string) string {
		return list + ".filter(s, " + cel.Any(is(name), cel.List("s.?items")+".exists(i, "+is(`i.?key.orValue("")`)+")") + `).map(s, "secret/" + ` + name + ")"
	}
	return cel.Concat(
		of(volumes+".filter(v, v.?secret.hasValue()).map(v, v.secret)", `s.?secretName.orValue("")`),
		cel.Flatten(projections+".map(p, "+of(cel.List("p.?sources")+".filter(s, s.?secret.hasValue()).map(s, s.secret)", `s.?name.orValue("")`)+")"))
}

// hostPathFaults are the escapes by hostPath of blast.Escapes. The API server takes
// no path with two dots.
func hostPathFaults() string {
	readable, writable := blast.NodePaths()
	lies := func(list []string) string {
		return cel.Strings(list...) + `.exists(a, p == "/" || a == p || a.startsWith(p + "/") || p.startsWith(a + "/"))`
	}
	mounts := cel.Containers + ".exists(c, " + cel.List("c.?volumeMounts") + ".exists(m, m.?name.orValue(\"\") == v.name && "
	path := `"/" + v.hostPath.?path.orValue("").split("/").filter(s, s != "" && s != ".").join("/")`
	gives := cel.Let("p", path, cel.Any(
		cel.All(lies(readable), mounts+"true))"),
		cel.All(lies(writable), mounts+"!m.?readOnly.orValue(false)))")))
	return volumes + `.filter(v, v.?hostPath.hasValue() && !v.hostPath.?path.orValue("").split("/").exists(s, s == "..") && ` + gives + `).map(v, "hostPath/" + ` + path + ")"
}
