// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/internal/authz"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// universe binds n accounts to a dangerous role and one to a harmless role.
func universe(n int) authz.View {
	objects := []inventory.Object{
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}}}},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "viewer"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}}},
	}
	bind := func(name, role string) {
		objects = append(objects, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "shop", Name: name}},
		})
	}
	for i := range n {
		bind(fmt.Sprintf(`a<"%02d">`, i), "reader")
	}
	bind("harmless", "viewer")
	return authz.Over(inventory.New(objects...))
}

func TestTheGraphHoldsDangerousPowersOnly(t *testing.T) {
	t.Parallel()
	g := Build(universe(50), Options{})
	var count [columns]int
	for _, n := range g.Nodes {
		count[n.Column]++
		if strings.Contains(n.Label, "harmless") {
			t.Errorf("holds %s", n.Label)
		}
		if n.Severity != checks.Critical {
			t.Errorf("%s is %s", n.Label, n.Severity)
		}
	}
	if want := [columns]int{50, 50, 1, 1}; count != want {
		t.Errorf("columns hold %v nodes, want %v", count, want)
	}
	if len(g.Edges) != 101 {
		t.Errorf("%d edges, want 101", len(g.Edges))
	}
	for _, e := range g.Edges {
		if g.Nodes[e.To].Column != g.Nodes[e.From].Column+1 {
			t.Errorf("an edge leads from column %d to %d", g.Nodes[e.From].Column, g.Nodes[e.To].Column)
		}
	}
	if low := Build(universe(1), Options{Keep: func(rbacv1.Subject) bool { return false }}); len(low.Edges) != 0 {
		t.Errorf("nobody is kept, and there are %d edges", len(low.Edges))
	}
}

func TestThePictureIsWellFormedAndInsideItsFrame(t *testing.T) {
	t.Parallel()
	g := Build(universe(50), Options{})
	picture := g.SVG(`title <&">`)
	d := xml.NewDecoder(strings.NewReader(picture))
	texts := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "text" {
			texts++
		}
	}
	if want := len(g.Nodes) + 4 + 4 + 1; texts != want { // nodes, columns, legend, title
		t.Errorf("%d texts, want %d", texts, want)
	}
	l := g.layout()
	for i, n := range g.Nodes {
		if l.left[n.Column]+l.wide[n.Column] > l.width || l.middle[i]+boxHeight/2 > l.height || l.middle[i] < header {
			t.Errorf("%s is outside the picture", n.Label)
		}
		for j := range i {
			if g.Nodes[j].Column == n.Column && l.middle[i]-l.middle[j] < boxHeight {
				t.Errorf("%s lies over %s", n.Label, g.Nodes[j].Label)
			}
		}
	}
}

func TestNotationsEscapeWhatNamesHold(t *testing.T) {
	t.Parallel()
	g := Build(universe(1), Options{})
	if dot := g.DOT(); !strings.Contains(dot, `label="ServiceAccount shop/a<\"00\">"`) {
		t.Errorf("DOT:\n%s", dot)
	}
	if m := g.Mermaid(); !strings.Contains(m, `["ServiceAccount shop/a#lt;#quot;00#quot;#gt;"]:::critical`) {
		t.Errorf("Mermaid:\n%s", m)
	}
}
