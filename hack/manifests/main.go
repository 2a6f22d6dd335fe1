// SPDX-License-Identifier: Apache-2.0

// Command manifests writes what in manifests/ follows from the code: the
// webhook registration, the backstop, and the rules by which the webhook and the
// controller may read what their inventories keep. `go generate ./...` runs it.
package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/catalog"
	"github.com/gatehouse-sh/gatehouse/internal/backstop"
	"github.com/gatehouse-sh/gatehouse/internal/policy"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: manifests FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	set, err := catalog.Set()
	if err != nil {
		return err
	}
	validating, mutating := registration.Build(set, registration.Options{Namespace: "gatehouse-system", Service: "gatehouse-webhook"})
	out := []byte("# Generated from webhook/registration; `make generate` writes it.\n")
	for _, o := range []any{validating, mutating} {
		raw, err := yaml.Marshal(o)
		if err != nil {
			return err
		}
		out = append(out, "---\n"...)
		out = append(out, raw...)
	}
	if err := os.WriteFile(filepath.Join(dir, "webhook", "registration.yaml"), out, 0o600); err != nil {
		return err
	}
	if err := writeBackstop(filepath.Join(dir, "backstop", "policies.yaml"), set); err != nil {
		return err
	}
	for _, binary := range []string{"webhook.yaml", "controller.yaml"} {
		if err := replace(filepath.Join(dir, "rbac", binary), reads()); err != nil {
			return err
		}
	}
	return nil
}

// writeBackstop writes the ValidatingAdmissionPolicies of the checks' defaults.
func writeBackstop(path string, set *checks.Set) error {
	objects, err := backstop.Build(policy.Default(set), backstop.Options{Namespace: "gatehouse-system"})
	if err != nil {
		return err
	}
	b := bytes.NewBufferString("# Generated from the checks; `make generate` writes it. For a CheckPolicy of your own: gatehouse backstop --policy FILE.\n")
	if err := objects.Write(b); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

const (
	begin = "# What the inventory keeps; generated from inventory.Kinds by `make generate`.\n"
	end   = "# End of the generated rules.\n"
)

// replace writes the text between the two marks of a file.
func replace(path string, text []byte) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	i, j := bytes.Index(old, []byte(begin)), bytes.Index(old, []byte(end))
	if i < 0 || j < i {
		return fmt.Errorf("%s: the marks of the generated part are missing", path)
	}
	return os.WriteFile(path, slices.Concat(old[:i], []byte(begin), text, old[j:]), 0o600)
}

// reads grants list and watch of every kind that is kept, a rule for each group.
func reads() []byte {
	groups := map[string][]string{}
	for _, k := range inventory.Kinds() {
		if k.Kept {
			groups[k.Group] = append(groups[k.Group], k.Resource)
		}
	}
	var b bytes.Buffer
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		if group == "" {
			fmt.Fprint(&b, "- apiGroups: [\"\"]\n")
		} else {
			fmt.Fprintf(&b, "- apiGroups: [%s]\n", group)
		}
		resources := slices.Compact(slices.Sorted(slices.Values(groups[group])))
		fmt.Fprintf(&b, "  resources:\n  - %s\n  verbs: [list, watch]\n", strings.Join(resources, "\n  - "))
	}
	return b.Bytes()
}
