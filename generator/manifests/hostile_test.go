// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// mentioning returns a Deployment that has a value in its environment, in its
// arguments, in a script and in a file.
func mentioning(key, value string) []inventory.Object {
	web := deployment("web", corev1.Container{
		Name: "web", Env: []corev1.EnvVar{{Name: key, Value: value}, {Name: "SECOND", Value: "$(" + key + ")"}}, Args: []string{value, "--" + key, value}, Command: []string{"sh", "-c", value},
	})
	web.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}}}
	files := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "c"}, Data: map[string]string{"file": value}}
	return []inventory.Object{web, files, service("db", "5432"), deployment("db")}
}

// FuzzEdges shows that no value makes Edges panic, and that every edge it returns
// can stand but for what Build looks up: valid ends, and a port where one is
// needed.
func FuzzEdges(f *testing.F) {
	for _, c := range valueCases {
		f.Add(c.key, c.value)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		inv := inventory.New(mentioning(key, value)...)
		u, err := generator.Observe(inv)
		if err != nil {
			t.Fatal(err)
		}
		env := generator.NewEnvironment()
		for _, e := range Edges(inv, u, &env, Options{Secrets: []Secret{{Namespace: "shop", Name: "s", Data: map[string]string{key: value}}}}).Edges {
			if e.From.Validate() != nil || e.To.Validate() != nil {
				t.Fatalf("%s: an end that names nothing", e)
			}
			if e.Port == (generator.Port{}) && (e.To.Kind == generator.CIDRPeer || e.To.Kind == generator.FQDNPeer) || e.Port != (generator.Port{}) && e.Port.Validate() != nil {
				t.Fatalf("%s: a port that is none", e)
			}
			if e.To.Kind == generator.FQDNPeer && !strings.Contains(e.To.Name, ".") {
				t.Fatalf("%s: a name outside has a dot", e)
			}
		}
	})
}

// TestHostileValues: values of 1 MiB, the most that a ConfigMap or an object may
// hold, in every place at once.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	numbered := func(format func(i int) string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			b.WriteString(format(i))
		}
		return b.String()
	}
	letters := func(i int) string {
		var out []byte
		for ; i > 0; i /= 26 {
			out = append(out, byte('a'+i%26))
		}
		return "x" + string(out)
	}
	for name, value := range map[string]string{
		"one word":              strings.Repeat("a", size),
		"commas":                strings.Repeat(",", size),
		"pairs":                 numbered(func(i int) string { return letters(i) + ".example.org:443," }),
		"pairs in lines":        numbered(func(i int) string { return "host: " + letters(i) + "\nport: 5\n" }),
		"URLs":                  numbered(func(i int) string { return "http://" + letters(i) + ".example.org," }),
		"schemes alone":         strings.Repeat("://", size/3),
		"long schemes":          strings.Repeat("a", size/2) + "://" + strings.Repeat("b", size/2),
		"one URL of many hosts": "mongodb://" + strings.Repeat("a:1,", size/4) + "/",
		"references":            strings.Repeat("$(DB_HOST)", size/10),
		"open references":       strings.Repeat("$(", size/2),
		"dollars":               strings.Repeat("$", size),
		"open braces":           strings.Repeat("${", size/2),
		"closed braces":         "http://" + strings.Repeat("}", size),
		"references in a URL":   "http://" + strings.Repeat("$(a)", size/4) + "@db",
		"brackets":              strings.Repeat("[", size),
		"equal signs":           strings.Repeat("a=", size/2),
		"keys of hosts":         strings.Repeat("host=db;", size/8),
		"lines":                 strings.Repeat("\n", size),
		"keys":                  strings.Repeat("k:\n", size/3),
		"data sources":          strings.Repeat("tcp(", size/4),
		"nothing but at signs":  "http://" + strings.Repeat("@", size),
		"spaces":                strings.Repeat(" ", size) + "x",
		"words":                 "host=" + strings.Repeat("db ", size/3),
		"braces of JSON":        strings.Repeat("{\"a\":", size/5),
		"no text":               strings.Repeat("\x00\xff", size/2),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inv := inventory.New(mentioning("DB_HOST", value)...)
			u, err := generator.Observe(inv)
			if err != nil {
				t.Fatal(err)
			}
			env := generator.NewEnvironment()
			start := time.Now()
			got := Edges(inv, u, &env, Options{})
			if n := len(got.Edges) + len(got.Problems); n > 16*address.MaxFound {
				t.Errorf("%d edges and problems of one value", n)
			}
			if took := time.Since(start); took > time.Minute { // 0.02 to 0.5 s; what is not linear takes minutes
				t.Errorf("%v", took)
			}
		})
	}
}
