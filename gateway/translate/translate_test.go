// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/gateway/config"
	"github.com/gatehouse-sh/gatehouse/test/pki"
)

var update = flag.Bool("update", false, "rewrite what the cases want")

var options = Options{Controller: "gatehouse.sh/gateway", Address: netip.IPv4Unspecified(), Port: func(p gatewayv1.PortNumber) uint16 { return uint16(p) + 8000 }}

// TestCases translates what testdata has. A case is a txtar file: what there is in a
// cluster, the snapshots that follow, and what is said in each status.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("there is no case", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) == 0 || archive.Files[0].Name != "objects.yaml" {
				t.Fatal("it has no objects.yaml", err)
			}
			objects := read(t, archive.Files[0].Data)
			r := Translate(objects, options)
			for name, s := range r.Snapshots {
				if faults := s.Validate(); len(faults) > 0 {
					t.Errorf("%s: %v", name, faults)
				}
			}
			got := []txtar.File{archive.Files[0], {Name: "snapshots.yaml", Data: snapshots(t, r)}, {Name: "status", Data: statuses(r)}}
			for range 3 {
				shuffle(objects)
				if again := Translate(objects, options); !bytes.Equal(snapshots(t, again), got[1].Data) || !bytes.Equal(statuses(again), got[2].Data) {
					t.Fatalf("in another order it is\n%s\n%s", snapshots(t, again), statuses(again))
				}
			}
			if *update {
				archive.Files = got
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			for i, want := range archive.Files {
				if i >= len(got) || !bytes.Equal(got[i].Data, want.Data) {
					t.Errorf("%s:\n%s\nwant\n%s", want.Name, got[min(i, 2)].Data, want.Data)
				}
			}
			if len(archive.Files) != 3 {
				t.Error("it does not say what is wanted: run with -update, and read what it wrote")
			}
		})
	}
}

// read decodes objects strictly. A Secret whose data has "made" gets a certificate for
// that name, or those, with commas between them.
func read(t testing.TB, data []byte) *Objects {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, discoveryv1.AddToScheme, networkingv1.AddToScheme, gatewayv1.Install, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	out := &Objects{}
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if m, is := o.(metav1.Object); is {
			m.SetGeneration(7)
		}
		switch o := o.(type) {
		case *gatewayv1.GatewayClass:
			out.Classes = append(out.Classes, o)
		case *gatewayv1.Gateway:
			out.Gateways = append(out.Gateways, o)
		case *gatewayv1.ListenerSet:
			out.ListenerSets = append(out.ListenerSets, o)
		case *gatewayv1.HTTPRoute:
			out.HTTPRoutes = append(out.HTTPRoutes, o)
		case *gatewayv1.GRPCRoute:
			out.GRPCRoutes = append(out.GRPCRoutes, o)
		case *gatewayv1.TLSRoute:
			out.TLSRoutes = append(out.TLSRoutes, o)
		case *gatewayv1.TCPRoute:
			out.TCPRoutes = append(out.TCPRoutes, o)
		case *gatewayv1.UDPRoute:
			out.UDPRoutes = append(out.UDPRoutes, o)
		case *gatewayv1.BackendTLSPolicy:
			out.Policies = append(out.Policies, o)
		case *v1alpha1.AccessPolicy:
			out.AccessPolicies = append(out.AccessPolicies, o)
		case *v1alpha1.TrafficPolicy:
			out.TrafficPolicies = append(out.TrafficPolicies, o)
		case *v1alpha1.ClientPolicy:
			out.ClientPolicies = append(out.ClientPolicies, o)
		case *v1alpha1.GatewayParameters:
			out.Parameters = append(out.Parameters, o)
		case *gatewayv1.ReferenceGrant:
			out.ReferenceGrants = append(out.ReferenceGrants, o)
		case *networkingv1.IngressClass:
			out.IngressClasses = append(out.IngressClasses, o)
		case *networkingv1.Ingress:
			out.Ingresses = append(out.Ingresses, o)
		case *corev1.Namespace:
			out.Namespaces = append(out.Namespaces, o)
		case *corev1.Service:
			out.Services = append(out.Services, o)
		case *discoveryv1.EndpointSlice:
			out.EndpointSlices = append(out.EndpointSlices, o)
		case *corev1.Secret:
			if host := o.StringData["made"]; host != "" {
				cert, key := pki.Encode(t, pki.New(t, "test").For(t, strings.Split(host, ",")...))
				if o.Data == nil {
					o.Data = map[string][]byte{}
				}
				o.Data[corev1.TLSCertKey], o.Data[corev1.TLSPrivateKeyKey] = cert, key
			}
			out.Secrets = append(out.Secrets, o)
		case *corev1.ConfigMap:
			if o.Data["made"] != "" {
				o.Data = map[string]string{bundleKey: string(pki.New(t, "test").PEM)}
			}
			out.ConfigMaps = append(out.ConfigMaps, o)
		default:
			t.Fatalf("nobody reads a %T", o)
		}
	}
}

func shuffle(o *Objects) {
	mix(o.Classes)
	mix(o.Gateways)
	mix(o.ListenerSets)
	mix(o.HTTPRoutes)
	mix(o.GRPCRoutes)
	mix(o.TLSRoutes)
	mix(o.TCPRoutes)
	mix(o.UDPRoutes)
	mix(o.ReferenceGrants)
	mix(o.Policies)
	mix(o.AccessPolicies)
	mix(o.TrafficPolicies)
	mix(o.ClientPolicies)
	mix(o.Parameters)
	mix(o.ConfigMaps)
	mix(o.Services)
	mix(o.EndpointSlices)
	mix(o.Secrets)
	mix(o.IngressClasses)
	mix(o.Ingresses)
}

func mix[T any](list []T) {
	rand.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
}

func snapshots(t *testing.T, r *Result) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, name := range slices.SortedFunc(maps.Keys(r.Snapshots), compareNames) {
		shown := *r.Snapshots[name]
		if _, is := r.Gateways[name]; is && shown.Telemetry.Decisions.Gateway != name.String() || !is && shown.Telemetry.Decisions.Gateway != "" {
			t.Errorf("%s: its lines are told by %q", name, shown.Telemetry.Decisions.Gateway)
		}
		shown.Telemetry = config.Telemetry{} // the same in all cases
		for i := range shown.Certificates {
			if len(shown.Certificates[i].Cert) == 0 || len(shown.Certificates[i].Key) == 0 {
				t.Errorf("%s: certificate %s is empty", name, shown.Certificates[i].Name)
			}
		}
		shown.Backends = slices.Clone(shown.Backends)
		for i := range shown.Backends {
			if b := &shown.Backends[i]; b.TLS != nil { // whose bundles are not written
				own := *b.TLS
				own.CAFiles = make([]string, len(own.CAs))
				for k := range own.CAs {
					own.CAFiles[k] = "a bundle"
				}
				b.TLS = &own
			}
		}
		text, err := yaml.Marshal(map[string]*config.Snapshot{name.String(): &shown})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		for _, p := range shown.AccessPolicies {
			unresolved(&out, p.Name, p.Unresolved)
		}
		for _, p := range shown.TrafficPolicies {
			unresolved(&out, p.Name, p.Unresolved)
		}
	}
	return out.Bytes()
}

// unresolved writes what no file says.
func unresolved(out io.Writer, policy, why string) {
	if why != "" {
		fmt.Fprintf(out, "# %s refuses: %s\n", policy, why)
	}
}

// statuses has a line for each condition.
func statuses(r *Result) []byte {
	var out bytes.Buffer
	say := func(of string, list []metav1.Condition) {
		for _, c := range list {
			fmt.Fprintf(&out, "%s %s=%s %s", of, c.Type, c.Status, c.Reason)
			if c.Message != "" {
				fmt.Fprintf(&out, ": %s", c.Message)
			}
			if c.ObservedGeneration != 7 {
				fmt.Fprintf(&out, " (of generation %d)", c.ObservedGeneration)
			}
			fmt.Fprintln(&out)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Classes)) {
		say("GatewayClass "+name, r.Classes[name])
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.Gateways), compareNames) {
		g := r.Gateways[name]
		say("Gateway "+name.String(), g.Conditions)
		if g.AttachedListenerSets != nil {
			fmt.Fprintf(&out, "Gateway %s has %d ListenerSets\n", name, *g.AttachedListenerSets)
		}
		for _, l := range g.Listeners {
			kinds := ""
			for _, k := range l.SupportedKinds {
				kinds += " " + string(k.Kind)
			}
			fmt.Fprintf(&out, "Gateway %s %s takes%s, has %d\n", name, l.Name, kinds, l.AttachedRoutes)
			say(fmt.Sprintf("Gateway %s %s", name, l.Name), l.Conditions)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.ListenerSets), compareNames) {
		s := r.ListenerSets[name]
		say(fmt.Sprintf("ListenerSet %s of %s", name, s.Gateway), s.Status.Conditions)
		for _, l := range s.Status.Listeners {
			fmt.Fprintf(&out, "ListenerSet %s %s has %d\n", name, l.Name, l.AttachedRoutes)
			say(fmt.Sprintf("ListenerSet %s %s", name, l.Name), l.Conditions)
		}
	}
	for _, of := range slices.SortedFunc(maps.Keys(r.Routes), func(a, b Route) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), compareNames(a.Name, b.Name)) }) {
		for _, p := range r.Routes[of] {
			at := ""
			if p.ParentRef.SectionName != nil {
				at = "/" + string(*p.ParentRef.SectionName)
			}
			say(fmt.Sprintf("%s %s at %s%s", of.Kind, of.Name, p.ParentRef.Name, at), p.Conditions)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.Policies), compareNames) {
		for _, a := range r.Policies[name].Ancestors {
			say(fmt.Sprintf("BackendTLSPolicy %s at %s/%s", name, *a.AncestorRef.Namespace, a.AncestorRef.Name), a.Conditions)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.Ingresses), compareNames) {
		fmt.Fprintf(&out, "Ingress %s is served by %v\n", name, r.Ingresses[name])
	}
	for _, e := range r.Events {
		fmt.Fprintf(&out, "%s %s: %s: %s\n", e.Kind, e.Name, e.Reason, e.Message)
	}
	for _, own := range []struct {
		kind     string
		statuses map[Name]gatewayv1.PolicyStatus
	}{{"AccessPolicy", r.AccessPolicies}, {"TrafficPolicy", r.TrafficPolicies}, {"ClientPolicy", r.ClientPolicies}} {
		for _, name := range slices.SortedFunc(maps.Keys(own.statuses), compareNames) {
			for _, a := range own.statuses[name].Ancestors {
				section := ""
				if a.AncestorRef.SectionName != nil {
					section = "/" + string(*a.AncestorRef.SectionName)
				}
				say(fmt.Sprintf("%s %s at %s %s/%s%s", own.kind, name, *a.AncestorRef.Kind, *a.AncestorRef.Namespace, a.AncestorRef.Name, section), a.Conditions)
			}
		}
	}
	return out.Bytes()
}

// openEdge is a class of ours, and a Gateway infra/edge of it that takes routes from everywhere.
const openEdge = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gatehouse}
spec: {controllerName: gatehouse.sh/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: gatehouse
  listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
`
