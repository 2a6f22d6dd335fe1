// SPDX-License-Identifier: Apache-2.0

// Package alerts holds the alerts to what Prometheus can read, to the metrics
// that the programs have, and to the page that says what to do. It is a module of
// its own: it links the parser of Prometheus.
package alerts

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

const root = "../.."

// rules are what promtool would be given: the groups of the PrometheusRule.
func rules(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var object struct{ Spec any }
	if err := yaml.Unmarshal(read(t, "manifests/alerts/prometheus-rule.yaml"), &object); err != nil {
		t.Fatal(err)
	}
	groups, err := yaml.Marshal(object.Spec)
	if err != nil {
		t.Fatal(err)
	}
	parsed, errs := rulefmt.Parse(groups, false, model.LegacyValidation, expressions(), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if parsed == nil {
		t.FailNow()
	}
	var out []rulefmt.Rule
	for _, g := range parsed.Groups {
		out = append(out, g.Rules...)
	}
	if len(out) == 0 {
		t.Fatal("there are no alerts")
	}
	return out
}

func expressions() parser.Parser { return parser.NewParser(parser.Options{}) }

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// source is what the programs are made of, tests left out.
func source(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{"webhook", "internal", "gateway"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			b.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// known reports whether the programs have a metric. Those of the gateway are
// named without what they have in common; the API server's are its own.
func known(source, metric string) bool {
	if metric == "apiserver_admission_webhook_fail_open_count" {
		return true
	}
	for _, prefix := range []string{"", "gatehouse_gateway_kube_", "gatehouse_gateway_"} {
		if name, has := strings.CutPrefix(metric, prefix); has && strings.Contains(source, `"`+name+`"`) {
			return true
		}
	}
	return false
}

func TestAlertsAreOfMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	source := source(t)
	if known(source, "gatehouse_webhook_redy") || !known(source, "gatehouse_webhook_ready") {
		t.Fatal("the look-up of metrics finds anything, or nothing")
	}
	for _, r := range rules(t) {
		expression, err := expressions().ParseExpr(r.Expr)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
			if v, is := node.(*parser.VectorSelector); is {
				found++
				if !known(source, v.Name) {
					t.Errorf("%s: no program has the metric %s", r.Alert, v.Name)
				}
			}
			return nil
		})
		if found == 0 {
			t.Errorf("%s asks for no metric", r.Alert)
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

func TestEveryAlertLeadsToWhatToDo(t *testing.T) {
	t.Parallel()
	anchors := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(string(read(t, "docs/operations.md")), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")] = true
	}
	seen := map[string]bool{}
	for _, r := range rules(t) {
		if seen[r.Alert] {
			t.Errorf("%s is there twice", r.Alert)
		}
		seen[r.Alert] = true
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has the severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s does not say what is wrong", r.Alert)
		}
		page, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "#")
		if !strings.HasSuffix(page, "/docs/operations.md") || !anchors[anchor] {
			t.Errorf("%s leads to %s, which is not there", r.Alert, r.Annotations["runbook_url"])
		}
	}
}
