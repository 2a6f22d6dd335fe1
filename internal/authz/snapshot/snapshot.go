// SPDX-License-Identifier: Apache-2.0

// Package snapshot keeps the roles, bindings and ServiceAccounts of a moment and
// says what has changed since: who gained what, which roles were widened, which
// bindings point at nothing, and which point again at something that had been
// gone. It is pure; `gatehouse rbac snapshot` and `diff` and the daily report of
// the controller use it.
package snapshot

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// APIVersion and Kind mark a snapshot in a file. A later form gets a later
// version; this one is read as long as v1alpha1 is.
const (
	APIVersion = "gatehouse.sh/v1alpha1"
	Kind       = "RBACSnapshot"
)

// maxBytes bounds a snapshot that is read: the large shape of the benchmarks,
// 11,000 bindings and 2,000 roles, has 5 MiB.
const maxBytes = 256 << 20

// Snapshot is the RBAC of a moment. Every list is ordered by namespace and name,
// so equal clusters have equal snapshots.
type Snapshot struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Roles      []Role    `json:"roles"`
	Bindings   []Binding `json:"bindings"`
	Accounts   []Name    `json:"serviceAccounts"`
}

// Name is a name in a namespace, which is empty for cluster-scoped objects.
type Name struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// Role is a Role or, without a namespace, a ClusterRole with the rules that it
// had: those of an aggregated one are the collected ones.
type Role struct {
	Name
	Rules []rbacv1.PolicyRule `json:"rules"`
}

// Binding is a RoleBinding or, without a namespace, a ClusterRoleBinding.
type Binding struct {
	Name
	RoleRef  rbacv1.RoleRef   `json:"roleRef"`
	Subjects []rbacv1.Subject `json:"subjects"`
}

// Take takes a snapshot of what a view reads.
func Take(v authz.View) *Snapshot {
	s := &Snapshot{APIVersion: APIVersion, Kind: Kind, Roles: []Role{}, Bindings: []Binding{}, Accounts: []Name{}}
	for _, kind := range []struct{ role, binding inventory.Key }{
		{inventory.Key{Kind: inventory.ClusterRoleKind}, inventory.Key{Kind: inventory.ClusterBindingKind}},
		{inventory.Key{Kind: inventory.RoleKind}, inventory.Key{Kind: inventory.RoleBindingKind}},
	} {
		for e := range v.Inventory().Entries(kind.role.Kind, "") {
			rules, _ := v.Rules(e.Key)
			s.Roles = append(s.Roles, Role{nameOf(e.Key), append([]rbacv1.PolicyRule{}, rules...)})
		}
		for e := range v.Inventory().Entries(kind.binding.Kind, "") {
			if b, ok := authz.BoundOf(e.Object); ok {
				s.Bindings = append(s.Bindings, Binding{nameOf(e.Key), b.RoleRef, append([]rbacv1.Subject{}, b.Subjects...)})
			}
		}
	}
	for e := range v.Inventory().Entries(inventory.ServiceAccountKind, "") {
		s.Accounts = append(s.Accounts, nameOf(e.Key))
	}
	s.sort()
	return s
}

func nameOf(k inventory.Key) Name { return Name{k.Namespace, k.Name} }

func (n Name) compare(o Name) int {
	return cmp.Or(cmp.Compare(n.Namespace, o.Namespace), cmp.Compare(n.Name, o.Name))
}

func (s *Snapshot) sort() {
	slices.SortFunc(s.Roles, func(a, b Role) int { return a.compare(b.Name) })
	slices.SortFunc(s.Bindings, func(a, b Binding) int { return a.compare(b.Name) })
	slices.SortFunc(s.Accounts, Name.compare)
}

// heading begins what Take's JSON form begins with.
var heading = regexp.MustCompile(`^\s*\{\s*"apiVersion"\s*:\s*"gatehouse\.sh/[^"]*"\s*,\s*"kind"\s*:\s*"` + Kind + `"`)

// HeadingBytes are enough of a text for Is.
const HeadingBytes = 256

// Is reports whether a text begins as a snapshot does, of whatever version.
func Is(text []byte) bool { return heading.Match(text[:min(len(text), HeadingBytes)]) }

// Read reads a snapshot in JSON up to the bound of Parse.
func Read(r io.Reader) (*Snapshot, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse reads a snapshot in JSON. An unknown field, a wrong version or an object
// that is there twice is an error: a file that was cut or edited must not pass
// for a cluster that had less.
func Parse(data []byte) (*Snapshot, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("has more than the %d bytes that a snapshot may have", maxBytes)
	}
	var s Snapshot
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("decode snapshot: %w", err)
	}
	if d.More() {
		return nil, errors.New("holds something after the snapshot")
	}
	if s.APIVersion != APIVersion || s.Kind != Kind {
		return nil, fmt.Errorf("is a %q of %q, not a %s of %s", s.Kind, s.APIVersion, Kind, APIVersion)
	}
	if s.Roles == nil || s.Bindings == nil || s.Accounts == nil {
		return nil, errors.New("lacks roles, bindings or serviceAccounts")
	}
	s.sort()
	return &s, s.check()
}

func (s *Snapshot) check() error {
	faults := make([]error, 0, len(s.Roles)+len(s.Bindings)+len(s.Accounts))
	for i := range s.Roles {
		faults = append(faults, repeated("role", i, s.Roles[max(i-1, 0)].Name, s.Roles[i].Name))
	}
	for i := range s.Bindings {
		faults = append(faults, repeated("binding", i, s.Bindings[max(i-1, 0)].Name, s.Bindings[i].Name))
	}
	for i := range s.Accounts {
		faults = append(faults, repeated("service account", i, s.Accounts[max(i-1, 0)], s.Accounts[i]))
	}
	return errors.Join(faults...)
}

func repeated(what string, i int, before, n Name) error {
	switch {
	case n.Name == "":
		return fmt.Errorf("holds a %s without a name", what)
	case i > 0 && n == before:
		return fmt.Errorf("holds the %s %s/%s twice", what, n.Namespace, n.Name)
	}
	return nil
}

// View returns the snapshot as an inventory view, so that everything which reads
// a cluster reads a snapshot too.
func (s *Snapshot) View() authz.View {
	edit := inventory.New().Edit()
	for i := range s.Roles {
		edit.Put(inventory.NewEntry(s.Roles[i].object()))
	}
	for i := range s.Bindings {
		edit.Put(inventory.NewEntry(s.Bindings[i].object()))
	}
	for _, n := range s.Accounts {
		edit.Put(inventory.NewEntry(account(n)))
	}
	return authz.Over(edit.Inventory())
}
