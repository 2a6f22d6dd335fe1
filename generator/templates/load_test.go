// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gatehouse-sh/gatehouse/generator/templates"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// good is a template in which most of the format occurs. The lines are counted
// by the tests below.
const good = `apiVersion: gatehouse.sh/v1alpha1
kind: PolicyTemplate
metadata:
  name: orders
spec:
  title: Orders
  description: The workers use the database.
  parameters:
    - name: ports
      type: ports
      default: 5432 # a comment is no part of it
      description: The port of the database.
    - name: clients
      type: workloads
      required: true
      description: Who uses it.
  guard: {ingress: true}
  edges:
    - from: {workloads: $(clients)}
      to: {workloads: {app: db}, namespace: data}
      ports: $(ports)
      because: the workers store orders
  tiers:
    - name: no-metadata
      tier: Admin
      priority: 10
      subject: {namespaces: all}
      egress:
        - name: metadata
          action: Deny
          peers: [{group: metadata}]
      because: it hands out credentials
`

func folder(name, text string) fstest.MapFS {
	return fstest.MapFS{name + "/template.yaml": {Data: []byte(text)}}
}

func TestLoadTakesWhatIsRight(t *testing.T) {
	t.Parallel()
	own := folder("orders", good)
	own["notes.md"] = &fstest.MapFile{Data: []byte("beside the folders")}
	own["..data/other.yaml"] = &fstest.MapFile{Data: []byte("of a mounted ConfigMap")}
	l, err := templates.Load(policytemplates.FS, own)
	if err != nil {
		t.Fatal(err)
	}
	o := l.Template("orders")
	if o == nil || l.Template("dns") == nil || l.Template("nothing") != nil || o.File != "orders/template.yaml" || len(o.Parameters) != 2 {
		t.Fatalf("%+v", o)
	}
	if p := o.Parameters[0]; p.Name != "ports" || p.Type != templates.PortsType || p.Default != "5432" || p.Required {
		t.Errorf("%+v", p)
	}
	for i, tmpl := range l.Templates() {
		if i > 0 && l.Templates()[i-1].Name >= tmpl.Name {
			t.Errorf("%s is out of order", tmpl.Name)
		}
	}
}

// TestParseRefuses replaces a part of a template that is right. Each fault is
// found, with the file and the line.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		line     int
		want     string
	}{
		"another version":                  {"gatehouse.sh/v1alpha1", "gatehouse.sh/v2", 1, "apiVersion"},
		"another kind":                     {"kind: PolicyTemplate", "kind: NetworkPolicy", 1, "kind is"},
		"an unknown field at the top":      {"kind:", "status: {}\nkind:", 2, `unknown field "status"`},
		"an unknown field of an edge":      {"    - from: {workloads: $(clients)}", "    - form: {workloads: $(clients)}", 19, `unknown field "form"`},
		"a field that is there twice":      {"  title: Orders\n", "  title: Orders\n  title: Orders\n", 7, "twice"},
		"a field that is missing":          {"  title: Orders\n", "", 6, `"title" is missing`},
		"a value that is missing":          {"title: Orders", "title:", 6, "the value is missing"},
		"a name with spaces":               {"name: orders", "name: 'my orders'", 1, "metadata.name"},
		"edges that are none":              {"guard: {ingress: true}", "guard: yes please", 17, "fields are expected"},
		"a word for true":                  {"{ingress: true}", "{ingress: yes}", 17, "neither true nor false"},
		"an anchor":                        {"{app: db}", "&db {app: db}", 20, "anchors"},
		"an alias":                         {"because: the workers", "because: *because #", 0, "anchor"},
		"an empty list of peers":           {"[{group: metadata}]", "[]", 31, "the list is empty"},
		"an empty list of ports":           {"ports: $(ports)", "ports: []", 21, "the list is empty"},
		"no labels":                        {"{app: db}", "{}", 20, "labels of pods are expected"},
		"no label but a word":              {"{app: db}", "everything", 20, "is no label"},
		"a label that changes":             {"{app: db}", "{pod-template-hash: abc}", 20, "changes from one release"},
		"a label that is none":             {"{app: db}", "{'a b': db}", 20, "is no label"},
		"a parameter that nobody declared": {"ports: $(ports)", "ports: $(port)", 21, `no parameter "port"`},
		"a parameter of another type":      {"ports: $(ports)", "ports: $(clients)", 21, "here it must be ports"},
		"a parameter that nothing uses":    {"ports: $(ports)", "ports: 5432", 9, "used nowhere"},
		"a parameter that is there twice":  {"    - name: clients", "    - name: ports", 13, `"ports" is there twice`},
		"a parameter without a type":       {"type: ports", "type: port", 10, "is no type"},
		"a required default":               {"required: true", "required: true\n      default: all", 16, "required, and has a default"},
		"a default that is no port":        {"default: 5432", "default: 70000", 11, "70000"},
		"a default that refers":            {"default: 5432", "default: $(clients)", 11, "refers to no other"},
		"no port":                          {"      ports: $(ports)\n", "", 19, `"ports" is missing`},
		"a port of no protocol":            {"ports: $(ports)", "ports: ICMP/8", 21, "not TCP, UDP or SCTP"},
		"a range that is none":             {"ports: $(ports)", "ports: TCP/9-3", 21, "not a range"},
		"two ways of naming a peer":        {"{app: db}, namespace: data", "{app: db}, group: dns", 20, "here 2 are given"},
		"no way of naming a peer":          {"to: {workloads: {app: db}, namespace: data}", "to: {}", 20, "here 0 are given"},
		"a namespace of nothing":           {"{workloads: {app: db}, namespace: data}", "{group: dns, namespace: data}", 20, "says where workloads are"},
		"a group that is none":             {"{workloads: {app: db}, namespace: data}", "{group: internet}", 20, "is no group"},
		"a block with host bits":           {"{workloads: {app: db}, namespace: data}", "{addresses: 192.0.2.1/24}", 20, "no block of addresses"},
		"a domain that is none":            {"{workloads: {app: db}, namespace: data}", "{domains: 'a b'}", 20, "no domain name"},
		"every domain":                     {"{workloads: {app: db}, namespace: data}", "{domains: '*'}", 20, "no domain name"},
		"a domain that connects":           {"from: {workloads: $(clients)}", "from: {domains: a.example}", 19, "opens no connections"},
		"an edge to the metadata service":  {"{workloads: {app: db}, namespace: data}", "{group: metadata}", 19, "no edge leads to a metadata service"},
		"an edge outside":                  {"from: {workloads: $(clients)}\n      to: {workloads: {app: db}, namespace: data}", "from: {group: nodes}\n      to: {group: api-server}", 19, "neither end is pods"},
		"probes of a group":                {"to: {workloads: {app: db}, namespace: data}\n      ports: $(ports)", "to: {group: gateway}\n      ports: probes", 19, "are those of workloads"},
		"an enforcer that is none":         {"      ports: $(ports)\n", "      ports: $(ports)\n      enforcers: [iptables]\n", 22, "is no enforcer"},
		"a tier that is none":              {"tier: Admin", "tier: Top", 25, "neither Admin nor Baseline"},
		"a priority that is none":          {"priority: 10", "priority: 1001", 26, "priority from 0 to 1000"},
		"an action that is none":           {"action: Deny", "action: Drop", 30, "not Accept, Deny or Pass"},
		"a tier without rules":             {"      egress:\n        - name: metadata\n          action: Deny\n          peers: [{group: metadata}]\n", "", 24, "has no rules"},
		"addresses that come in":           {"egress:", "ingress:", 24, "in ingress a peer is pods"},
		"a Service in a tier":              {"[{group: metadata}]", "[{service: a/b}]", 29, "Services cannot be peers"},
		"workloads of no namespace":        {"[{group: metadata}]", "[{workloads: all}]", 29, `need a "namespace"`},
		"a domain that is denied":          {"[{group: metadata}]", "[{domains: a.example}]", 29, "can only be accepted"},
		"a named port of addresses":        {"[{group: metadata}]", "[{group: metadata}]\n          ports: TCP/http", 29, "no named ports"},
		"a second document":                {"      because: it hands out credentials\n", "      because: it hands out credentials\n---\nkind: PolicyTemplate\n", 33, "a second document"},
		"what is not YAML":                 {"spec:", "spec: [", 0, "yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(good, c.old) == 0 {
				t.Fatalf("%q does not occur", c.old)
			}
			tmpl, err := templates.Parse("orders/template.yaml", []byte(strings.Replace(good, c.old, c.new, 1)))
			if err == nil || tmpl != nil {
				t.Fatal("taken")
			}
			place := "orders/template.yaml:"
			if c.line > 0 {
				place = fmt.Sprintf("orders/template.yaml:%d: ", c.line)
			}
			for line := range strings.Lines(err.Error()) {
				if strings.HasPrefix(line, place) && strings.Contains(line, c.want) {
					return
				}
			}
			t.Errorf("%v\nnot about %q at %s", err, c.want, place)
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	deep := "apiVersion: " + strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for name, c := range map[string]struct {
		fsys fstest.MapFS
		want string
	}{
		"nothing":                         {fstest.MapFS{}, "no template found"},
		"an empty file":                   {folder("orders", ""), "orders/template.yaml:1: the file is empty"},
		"a comment alone":                 {folder("orders", "# nothing\n"), "the file is empty"},
		"a folder of another name":        {folder("order", good), `metadata.name is "orders", and the folder is "order"`},
		"a folder without a template":     {fstest.MapFS{"orders/template.yml": {Data: []byte(good)}}, "orders/template.yaml"},
		"the name of one that comes with": {folder("dns", strings.Replace(good, "name: orders", "name: dns", 1)), `another template "dns"`},
		"a large file":                    {folder("orders", good+"#"+strings.Repeat("x", 256<<10)), "larger than"},
		"a deep file":                     {folder("orders", deep), "nested too deep"},
		"a list":                          {folder("orders", "- a\n"), "fields are expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := templates.Load(policytemplates.FS, c.fsys)
			if err == nil || l != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, not about %q", err, c.want)
			}
		})
	}
	broken := folder("a", "kind: x\n")
	broken["b/template.yaml"] = &fstest.MapFile{Data: []byte("kind: y\n")}
	if _, err := templates.Load(broken); err == nil || !strings.Contains(err.Error(), "a/template.yaml:1") || !strings.Contains(err.Error(), "b/template.yaml:1") {
		t.Errorf("%v: the faults of both files are told", err)
	}
	if _, err := templates.Load(os.DirFS("testdata/there-is-no-such-folder")); err == nil {
		t.Error("a folder that is not there was taken")
	}
}
