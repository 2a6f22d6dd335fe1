// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/generator/graph/drawing"
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

func TestEqualViewsHaveEqualGraphs(t *testing.T) {
	t.Parallel()
	var objects []inventory.Object
	for i := range 30 {
		name := fmt.Sprintf("op-%02d", i)
		resources := [][]string{{"secrets"}, {"pods"}, {"pods/exec", "secrets"}, {"serviceaccounts/token"}}[i%4]
		objects = append(objects,
			&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get", "create"}, APIGroups: []string{""}, Resources: resources}}},
			&rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: name},
				Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: fmt.Sprint("ns-", i%7), Name: name}},
			})
	}
	first := Build(authz.Over(inventory.New(objects...)), Options{})
	if len(first.Edges) == 0 {
		t.Fatal("nothing is drawn")
	}
	for range 20 {
		if d := cmp.Diff(first, Build(authz.Over(inventory.New(objects...)), Options{})); d != "" {
			t.Fatalf("another order (first -, later +):\n%s", d)
		}
	}
}

func TestABoxIsAsWideAsWhatIsWrittenInIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text    string
		atLeast float64
		letters int
	}{
		"small letters":      {"shop/web", 8 * drawing.Letter, 8},
		"broad ones":         {strings.Repeat("W", 10), 10 * 12, 10},
		"ideographs":         {strings.Repeat("漢", 10), 10 * 14, 10},
		"a name of escapes":  {strings.Repeat("\x1b", 50), widest * drawing.Letter, widest},
		"a long name is cut": {strings.Repeat("a", 100), widest * drawing.Letter, widest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := Node{Column: Subjects, Label: tc.text}
			if got := drawing.Width(n.shown()); got < tc.atLeast {
				t.Errorf("%q is %.0f wide, want %.0f at least", n.shown(), got, tc.atLeast)
			}
			if got := utf8.RuneCountInString(n.shown()); got != tc.letters {
				t.Errorf("%q has %d letters, want %d", n.shown(), got, tc.letters)
			}
		})
	}
	if n := (Node{Column: Powers, Label: strings.Repeat("a", 100)}); n.shown() != n.Label {
		t.Errorf("what a power allows is cut: %q", n.shown())
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
