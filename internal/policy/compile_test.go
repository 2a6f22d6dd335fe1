// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/checks/loadbalancer"
)

// specCase is a spec that is refused, and the nearest one that is not. The same
// cases are given to the CRD's schema.
type specCase struct {
	refused, accepted string
	at                string // beginning of the fault
	onlyCompile       bool   // the schema cannot know it
}

func parameters(s string) string { return "{parameters: {" + s + "}}" }

func repeat(n int, entry string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, strings.ReplaceAll(entry, "%", "%[1]d")+", ", i)
	}
	return b.String()
}

func specCases() map[string]specCase {
	long := strings.Repeat("a", 64)
	return map[string]specCase{
		"a check that does not exist":         {refused: "{checks: [{check: TST-999, action: warn}]}", accepted: "{checks: [{check: TST-001, action: warn}]}", at: "spec.checks[0].check: ", onlyCompile: true},
		"a check by id and by name":           {refused: "{checks: [{check: TST-001, action: warn}, {check: deny-always, action: warn}]}", accepted: "{checks: [{check: TST-001, action: warn}, {check: record, action: warn}]}", at: "spec.checks[1].check: ", onlyCompile: true},
		"a check twice":                       {refused: "{checks: [{check: TST-001, action: warn}, {check: TST-001, action: warn}]}", accepted: "{checks: [{check: TST-001, action: warn}, {check: TST-002, action: warn}]}", at: "spec.checks[1].check: "},
		"a pattern for checks":                {refused: "{checks: [{check: 'TST-*', action: warn}]}", accepted: "{checks: [{check: record, action: warn}]}", at: "spec.checks[0].check: "},
		"an action that does not exist":       {refused: "{checks: [{check: TST-001, action: block}]}", accepted: "{checks: [{check: TST-001, action: ignore}]}", at: "spec.checks[0].action: "},
		"no action":                           {refused: "{checks: [{check: TST-001}]}", accepted: "{checks: [{check: TST-001, strict: warn}]}", at: "spec.checks[0]: "},
		"an action and one for a profile":     {refused: "{checks: [{check: TST-001, action: warn, strict: deny}]}", accepted: "{checks: [{check: TST-001, baseline: warn, strict: deny}]}", at: "spec.checks[0]: "},
		"too many checks":                     {refused: "{checks: [" + repeat(257, "{check: c%, action: warn}") + "]}", accepted: "{checks: []}", at: "spec.checks: "},
		"a severity that does not exist":      {refused: "{severities: [{severity: severe, action: warn}]}", accepted: "{severities: [{severity: high, action: warn}]}", at: "spec.severities[0].severity: "},
		"a severity twice":                    {refused: "{severities: [{severity: high, action: warn}, {severity: high, action: warn}]}", accepted: "{severities: [{severity: high, action: warn}, {severity: low, action: warn}]}", at: "spec.severities[1].severity: "},
		"severities the wrong way round":      {refused: "{severities: [{severity: critical, action: warn}, {severity: low, action: deny}]}", accepted: "{severities: [{severity: critical, action: deny}, {severity: low, action: warn}]}", at: "spec.severities: ", onlyCompile: true},
		"silence about what is unknown":       {refused: "{undetermined: {baseline: ignore}}", accepted: "{undetermined: {baseline: audit}}", at: "spec.undetermined.baseline: "},
		"a cluster mode that does not exist":  {refused: "{clusterMode: deny}", accepted: "{clusterMode: enforce}", at: "spec.clusterMode: "},
		"a cluster domain in capitals":        {refused: parameters("clusterDomain: Cluster.Local"), accepted: parameters("clusterDomain: corp.example"), at: "spec.parameters.clusterDomain: "},
		"a cluster domain that ends in a dot": {refused: parameters("clusterDomain: cluster.local."), accepted: parameters("clusterDomain: cluster.local"), at: "spec.parameters.clusterDomain: "},
		"a namespace that cannot exist":       {refused: parameters("gateway: {namespaces: [edge_gateway]}"), accepted: parameters("gateway: {namespaces: [edge-gateway]}"), at: "spec.parameters.gateway.namespaces[0]: "},
		"a namespace that is too long":        {refused: parameters("gateway: {namespaces: [" + long + "]}"), accepted: parameters("gateway: {namespaces: [" + long[1:] + "]}"), at: "spec.parameters.gateway.namespaces[0]: "},
		"a namespace twice":                   {refused: parameters("gateway: {namespaces: [edge, edge]}"), accepted: parameters("gateway: {namespaces: [edge, door]}"), at: "spec.parameters.gateway.namespaces[1]: "},
		"a pattern for namespaces":            {refused: parameters("gateway: {namespaces: ['*']}"), accepted: parameters("gateway: {namespaces: [all]}"), at: "spec.parameters.gateway.namespaces[0]: "},
		"too many namespaces":                 {refused: parameters("gateway: {namespaces: [" + repeat(17, "n%") + "]}"), accepted: parameters("gateway: {namespaces: [" + repeat(16, "n%") + "]}"), at: "spec.parameters.gateway.namespaces: "},
		"an empty class":                      {refused: parameters("gateway: {gatewayClasses: ['']}"), accepted: parameters("gateway: {gatewayClasses: []}"), at: "spec.parameters.gateway.gatewayClasses[0]: "},
		"an ingress class in capitals":        {refused: parameters("gateway: {ingressClasses: [Nginx]}"), accepted: parameters("gateway: {ingressClasses: [nginx.example.com]}"), at: "spec.parameters.gateway.ingressClasses[0]: "},
		"a parent Gateway without a name":     {refused: parameters("gateway: {parentGateways: [{namespace: edge}]}"), accepted: parameters("gateway: {parentGateways: [{namespace: edge, name: door}]}"), at: "spec.parameters.gateway.parentGateways[0].name: "},
		"a threshold that counts for nothing": {refused: parameters("gateway: {privilegeThreshold: low}"), accepted: parameters("gateway: {privilegeThreshold: medium}"), at: "spec.parameters.gateway.privilegeThreshold: "},
		"a parent Gateway twice":              {refused: parameters("gateway: {parentGateways: [{namespace: edge, name: door}, {namespace: edge, name: door}]}"), accepted: parameters("gateway: {parentGateways: [{namespace: edge, name: door}, {namespace: edge, name: back}]}"), at: "spec.parameters.gateway.parentGateways[1]: "},
		"a scheme that does not exist":        {refused: parameters("loadBalancers: {defaultScheme: internal}"), accepted: parameters("loadBalancers: {defaultScheme: Internal}"), at: "spec.parameters.loadBalancers.defaultScheme: "},
		"a provider that does not exist":      {refused: parameters("loadBalancers: {providers: [no-such-cloud]}"), accepted: parameters("loadBalancers: {providers: [" + loadbalancer.Providers()[0].Name + "]}"), at: "spec.parameters.loadBalancers.providers[0]: ", onlyCompile: true},
		"a class twice":                       {refused: parameters("loadBalancers: {classes: [{name: a.example/x, scheme: Public}, {name: a.example/x, scheme: Internal}]}"), accepted: parameters("loadBalancers: {classes: [{name: a.example/x, scheme: Public}, {name: a.example/y, scheme: Internal}]}"), at: "spec.parameters.loadBalancers.classes[1].name: "},
		"a class without a scheme":            {refused: parameters("loadBalancers: {classes: [{name: a.example/x}]}"), accepted: parameters("loadBalancers: {classes: [{name: a.example/x, scheme: Unknown}]}"), at: "spec.parameters.loadBalancers.classes[0].scheme: "},
		"a class with a blank":                {refused: parameters("loadBalancers: {classes: [{name: 'a.example/x y', scheme: Public}]}"), accepted: parameters("loadBalancers: {classes: [{name: a.example/x_y, scheme: Public}]}"), at: "spec.parameters.loadBalancers.classes[0].name: "},
		"an extra key without values":         {refused: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb}]}"), accepted: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, publicValues: [world]}]}"), at: "spec.parameters.loadBalancers.extraKeys[0]: "},
		"an extra key with an empty value":    {refused: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, internalValues: ['']}]}"), accepted: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, internalValues: [' ']}]}"), at: "spec.parameters.loadBalancers.extraKeys[0].internalValues[0]: "},
		"a value both internal and public":    {refused: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, internalValues: [x], publicValues: [x]}]}"), accepted: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, internalValues: [x], publicValues: [X]}]}"), at: "spec.parameters.loadBalancers.extraKeys[0]: "},
		"values that differ only in case":     {refused: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, comparison: IgnoreCase, internalValues: [x], publicValues: [X]}]}"), accepted: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb, comparison: Exact, internalValues: [x], publicValues: [X]}]}"), at: "spec.parameters.loadBalancers.extraKeys[0]: ", onlyCompile: true},
		"a comparison that does not exist":    {refused: parameters("loadBalancers: {extraKeys: [{annotation: a, internalValues: [x], comparison: Regexp}]}"), accepted: parameters("loadBalancers: {extraKeys: [{annotation: a, internalValues: [x], comparison: IgnoreCase}]}"), at: "spec.parameters.loadBalancers.extraKeys[0].comparison: "},
		"an annotation that cannot exist":     {refused: parameters("loadBalancers: {extraKeys: [{annotation: example.com/lb/x, internalValues: [x]}]}"), accepted: parameters("loadBalancers: {extraKeys: [{annotation: lb, internalValues: [x]}]}"), at: "spec.parameters.loadBalancers.extraKeys[0].annotation: "},
		"a network without a length":          {refused: parameters("allowedExternalIPs: [203.0.113.7]"), accepted: parameters("allowedExternalIPs: [203.0.113.7/32]"), at: "spec.parameters.allowedExternalIPs[0]: "},
		"a network with host bits":            {refused: parameters("allowedExternalIPs: [203.0.113.7/24]"), accepted: parameters("allowedExternalIPs: [203.0.113.0/24]"), at: "spec.parameters.allowedExternalIPs[0]: "},
		"every IPv4 address":                  {refused: parameters("loadBalancers: {trustedPools: [0.0.0.0/0]}"), accepted: parameters("loadBalancers: {trustedPools: [0.0.0.0/1]}"), at: "spec.parameters.loadBalancers.trustedPools[0]: "},
		"every IPv6 address":                  {refused: parameters("loadBalancers: {trustedPools: ['::/0']}"), accepted: parameters("loadBalancers: {trustedPools: ['2001:db8::/32']}"), at: "spec.parameters.loadBalancers.trustedPools[0]: "},
		"an IPv4-mapped network":              {refused: parameters("allowedExternalIPs: ['::ffff:203.0.113.0/120']"), accepted: parameters("allowedExternalIPs: ['2001:db8::203.0.113.0/120']"), at: "spec.parameters.allowedExternalIPs[0]: "},
		"a network with leading zeros":        {refused: parameters("allowedExternalIPs: [203.000.113.0/24]"), accepted: parameters("allowedExternalIPs: [203.0.113.0/24]"), at: "spec.parameters.allowedExternalIPs[0]: "},
		"a network with a zone":               {refused: parameters("allowedExternalIPs: ['fe80::%eth0/64']"), accepted: parameters("allowedExternalIPs: ['fe80::/64']"), at: "spec.parameters.allowedExternalIPs[0]: "},
		"a network with a blank":              {refused: parameters("allowedExternalIPs: [' 203.0.113.0/24']"), accepted: parameters("allowedExternalIPs: ['203.0.113.0/24']"), at: "spec.parameters.allowedExternalIPs[0]: "},
		"a network twice":                     {refused: parameters("allowedExternalIPs: [203.0.113.0/24, 203.0.113.0/24]"), accepted: parameters("allowedExternalIPs: [203.0.113.0/24, 203.0.113.0/25]"), at: "spec.parameters.allowedExternalIPs[1]: "},
		"a network twice in two spellings":    {refused: parameters("allowedExternalIPs: ['2001:db8::/32', '2001:0db8::/32']"), accepted: parameters("allowedExternalIPs: ['2001:db8::/32', '2001:db9::/32']"), at: "spec.parameters.allowedExternalIPs[1]: ", onlyCompile: true},
		"port 0":                              {refused: parameters("sensitivePorts: {add: [{port: 0, name: x}]}"), accepted: parameters("sensitivePorts: {add: [{port: 1, name: x}]}"), at: "spec.parameters.sensitivePorts.add[0].port: "},
		"port 65536":                          {refused: parameters("sensitivePorts: {remove: [65536]}"), accepted: parameters("sensitivePorts: {remove: [65535]}"), at: "spec.parameters.sensitivePorts.remove[0]: "},
		"a port without a name":               {refused: parameters("sensitivePorts: {add: [{port: 1}]}"), accepted: parameters("sensitivePorts: {add: [{port: 1, name: x}]}"), at: "spec.parameters.sensitivePorts.add[0].name: "},
		"a port's name with a line break":     {refused: parameters(`sensitivePorts: {add: [{port: 1, name: "x\ny"}]}`), accepted: parameters(`sensitivePorts: {add: [{port: 1, name: "x y"}]}`), at: "spec.parameters.sensitivePorts.add[0].name: "},
		"a port added and removed":            {refused: parameters("sensitivePorts: {add: [{port: 9, name: x}], remove: [9]}"), accepted: parameters("sensitivePorts: {add: [{port: 9, name: x}], remove: [8]}"), at: "spec.parameters.sensitivePorts.remove[0]: "},
		"a port added twice":                  {refused: parameters("sensitivePorts: {add: [{port: 9, name: x}, {port: 9, name: z}]}"), accepted: parameters("sensitivePorts: {add: [{port: 9, name: x}, {port: 8, name: z}]}"), at: "spec.parameters.sensitivePorts.add[1].port: "},
		"a port removed twice":                {refused: parameters("sensitivePorts: {remove: [9, 9]}"), accepted: parameters("sensitivePorts: {remove: [9, 8]}"), at: "spec.parameters.sensitivePorts.remove[1]: "},
		"a pattern for users":                 {refused: parameters("statusWriters: ['system:serviceaccount:*']"), accepted: parameters("statusWriters: ['system:serviceaccount:kube-system:ccm']"), at: "spec.parameters.statusWriters[0]: "},
		"anybody as a user":                   {refused: parameters("endpointWriters: ['system:anonymous']"), accepted: parameters("endpointWriters: ['system:kube-proxy']"), at: "spec.parameters.endpointWriters[0]: "},
		"a user with a blank":                 {refused: parameters("statusWriters: ['jane doe']"), accepted: parameters("statusWriters: ['jane@example.com']"), at: "spec.parameters.statusWriters[0]: "},
		"a user without a name":               {refused: parameters("statusWriters: ['']"), accepted: parameters("statusWriters: []"), at: "spec.parameters.statusWriters[0]: "},
		"a toggle that does not exist":        {refused: parameters("mutation: {injectGateway: 'on'}"), accepted: parameters("mutation: {injectGateway: Enabled}"), at: "spec.parameters.mutation.injectGateway: "},
		"a parent without Gateways":           {refused: parameters("mutation: {injectParentRefs: Enabled}"), accepted: parameters("gateway: {parentGateways: [{namespace: edge, name: door}]}, mutation: {injectParentRefs: Enabled}"), at: "spec.parameters.mutation.injectParentRefs: "},
		"a reserved annotation":               {refused: parameters("mutation: {injectAnnotations: {gatehouse.sh/gateway: x}}"), accepted: parameters("mutation: {injectAnnotations: {gatehouse.shop/gateway: x}}"), at: `spec.parameters.mutation.injectAnnotations["gatehouse.sh/gateway"]: `},
		"a label with a blank":                {refused: parameters("mutation: {injectLabels: {team: 'a b'}}"), accepted: parameters("mutation: {injectLabels: {team: ''}}"), at: `spec.parameters.mutation.injectLabels["team"]: `},
		"an annotation's key with a blank":    {refused: parameters("mutation: {injectAnnotations: {'a b': x}}"), accepted: parameters("mutation: {injectAnnotations: {a: 'x y'}}"), at: `spec.parameters.mutation.injectAnnotations["a b"]: `, onlyCompile: true},
		"too many annotations":                {refused: parameters("mutation: {injectAnnotations: {" + repeat(17, "k%: v") + "}}"), accepted: parameters("mutation: {injectAnnotations: {" + repeat(16, "k%: v") + "}}"), at: "spec.parameters.mutation.injectAnnotations: "},
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	set, cases := testSet(t), specCases()
	maps.Copy(cases, customCases())
	if len(cases) == 0 {
		t.Fatal("no cases")
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Compile(set, parsed(t, tc.refused))
			if err == nil || p != nil {
				t.Fatalf("accepted: %s", tc.refused)
			}
			found := false
			for line := range strings.Lines(err.Error()) {
				found = found || strings.HasPrefix(line, tc.at)
			}
			if !found {
				t.Errorf("got the error %q, want one that begins with %q", err, tc.at)
			}
			if _, err := Compile(set, parsed(t, tc.accepted)); err != nil {
				t.Errorf("the nearest good spec is refused: %v", err)
			}
		})
	}
}

func TestCompileNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := Compile(testSet(t), parsed(t, `
checks: [{check: no-such-check, action: warn}]
clusterMode: sometimes
parameters: {clusterDomain: X, allowedExternalIPs: [all], statusWriters: ['*']}
`))
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{"spec.checks[0].check", "spec.clusterMode", "spec.parameters.clusterDomain", "spec.parameters.allowedExternalIPs[0]", "spec.parameters.statusWriters[0]"}
	var got []string
	for line := range strings.Lines(err.Error()) {
		at, _, _ := strings.Cut(line, ": ")
		got = append(got, at)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (want -, got +):\n%s", diff)
	}
}

func TestCompileBoundsItsError(t *testing.T) {
	t.Parallel()
	var spec v1alpha1.CheckPolicySpec
	for range maxChecks {
		spec.Checks = append(spec.Checks, v1alpha1.CheckRule{Check: strings.Repeat("x", 1<<16), Action: "deny"})
	}
	_, err := Compile(testSet(t), &spec)
	if err == nil || len(err.Error()) > 16<<10 || !strings.Contains(err.Error(), "more") {
		t.Fatalf("got an error of %d bytes", len(fmt.Sprint(err)))
	}
}

func TestCompileWithoutChecksIsAnError(t *testing.T) {
	t.Parallel()
	if p, err := Compile(nil, nil); err == nil || p != nil {
		t.Fatal("accepted")
	}
}

func TestNothingConfiguredIsTheDefault(t *testing.T) {
	t.Parallel()
	set := testSet(t)
	for name, spec := range map[string]*v1alpha1.CheckPolicySpec{"no spec": nil, "an empty spec": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Compile(set, spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffPolicies(Default(set), got); diff != "" {
				t.Errorf("policy (want -, got +):\n%s", diff)
			}
		})
	}
}

func diffPolicies(want, got *Policy) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(Policy{}, rule{}), cmpopts.IgnoreFields(Policy{}, "set"),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }), cmpopts.EquateEmpty())
}

func TestCompileReadsEveryField(t *testing.T) {
	t.Parallel()
	provider := loadbalancer.Providers()[0].Name
	p := compiled(t, testSet(t), `
clusterMode: enforce
parameters:
  clusterDomain: corp.example
  gateway:
    namespaces: [edge]
    gatewayClasses: [door, back-door]
    ingressClasses: [hatch]
    parentGateways: [{namespace: edge, name: main}, {namespace: edge, name: second}]
    privilegeThreshold: critical
  loadBalancers:
    defaultScheme: Internal
    providers: [`+provider+`]
    classes: [{name: example.com/lb, scheme: Public}]
    extraKeys: [{annotation: example.com/scheme, internalValues: [in], publicValues: [out], comparison: IgnoreCase, provider: ours}]
    trustedPools: [198.51.100.0/24]
  allowedExternalIPs: [203.0.113.0/24, "2001:db8::/32"]
  sensitivePorts: {add: [{port: 7777, name: game console}], remove: [2379]}
  statusWriters: [system:serviceaccount:edge:lb]
  endpointWriters: [system:serviceaccount:edge:ep]
  mutation:
    injectAnnotations: {team: edge}
    injectLabels: {zone: dmz}
    injectParentRefs: Enabled
    defaultAutomount: Enabled
    defaultNodePorts: Enabled
`)
	ports := checks.DefaultSensitivePorts()
	delete(ports, 2379)
	ports[7777] = "game console"
	want := &checks.Parameters{
		ClusterDomain: "corp.example",
		Gateway: checks.Gateway{
			Namespaces: []string{"edge"}, Controller: checks.GatewayController, GatewayClasses: []string{"door", "back-door"}, IngressClasses: []string{"hatch"},
			ParentGateways: []checks.GatewayName{{Namespace: "edge", Name: "main"}, {Namespace: "edge", Name: "second"}},
			Threshold:      checks.Critical,
		},
		LoadBalancers: loadbalancer.Config{
			DefaultScheme: loadbalancer.Internal, Providers: []string{provider},
			Classes:      map[string]loadbalancer.Scheme{"example.com/lb": loadbalancer.Public},
			Extra:        []loadbalancer.Key{{Annotation: "example.com/scheme", Internal: []string{"in"}, Public: []string{"out"}, Case: loadbalancer.CaseFold, Provider: "ours"}},
			TrustedPools: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		},
		AllowedExternalIPs: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		SensitivePorts:     ports,
		StatusWriters:      []string{"system:serviceaccount:edge:lb"},
		EndpointWriters:    []string{"system:serviceaccount:edge:ep"},
	}
	if diff := cmp.Diff(want, p.Parameters, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("parameters (want -, got +):\n%s", diff)
	}
	mutation := Mutation{
		Annotations:   map[string]string{v1alpha1.GatewayAnnotation: "door", "team": "edge"},
		Labels:        map[string]string{v1alpha1.ManagedLabel: "true", "zone": "dmz"},
		ParentGateway: checks.GatewayName{Namespace: "edge", Name: "main"}, DisableAutomount: true, DisableNodePorts: true,
	}
	if diff := cmp.Diff(mutation, p.Mutation); diff != "" {
		t.Errorf("mutation (want -, got +):\n%s", diff)
	}
	if p.ClusterMode != Enforce {
		t.Errorf("cluster mode %s, want enforce", p.ClusterMode)
	}
}

func TestMutationWithoutTheGatewayAddsNothing(t *testing.T) {
	t.Parallel()
	p := compiled(t, testSet(t), parameters("mutation: {injectGateway: Disabled, injectAnnotations: {a: b}, injectLabels: {c: d}}"))
	if diff := cmp.Diff(Mutation{}, p.Mutation); diff != "" {
		t.Errorf("mutation (want -, got +):\n%s", diff)
	}
}
