// SPDX-License-Identifier: Apache-2.0

// Command shippedroles writes the list of the roles and bindings that Kubernetes
// ships (checks/privilege/shipped.txt) from the test data of its sources, one
// folder for each version:
//
//	shippedroles k8s.io/kubernetes@v1.36.3/plugin/pkg/auth/authorizer/rbac/bootstrappolicy/testdata ... > shipped.txt
//
// Rules, subjects and selectors of several versions are put together: what any of
// them ships is known.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func main() { os.Exit(run()) }

func run() int {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: shippedroles FOLDER...")
		return 2
	}
	if err := write(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shippedroles:", err)
		return 1
	}
	return 0
}

// item has the fields of every RBAC kind.
type item struct {
	Kind              string
	metav1.ObjectMeta `json:"metadata"`
	AggregationRule   *rbacv1.AggregationRule
	Rules             []rbacv1.PolicyRule
	RoleRef           rbacv1.RoleRef
	Subjects          []rbacv1.Subject
}

func write(out io.Writer, folders []string) error {
	lines := map[string]map[string]bool{} // by head line
	for _, folder := range folders {
		paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			return err
		}
		if len(paths) == 0 {
			return fmt.Errorf("%s holds no YAML", folder)
		}
		for _, path := range paths {
			if err := collect(path, lines); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	for _, head := range slices.Sorted(maps.Keys(lines)) {
		if _, err := fmt.Fprintln(out, head); err != nil {
			return err
		}
		for _, line := range slices.Sorted(maps.Keys(lines[head])) {
			if _, err := fmt.Fprintln(out, "  "+line); err != nil {
				return err
			}
		}
	}
	return nil
}

func collect(path string, lines map[string]map[string]bool) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var list struct{ Items []item }
	if err := yaml.Unmarshal(raw, &list); err != nil {
		return err
	}
	for i := range list.Items {
		o := &list.Items[i]
		head := o.Kind + " " + strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")
		if o.RoleRef.Name != "" {
			head += " " + o.RoleRef.Kind + " " + o.RoleRef.Name
		}
		if lines[head] == nil {
			lines[head] = map[string]bool{}
		}
		for _, line := range o.lines() {
			lines[head][line] = true
		}
	}
	return nil
}

func (o *item) lines() []string {
	var out []string
	for key := range o.Labels {
		if strings.HasPrefix(key, "rbac.authorization.k8s.io/") {
			out = append(out, "label "+key)
		}
	}
	if o.AggregationRule != nil {
		for _, s := range o.AggregationRule.ClusterRoleSelectors {
			out = append(out, "from "+metav1.FormatLabelSelector(&s))
		}
	}
	for _, r := range o.Rules {
		if len(r.NonResourceURLs) > 0 {
			out = append(out, "path "+join(r.Verbs)+" "+join(r.NonResourceURLs))
			continue
		}
		groups := slices.Clone(r.APIGroups)
		for i := range groups {
			if groups[i] == "" {
				groups[i] = "core"
			}
		}
		line := "rule " + join(r.Verbs) + " " + join(groups) + " " + join(r.Resources)
		if len(r.ResourceNames) > 0 {
			line += " " + join(r.ResourceNames)
		}
		out = append(out, line)
	}
	for _, s := range o.Subjects {
		out = append(out, "to "+s.Kind+" "+strings.TrimPrefix(s.Namespace+"/"+s.Name, "/"))
	}
	return out
}

func join(list []string) string { return strings.Join(list, ",") }
