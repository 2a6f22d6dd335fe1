// SPDX-License-Identifier: Apache-2.0

package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

const service = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
  - port: 80
    nodePort: 30080
`

func load(t *testing.T, text string) (Result, error) {
	t.Helper()
	return Load(t.Context(), Options{Stdin: strings.NewReader(text)}, Stdin)
}

func lines(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestOnlyWhatIsUnambiguousIsRead pairs each refused text with the nearest one
// that is not.
func TestOnlyWhatIsUnambiguousIsRead(t *testing.T) {
	t.Parallel()
	in := "standard input:"
	bomb := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx0: &x0 [y,y,y,y,y,y,y,y,y,y]\n"
	for i := 1; i < 9; i++ {
		a := fmt.Sprintf("*x%d", i-1)
		bomb += fmt.Sprintf("x%d: &x%d [%s]\n", i, i, strings.Join([]string{a, a, a, a, a, a, a, a, a, a}, ","))
	}
	merges := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx0: &x0 {a: 1}\n"
	for i := 1; i < 30; i++ {
		a := fmt.Sprintf("*x%d", i-1)
		merges += fmt.Sprintf("x%d: &x%d {<<: [%s, %s, %s]}\n", i, i, a, a, a)
	}
	deep := "apiVersion: v1\nkind: Widget\nmetadata: {name: a}\nspec: " + strings.Repeat("[", 600) + strings.Repeat("]", 600)
	for name, tc := range map[string]struct {
		text    string
		objects int
		want    string // prefix of the error
	}{
		"one document":                  {service, 1, ""},
		"a stream with empty documents": {"# first\n---\n" + service + "---\n# nothing\n---\n---\n" + service + "---\n", 2, ""},
		"a directive before a document": {"%YAML 1.1\n---\n" + service, 1, ""},
		"documents that end with dots":  {service + "...\n---\n" + service, 2, ""},
		"a byte order mark":             {"\ufeff" + service, 1, ""},
		"carriage returns":              {strings.ReplaceAll("---\n"+service+"---\n"+service, "\n", "\r\n"), 2, ""},
		"JSON with tabs":                {"{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Service\",\n\t\"metadata\": {\"name\": \"a\\/b\\ud83d\\ude00\"}\n}", 1, ""},
		"a sequence of JSON objects":    {`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"Service","metadata":{"name":"b"}}`, 2, ""},
		"flow style that is not JSON":   {"{apiVersion: v1, kind: Service, metadata: {name: a}}", 1, ""},
		"an alias":                      {"apiVersion: v1\nkind: Service\nmetadata: {name: &n web, labels: {app: *n}}\n", 1, ""},
		"a merge key":                   {"apiVersion: v1\nkind: Service\nmetadata: {name: web, labels: &l {a: b}, annotations: {<<: *l, a: c}}\n", 1, ""},
		"an unknown kind":               {"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n", 1, ""},
		"an empty List":                 {"apiVersion: v1\nkind: List\nitems: []\n", 0, ""},
		"a generated name":              {"apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n", 1, ""},

		"nothing at all":                 {"", 0, in + " is empty"},
		"only a comment":                 {"# a\n", 0, in + " holds no Kubernetes object"},
		"a duplicate key":                {service + "  clusterIP: None\n  ports: []\n", 0, in + `10: key "ports" is set twice`},
		"a duplicate key in JSON":        {"{\"apiVersion\":\"v1\",\n\"kind\":\"Service\",\n\"kind\":\"Pod\"}", 0, in + `3: key "kind" is set twice`},
		"keys that are equal in JSON":    {service + "  selector: {1: a, '1': b}\n", 0, in + `9: key "1" is set twice`},
		"a tab in the indentation":       {"apiVersion: v1\nkind: Service\nmetadata:\n\tname: a\n", 0, in + "4: is indented with a tab"},
		"invalid UTF-8":                  {"apiVersion: v1\nkind: \xff\n", 0, in + "2: is not valid UTF-8"},
		"a control character":            {"apiVersion: v1\nkind: \x01\n", 0, in + "2: holds the control character U+0001"},
		"null":                           {"---\nnull\n", 0, in + "2: is null, not an object"},
		"a null in a List":               {"apiVersion: v1\nkind: List\nitems:\n- null\n", 0, in + "4: is null, not an object"},
		"a scalar":                       {"hello\n", 0, in + "1: has no apiVersion and kind"},
		"a document without kind":        {"apiVersion: v1\n", 0, in + "1: has no apiVersion and kind"},
		"a document without apiVersion":  {"# c\nkind: Service\n", 0, in + "2: is a Service without apiVersion"},
		"a kind that is a number":        {"apiVersion: v1\nkind: 1\n", 0, in + "1: kind is not a string"},
		"an object without name":         {"apiVersion: v1\nkind: Service\nmetadata: {}\n", 0, in + "1: Service has no metadata.name"},
		"a wrong type":                   {strings.Replace(service, "port: 80", `port: "80"`, 1), 0, in + "7: decode Service: spec.ports.port is a string where int32 is wanted"},
		"an unclosed bracket":            {"apiVersion: v1\nkind: [\n", 0, in},
		"an anchor that contains itself": {"apiVersion: v1\nkind: Widget\nmetadata: {name: a}\nspec: &a\n  b: *a\n", 0, in + `5: anchor "a" contains itself`},
		"a billion laughs":               {bomb, 0, in},
		"a billion merges":               {merges, 0, in},
		"too deep":                       {deep, 0, in + "4: nests deeper than 512 levels"},
		"too large":                      {service + "# " + strings.Repeat("x", MaxDocument), 0, in + "1: has 6"},
		"a merge of a scalar":            {service + "  <<: 1\n", 0, in + "9: a merge key takes mappings"},
		"a mapping as key":               {service + "  {a: b}: 1\n", 0, in + "9: a key must be"},
		"good documents beside bad ones": {service + "---\nkind: [\n---\n" + service, 2, in},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := load(t, tc.text)
			if got := lines(err); !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
				t.Errorf("got error %q, want %q", got, tc.want)
			}
			if len(r.Items) != tc.objects {
				t.Errorf("got %d objects, want %d", len(r.Items), tc.objects)
			}
			if err != nil && len(Faults(err)) == 0 {
				t.Error("the error holds no fault")
			}
		})
	}
}

func TestEveryFaultIsReported(t *testing.T) {
	t.Parallel()
	r, err := load(t, "kind: Service\n---\n"+service+"---\napiVersion: v1\nkind: [\n---\nnull\n")
	if got := len(Faults(err)); got != 3 || len(r.Items) != 1 {
		t.Errorf("got %d faults and %d objects, want 3 and 1: %v", got, len(r.Items), err)
	}
}

func TestTheRunIsBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		bound int64
		fails bool
	}{
		"exactly the bound": {int64(len(service)), false},
		"one byte more":     {int64(len(service)) - 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(t.Context(), Options{Stdin: strings.NewReader(service), MaxBytes: tc.bound}, Stdin)
			if (err != nil) != tc.fails {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNamespacesAreThoseOfTheAPIServer(t *testing.T) {
	t.Parallel()
	crd := func(scope string) string {
		return "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.com}\n" +
			"spec: {group: example.com, scope: " + scope + ", names: {kind: Widget, plural: widgets}}\n"
	}
	widget := "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n"
	for name, tc := range map[string]struct{ text, want string }{
		"a namespaced kind without one":   {service, "default"},
		"a namespaced kind with one":      {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n", "b"},
		"a cluster-scoped kind with one":  {"apiVersion: v1\nkind: Node\nmetadata: {name: a, namespace: b}\n", ""},
		"a cluster-scoped kind not read":  {"apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: a}\n", ""},
		"an unknown kind":                 {widget, "default"},
		"a kind declared cluster-scoped":  {widget + crd("Cluster"), ""},
		"a kind declared as namespaced":   {widget + crd("Namespaced"), "default"},
		"an element of a List":            {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n", "default"},
		"an element of a typed List":      {"apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n", "default"},
		"an element of a List in a List":  {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]}\n", "default"},
		"an element of an unstructured's": {"apiVersion: traefik.io/v1alpha1\nkind: IngressRouteList\nitems:\n- metadata: {name: a}\n", "default"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := load(t, tc.text)
			if err != nil || len(r.Items) == 0 {
				t.Fatal(err)
			}
			if got := r.Items[0].Object.GetNamespace(); got != tc.want {
				t.Errorf("got namespace %q, want %q", got, tc.want)
			}
			if r.Items[0].Object.GetObjectKind().GroupVersionKind() != r.Items[0].GVK {
				t.Error("the object does not carry its kind")
			}
		})
	}
}

func TestFieldsAreLocated(t *testing.T) {
	t.Parallel()
	text := "# a comment\n---\n" + `# another
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    kubernetes.io/ingress.class: nginx
spec:
  type: NodePort
  ports:
  - name: a
    port: 80
  - port: 81
    nodePort: 30081
` + "---\n" + `{
  "apiVersion": "v1", "kind": "List",
  "items": [
    {
      "apiVersion": "v1", "kind": "Service",
      "metadata": {"name": "b"},
      "spec": {
        "type": "NodePort"
      }
    }
  ]
}
` + "---\n" + `apiVersion: v1
kind: ConfigMap
metadata:
  name: c
  labels: &l
    a: b
  annotations:
    <<: *l
`
	r, err := load(t, text)
	if err != nil || len(r.Items) != 3 {
		t.Fatal(len(r.Items), err)
	}
	for name, tc := range map[string]struct {
		item  int
		field string
		line  int
	}{
		"the object":                       {0, "", 4},
		"a key":                            {0, "spec.type", 11},
		"a list":                           {0, "spec.ports", 12},
		"an element":                       {0, "spec.ports[0]", 13},
		"a key of an element":              {0, "spec.ports[1].nodePort", 16},
		"an absent key of an element":      {0, "spec.ports[0].nodePort", 13},
		"an absent element":                {0, "spec.ports[7].nodePort", 12},
		"an absent branch":                 {0, "status.loadBalancer", 4},
		"an annotation":                    {0, "metadata.annotations[kubernetes.io/ingress.class]", 9},
		"a quoted annotation":              {0, `metadata.annotations["kubernetes.io/ingress.class"]`, 9},
		"an absent annotation":             {0, "metadata.annotations[a.b/c]", 8},
		"an element of a List, itself":     {1, "", 22},
		"a key of an element of a List":    {1, "spec.type", 25},
		"what a merge key brought":         {2, "metadata.annotations[a]", 36},
		"a path that is not one":           {0, "spec.ports[", 12},
		"an index into what is no list":    {0, "spec[0]", 10},
		"a key that looks like an element": {0, "metadata.annotations[0]", 8},
	} {
		t.Run(name, func(t *testing.T) {
			if file, line := r.Items[tc.item].Positions.Locate(tc.field); line != tc.line || file != Stdin {
				t.Errorf("got %s:%d, want line %d", file, line, tc.line)
			}
		})
	}
}

func TestUnknownFieldsAreWarnings(t *testing.T) {
	t.Parallel()
	r, err := load(t, service+"  tpye: NodePort\n---\n"+strings.Replace(service, "v1", "v1beta1", 1))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range r.Warnings {
		got = append(got, w.String())
	}
	want := []string{
		"standard input:9: Service default/web: unknown field spec.tpye",
		"standard input:11: Service default/web: version v1beta1 is read as v1: fields that differ are not seen",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSelectorsAndNetworksThatAreRefusedAreWarnings(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"an operator that is none": {
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {\n  selector: {matchExpressions: [{key: a, operator: Banana}]}}}",
			`standard input:2: Deployment default/web: spec.selector.matchExpressions[0].operator: Invalid value: "Banana": not a valid selector operator`,
		},
		"a label that is none": {
			"{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {\n  selector: {app: b!}}}",
			`standard input:2: Service default/web: spec.selector: Invalid value: "b!": a valid label must be`,
		},
		"a network that is none": {
			"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {podSelector: {}, ingress: [{\n  from: [\n  {ipBlock: {cidr: 10.0.0.0/99}}]}]}}",
			`standard input:3: NetworkPolicy default/web: spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0/99": is not a network`,
		},
		"an exception that is none": {
			"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8,\n  except: [x]}}]}]}}",
			`standard input:2: NetworkPolicy default/web: spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "x": is not a network`,
		},
		"a selector of roles": {
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: all}, aggregationRule: {clusterRoleSelectors: [\n  {matchExpressions: [{key: a, operator: In}]}]}}",
			"standard input:2: ClusterRole all: aggregationRule.clusterRoleSelectors[0].matchExpressions[0].values: Required value",
		},
		"a selector of namespaces": {
			"{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g}, spec: {listeners: [{name: a,\n  allowedRoutes: {namespaces: {selector: {matchExpressions: [{key: a, operator: x}]}}}}]}}",
			"standard input:2: Gateway default/g: spec.listeners[0].allowedRoutes.namespaces.selector.matchExpressions[0].operator: Invalid value",
		},
		"what is not refused": {
			"{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: web}, spec: {podSelector: {matchExpressions: [{key: a, operator: Exists}]}, ingress: [{from: [{ipBlock: {cidr: '2001:db8::/32'}}]}]}}",
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := load(t, tc.text)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, w := range r.Warnings {
				got += w.String() + "\n"
			}
			if !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" || strings.Count(got, "\n") > 1 {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFoldersAreWalked(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"a.yaml": service, "sub/b.yml": service, "sub/c.json": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}`,
		"notes.txt": "no", ".git/d.yaml": service,
		"chart/Chart.yaml": "apiVersion: v2\nname: x\n", "chart/templates/t.yaml": "{{- if .Values.x }}\nkind: Service\n{{- end }}\n",
		"compose.yaml": "services: {}\n", "kubeconfig.yaml": "apiVersion: v1\nkind: Config\nclusters: []\n",
		"mixed.yaml": service + "---\nx: 1\n", "bad.yaml": "apiVersion: v1\nkind: [\n",
	})
	if err := os.Symlink("a.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "loop.yaml")); err != nil {
		t.Fatal(err)
	}
	r, err := Load(t.Context(), Options{}, dir)
	var items, skipped []string
	for _, i := range r.Items {
		items = append(items, strings.TrimPrefix(i.File, dir+"/"))
	}
	for _, s := range r.Skipped {
		skipped = append(skipped, strings.TrimPrefix(s.File, dir+"/"))
	}
	if d := cmp.Diff([]string{"a.yaml", "link.yaml", "mixed.yaml", "sub/b.yml", "sub/c.json"}, items); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"chart/Chart.yaml", "chart/templates/t.yaml", "compose.yaml", "kubeconfig.yaml", "loop.yaml"}, skipped); d != "" {
		t.Error(d)
	}
	if f := Faults(err); len(f) != 2 || filepath.Base(f[0].File) != "bad.yaml" || filepath.Base(f[1].File) != "mixed.yaml" || f[1].Line != 10 {
		t.Errorf("got faults %v", err)
	}
	for _, named := range []string{"compose.yaml", "chart/templates/t.yaml", "kubeconfig.yaml", "absent.yaml"} {
		if r, err := Load(t.Context(), Options{}, filepath.Join(dir, named)); err == nil || len(r.Items) > 0 {
			t.Errorf("%s was named, and not refused", named)
		}
	}
}

func TestTheObjectsAreTyped(t *testing.T) {
	t.Parallel()
	r, err := load(t, service)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.Items[0].Object.(*corev1.Service)
	if !ok || s.Spec.Ports[0].NodePort != 30080 || s.Kind != "Service" {
		t.Errorf("got %#v", r.Items[0].Object)
	}
}
