// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// fields calls each with the path of every field of a type of the API, as YAML has it.
func fields(of reflect.Type, at string, each func(path string)) {
	switch {
	case of.Kind() == reflect.Pointer:
		fields(of.Elem(), at, each)
	case of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Struct:
		fields(of.Elem(), at+"[]", each)
	case of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[gatewayv1.Gateway]().PkgPath():
		each(at)
	default:
		for f := range of.Fields() {
			tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if strings.Contains(options, "inline") || f.Anonymous && tag == "" {
				fields(f.Type, at, each)
				continue
			}
			fields(f.Type, strings.TrimPrefix(at+"."+tag, "."), each)
		}
	}
}

// TestEveryFieldOfTheAPIIsOnThePage: docs/gateway-api.md says of each field, or of what it
// is part of, whether it is served, and if it is not, what becomes of it.
func TestEveryFieldOfTheAPIIsOnThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gateway-api.md"))
	if err != nil {
		t.Fatal(err)
	}
	quoted, written, under := regexp.MustCompile("`([^`]+)`"), map[string]int{}, ""
	for line := range strings.Lines(string(page)) {
		switch {
		case strings.HasPrefix(line, "### `"):
			under = quoted.FindStringSubmatch(line)[1]
		case strings.HasPrefix(line, "## "):
			under = ""
		case under != "" && strings.HasPrefix(line, "| `"):
			cell, _, _ := strings.Cut(line[1:], "|")
			for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
				written[under+" "+m[1]]++
			}
		}
	}
	counted, covers := 0, map[string]int{}
	for kind, spec := range map[string]reflect.Type{
		"HTTPRoute": reflect.TypeFor[gatewayv1.HTTPRouteSpec](), "GRPCRoute": reflect.TypeFor[gatewayv1.GRPCRouteSpec](), "TLSRoute": reflect.TypeFor[gatewayv1.TLSRouteSpec](),
		"TCPRoute": reflect.TypeFor[gatewayv1.TCPRouteSpec](), "UDPRoute": reflect.TypeFor[gatewayv1.UDPRouteSpec](), "BackendTLSPolicy": reflect.TypeFor[gatewayv1.BackendTLSPolicySpec](),
		"GatewayClass": reflect.TypeFor[gatewayv1.GatewayClassSpec](), "Gateway": reflect.TypeFor[gatewayv1.GatewaySpec](), "ListenerSet": reflect.TypeFor[gatewayv1.ListenerSetSpec](), "ReferenceGrant": reflect.TypeFor[gatewayv1.ReferenceGrantSpec](),
	} {
		fields(spec, "", func(path string) {
			counted++
			said := 0
			for at := kind + " " + path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
				if said += written[at]; written[at] > 0 {
					covers[at]++
				}
			}
			if said != 1 {
				t.Errorf("%s: %s is on the page %d times", kind, path, said)
			}
		})
	}
	for path := range written {
		if covers[path] == 0 {
			t.Errorf("there is no field %s", path)
		}
	}
	if counted < 150 {
		t.Errorf("%d fields were looked for", counted)
	}
}
