// SPDX-License-Identifier: Apache-2.0

package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// systemNamespaces are those that the webhook never judges. A test compares the
// list with the webhook's, which the command line does not link.
var systemNamespaces = []string{"kube-system", "kube-node-lease", "kube-public"}

// judgement is the verdict on one target.
type judgement struct {
	*target
	verdict policy.Verdict
}

// judging judges the targets of a run.
type judging struct {
	app       *app
	rules     rules
	loaded    *loaded
	namespace string
	quiet     bool

	exempted int
	used     map[string]bool // exemptions that covered something, by name
	told     map[string]bool // notes that were given
	optedOut int             // objects in namespaces that are not judged
}

// note tells something once.
func (j *judging) note(format string, args ...any) {
	if j.told == nil {
		j.told = map[string]bool{}
	}
	key := fmt.Sprintf(format, args...)
	if !j.told[key] && !j.quiet {
		j.app.say("note: %s", key)
	}
	j.told[key] = true
}

// all judges every target that the namespace filter lets through. The verdicts
// are in the order of the targets, those without findings included.
func (j *judging) all() []judgement {
	var out []judgement
	for i := range j.loaded.targets {
		t := &j.loaded.targets[i]
		if j.namespace != "" && t.key.Namespace != j.namespace {
			continue
		}
		mode, profile := j.scope(t)
		if mode == policy.Off {
			j.optedOut++
			continue
		}
		out = append(out, judgement{t, j.one(t, mode, profile)})
	}
	j.inherited(out)
	j.leftovers()
	return out
}

// empty is the fault of a namespace of which nothing was read: most likely it is
// misspelt, and a run that judges nothing must not pass.
func (j *judging) empty() error {
	ns := j.namespace
	if ns == "" || len(j.loaded.faults) > 0 || j.loaded.inventory.Namespace(ns) != nil ||
		slices.ContainsFunc(j.loaded.targets, func(t target) bool { return t.key.Namespace == ns }) {
		return nil
	}
	return fmt.Errorf("there is nothing to judge: of %s none is in namespace %s", count(len(j.loaded.targets), "object"), ns)
}

// scope says how a target is taken: cluster-scoped objects as the policy says,
// the others as enforced or as their namespace's labels say.
func (j *judging) scope(t *target) (policy.Mode, policy.Profile) {
	ns := t.key.Namespace
	system := slices.Contains(systemNamespaces, ns)
	switch {
	case ns == "":
		return j.rules.policy.ClusterMode, j.rules.profile
	case j.loaded.live && system && j.namespace != ns:
		if j.namespace == "" {
			j.note("%s are left out: the webhook never judges them; -n shows one of them", strings.Join(systemNamespaces, ", "))
		}
		return policy.Off, j.rules.profile
	case !j.rules.respect:
		return policy.Enforce, j.rules.profile
	case system:
		return policy.Off, j.rules.profile
	}
	labelled := j.loaded.inventory.Namespace(ns)
	if labelled == nil {
		j.note("namespace %s is not among the objects, so its labels are not known: it is taken as enforced", ns)
		return policy.Enforce, j.rules.profile
	}
	mode, profile, err := policy.ScopeOf(labelled.Labels)
	if err != nil {
		j.note("namespace %s: %s", ns, err.Error())
	}
	return mode, profile
}

// one judges a target against everything that was read. What is exempt is
// counted and left out.
func (j *judging) one(t *target, mode policy.Mode, profile policy.Profile) policy.Verdict {
	inv := j.loaded.inventory
	entry := inv.Entry(t.key)
	found := j.judge().Of(verdict.Question{
		Object: t.object, Inventory: inv, Held: entry != nil && entry.Object == t.object, // else another of its identity was read later
		Request: checks.Request{Stored: j.loaded.live}, Mode: mode, Profile: profile, Only: j.rules.only,
		ModeOf: func(namespace string) policy.Mode {
			mode, _ := j.scope(&target{key: inventory.Key{Namespace: namespace}})
			return mode
		},
	})
	kept := found[:0]
	for _, f := range found {
		if f.Exemption == "" {
			kept = append(kept, f)
			continue
		}
		if j.used == nil {
			j.used = map[string]bool{}
		}
		j.used[f.Exemption] = true
		j.exempted++
	}
	return kept
}

func (j *judging) judge() verdict.Judge {
	return verdict.Judge{Policy: j.rules.policy, Exemptions: j.rules.exemptions, Now: j.app.Now()}
}

type fault struct {
	key     inventory.Key
	check   string
	subject string
	action  checks.Action
}

// inherited drops the findings of an object that its controller has as well: a
// Deployment's fault is not told again for each of its pods. What is exempt of the
// controller is not among its findings any more, and stays with the pods.
func (j *judging) inherited(list []judgement) {
	has := map[fault]bool{}
	for _, one := range list {
		for _, f := range one.verdict {
			has[fault{one.key, f.Check, f.Subject, f.Action}] = true
		}
	}
	for i := range list {
		if len(list[i].verdict) == 0 {
			continue
		}
		w := inventory.NewEntry(list[i].object).Workload
		if w == nil {
			continue
		}
		up := j.loaded.inventory.ControllerOf(w)
		if up == nil {
			continue
		}
		kept := list[i].verdict[:0:0]
		for _, f := range list[i].verdict {
			if !has[fault{up.Key, f.Check, f.Subject, f.Action}] {
				kept = append(kept, f)
			}
		}
		list[i].verdict = kept
	}
}

// leftovers tells which parts of the configuration had no effect.
func (j *judging) leftovers() {
	j.idle()
	if j.loaded.live {
		j.unscanned()
	}
	for _, c := range j.app.set.Checks() {
		if j.rules.only[c.ID] && !j.rules.policy.On(&c, j.rules.profile) {
			j.note("check %s is off in the profile %s", c.ID, j.rules.profile.String())
		}
	}
	if j.optedOut > 0 && j.rules.respect {
		j.note("not judged, because their namespaces did not opt in: %s", count(j.optedOut, "object"))
	}
}

// unscanned tells which custom checks were not asked, because what is stored is
// not read whole.
func (j *judging) unscanned() {
	var ids []string
	for _, c := range j.app.set.Checks() {
		if c.Custom && (j.rules.only == nil || j.rules.only[c.ID]) {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) > 0 {
		j.note("custom checks judge what is written, so they were left out of this look at what is stored: %s", strings.Join(ids, ", "))
	}
}
