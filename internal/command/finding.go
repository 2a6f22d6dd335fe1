// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/exempt"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/verdict"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// findingFlags are the flags of `gatehouse explain --finding`.
type findingFlags struct {
	finding    string
	subject    string
	subjectSet bool
	exemptions string
	policy     string
	cluster    clusterFlags
}

// finding is one that a user names.
type finding struct {
	check   checks.Check
	key     inventory.Key
	subject string
}

// parseFinding reads CHECK:Kind/namespace/name[:subject], without the namespace
// for cluster-scoped objects. Where the subject is given apart, the name may hold
// colons, as those of roles do.
func (a *app) parseFinding(f findingFlags) (finding, error) {
	bad := func(format string, args ...any) (finding, error) {
		return finding{}, fmt.Errorf("--finding %q: %s (CHECK:Kind/namespace/name[:subject] is wanted, as in EXP-001:Service/shop/web:type)", f.finding, fmt.Sprintf(format, args...))
	}
	id, rest, found := strings.Cut(f.finding, ":")
	if !found {
		return bad("it names no object")
	}
	c, known := a.set.Lookup(id)
	if !known {
		c, known = a.set.Lookup(strings.ToUpper(id))
	}
	if !known {
		return bad("no check has the id or name %q", id)
	}
	out := finding{check: c, subject: f.subject}
	if !f.subjectSet {
		rest, out.subject, _ = strings.Cut(rest, ":")
	}
	kind, name, found := strings.Cut(rest, "/")
	if !found || kind == "" || name == "" {
		return bad("%q is not an object", rest)
	}
	var err error
	if out.key.Kind, err = kindOf(c, kind); err != nil {
		return bad("%v", err)
	}
	out.key.Name = name
	if ns, name, namespaced := strings.Cut(name, "/"); namespaced {
		out.key.Namespace, out.key.Name = ns, name
	}
	scope, known := inventory.KindOf(out.key.Kind)
	switch {
	case out.key.Name == "" || known && scope.Namespaced && out.key.Namespace == "":
		return bad("a %s needs a namespace and a name", kind)
	case known && !scope.Namespaced && out.key.Namespace != "":
		return bad("a %s has no namespace", kind)
	}
	return out, nil
}

// kindOf finds the kind that a check judges by Kind or Kind.group.
func kindOf(c checks.Check, name string) (schema.GroupKind, error) {
	var matches []schema.GroupKind
	for _, gk := range c.Kinds {
		if gk.String() == name {
			return gk, nil
		}
		if strings.EqualFold(gk.Kind, name) {
			matches = append(matches, gk)
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return schema.GroupKind{}, fmt.Errorf("%s judges no %s but %s", c.ID, name, strings.Join(kindNames(c.Kinds), ", "))
	}
	return schema.GroupKind{}, fmt.Errorf("%s may be %s", name, strings.Join(kindNames(matches), " or "))
}

// considered is the machine form of explain --finding.
type considered struct {
	At         string          `json:"at"` // RFC 3339
	Check      string          `json:"check"`
	Name       string          `json:"name"`
	Object     report.Object   `json:"object"`
	Subject    string          `json:"subject"`
	Exempt     bool            `json:"exempt"`
	By         string          `json:"by,omitempty"` // the exemption that verdicts name
	Source     string          `json:"source"`
	Exemptions []consideration `json:"exemptions"`
}

// consideration is one exemption and what stands between it and the finding.
type consideration struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Covers    bool      `json:"covers"`
	Against   []against `json:"against"`
	Owner     string    `json:"owner,omitempty"`
	Ticket    string    `json:"ticket,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	ExpiresAt string    `json:"expiresAt,omitempty"`

	exemption exempt.Exemption
}

// against is one ground: a word of a closed set, and a sentence.
type against struct {
	Why  string `json:"why"`
	Text string `json:"text"`
}

// customPrefix begins the ids of custom checks.
const customPrefix = "CUSTOM-"

// faulty is the word for an exemption that cannot be understood.
const faulty = "faulty"

func (a *app) explainFinding(ctx context.Context, f findingFlags, output string) error {
	named, wrong := a.parseFinding(f)
	custom := isCustom(f.finding) // which the policy may know
	if wrong != nil && !custom {
		return wrong
	}
	set, p, source, err := a.exemptionsOf(ctx, f)
	if err != nil {
		return err
	}
	if custom {
		if named, err = a.parseFinding(f); err != nil {
			return err
		}
	}
	out := a.consider(named, set, verdict.TermsOf(p))
	out.Source = source
	switch output {
	case "text":
		return a.writeConsidered(out)
	case "json":
		return report.EncodeJSON(a.Out, out)
	case "yaml":
		return report.EncodeYAML(a.Out, out)
	}
	return fmt.Errorf("--output %q is not one of text, json, yaml", output)
}

// exemptionsOf reads the exemptions and the policy that bounds them.
func (a *app) exemptionsOf(ctx context.Context, f findingFlags) (*exempt.Set, *policy.Policy, string, error) {
	p := policy.Default(a.set)
	var err error
	if f.policy != "" {
		if p, err = a.readPolicy(f.policy); err != nil {
			return nil, nil, "", err
		}
	}
	if f.exemptions != ofCluster {
		if f.cluster != (clusterFlags{}) {
			return nil, nil, "", errors.New("--context and --kubeconfig choose a cluster: with them, say --exemptions cluster")
		}
		set, err := readExemptions(f.exemptions, a.set)
		return set, p, f.exemptions, err
	}
	config, name, err := f.cluster.connect()
	if err != nil {
		return nil, nil, "", err
	}
	if f.policy == "" {
		if p, err = a.clusterPolicy(ctx, config); err != nil {
			return nil, nil, "", err
		}
	}
	set, err := a.clusterExemptions(ctx, config, true)
	return set, p, "cluster " + name, err
}

// consider asks every exemption. Those that cover the finding come first, then
// those with the fewest grounds against.
func (a *app) consider(f finding, set *exempt.Set, t exempt.Terms) considered {
	now, about := a.Now(), checks.Finding{Check: f.check.ID, Subject: f.subject}
	out := considered{
		At: now.UTC().Format(time.RFC3339), Check: f.check.ID, Name: f.check.Name, Subject: f.subject,
		Object: report.NewObject("", f.key), Exemptions: []consideration{},
	}
	if k, known := inventory.KindOf(f.key.Kind); known {
		out.Object.APIVersion = schema.GroupVersion{Group: k.Group, Version: k.Version}.String()
	}
	if e := set.Of(f.key, about, t, now); e != nil {
		out.Exempt, out.By = true, e.String()
	}
	for _, e := range set.All() {
		c := consideration{
			Namespace: e.Namespace, Name: e.Name, Against: []against{}, Owner: e.Owner, Ticket: e.Ticket, Reason: e.Reason,
			ExpiresAt: e.ExpiresAt.UTC().Format(time.RFC3339), exemption: e,
		}
		for o := range e.Against(f.key, about, t, now) {
			c.Against = append(c.Against, against{o.String(), e.Text(o, f.key, about, t, now)})
		}
		c.Covers = len(c.Against) == 0
		out.Exemptions = append(out.Exemptions, c)
	}
	for _, bad := range set.Faulty() {
		out.Exemptions = append(out.Exemptions, consideration{
			Namespace: bad.Namespace, Name: bad.Name,
			Against: []against{{faulty, "it covers nothing: " + strings.ReplaceAll(bad.Err.Error(), "\n", "; ")}},
		})
	}
	slices.SortStableFunc(out.Exemptions, func(x, y consideration) int { return len(x.Against) - len(y.Against) })
	return out
}
