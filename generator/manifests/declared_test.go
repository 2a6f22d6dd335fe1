// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// declares returns every edge that the objects declare, name servers left out,
// and every problem, as text.
func declares(t *testing.T, o Options, env generator.Environment, objects ...inventory.Object) []string {
	t.Helper()
	inv := inventory.New(objects...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	all := Edges(inv, u, &env, o)
	var out []string
	for _, e := range all.Edges {
		if e.To.Kind != generator.DNSPeer {
			out = append(out, e.String())
		}
	}
	for _, p := range all.Problems {
		out = append(out, "problem: "+p.String())
	}
	slices.Sort(out)
	return out
}

func decoded(t *testing.T, text string) []inventory.Object {
	t.Helper()
	var out []inventory.Object
	for line := range strings.Lines(strings.TrimSpace(text)) {
		o, _, err := inventory.DecodeAny([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, o)
	}
	return out
}

func TestDeclared(t *testing.T) {
	t.Parallel()
	typed := func(s *corev1.Service, kind corev1.ServiceType) *corev1.Service { s.Spec.Type = kind; return s }
	ranged := typed(service("web", "80"), corev1.ServiceTypeLoadBalancer)
	ranged.Spec.LoadBalancerSourceRanges = []string{"198.51.100.0/24", "oops"}
	local := typed(service("web", "80"), corev1.ServiceTypeNodePort)
	local.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyLocal
	annotated := service("web", "80")
	annotated.Annotations = map[string]string{scrapeAnnotation: "true"}
	off := service("web", "80")
	off.Annotations = map[string]string{scrapeAnnotation: "false", portAnnotation: "9100"}
	orphan := service("web", "80")
	orphan.Spec.Selector = nil
	orphan.Spec.Type = corev1.ServiceTypeLoadBalancer
	set := func(replicas int32, name string) *appsv1.StatefulSet {
		s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db"}}
		s.Spec.Replicas, s.Spec.ServiceName = &replicas, name
		s.Spec.Template.Labels = map[string]string{"app": "db"}
		return s
	}
	aliased := deployment("web", corev1.Container{Name: "c", Env: []corev1.EnvVar{{Name: "BANK_URL", Value: "https://bank.internal:8443"}}})
	aliased.Spec.Template.Spec.HostAliases = []corev1.HostAlias{{IP: "203.0.113.5", Hostnames: []string{"bank.internal"}}}
	resolver := deployment("web")
	resolver.Spec.Template.Spec.DNSPolicy = corev1.DNSNone
	resolver.Spec.Template.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"9.9.9.9"}}
	bound := func(automount *bool) []inventory.Object {
		w := deployment("web")
		w.Spec.Template.Spec.ServiceAccountName = "web"
		return []inventory.Object{
			w, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, AutomountServiceAccountToken: automount},
			&rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "web"}, Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "shop", Name: "web"}}},
		}
	}
	ported := func(onHost bool) *appsv1.Deployment {
		d := deployment("web", corev1.Container{Name: "c", Ports: []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 80}, {ContainerPort: 9090}}})
		d.Spec.Template.Spec.HostNetwork = onHost
		return d
	}
	starting := deployment("web", corev1.Container{Name: "c"})
	starting.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "migrate", Env: []corev1.EnvVar{{Name: "DB_URL", Value: "postgres://db:5432/x"}}}}
	no := false
	nodes := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}

	for name, c := range map[string]struct {
		objects []inventory.Object
		json    string
		nodes   []netip.Prefix
		options Options
		want    string
	}{
		"a load balancer is for everybody outside":         {objects: []inventory.Object{typed(service("web", "80"), corev1.ServiceTypeLoadBalancer), deployment("web")}, want: "external -> Service shop/web any port"},
		"through the nodes where they are known":           {objects: []inventory.Object{typed(service("web", "80"), corev1.ServiceTypeNodePort), deployment("web")}, nodes: nodes, want: "external -> Service shop/web any port\nnodes -> Service shop/web any port"},
		"a local policy keeps the address of the client":   {objects: []inventory.Object{local, deployment("web")}, nodes: nodes, want: "external -> Service shop/web any port"},
		"a load balancer for some addresses":               {objects: []inventory.Object{ranged, deployment("web")}, want: "198.51.100.0/24 -> Service shop/web any port\nproblem: Service shop/web: \"oops\" is no block of addresses"},
		"a load balancer without pods":                     {objects: []inventory.Object{orphan}, want: ""},
		"a cluster address is for nobody outside":          {objects: []inventory.Object{service("web", "80"), deployment("web")}, want: ""},
		"an annotated Service is scraped on every port":    {objects: []inventory.Object{annotated, deployment("web")}, want: "monitoring -> Service shop/web any port"},
		"an annotation that says no":                       {objects: []inventory.Object{off, deployment("web")}, want: ""},
		"members of a set talk to each other":              {objects: []inventory.Object{set(3, "db"), headless(service("db", "5432"))}, want: "StatefulSet shop/db -> Service shop/db any port"},
		"one member talks to nobody":                       {objects: []inventory.Object{set(1, "db"), headless(service("db", "5432"))}, want: ""},
		"a Service with an address is not that of a set":   {objects: []inventory.Object{set(3, "db"), service("db", "5432")}, want: ""},
		"a name in hostAliases is an address":              {objects: []inventory.Object{aliased}, want: "Deployment shop/web -> 203.0.113.5/32 TCP/8443"},
		"a port of the node leads to the pod":              {objects: []inventory.Object{ported(false)}, want: "external -> Deployment shop/web TCP/8080"},
		"a pod on the node is the node":                    {objects: []inventory.Object{ported(true)}, want: ""},
		"a VirtualService of a gateway":                    {json: virtualService(`["mesh","edge"]`), objects: []inventory.Object{service("web", "80")}, want: "problem: Service shop/web: who serves the class \"networking.istio.io\" is not known"},
		"a VirtualService of the mesh":                     {json: virtualService(`["mesh"]`), objects: []inventory.Object{service("web", "80")}, want: ""},
		"B1.23 an init container connects for the pod":     {objects: []inventory.Object{starting, deployment("db"), service("db", "5432")}, want: "Deployment shop/web -> Service shop/db TCP/5432"},
		"name servers of its own":                          {objects: []inventory.Object{resolver}, want: "Deployment shop/web -> 9.9.9.9/32 TCP/53\nDeployment shop/web -> 9.9.9.9/32 UDP/53"},
		"a token with a role":                              {objects: bound(nil), want: "Deployment shop/web -> api-server any port"},
		"a role without a token":                           {objects: bound(&no), want: ""},
		"a token without a role":                           {objects: bound(nil)[:2], want: ""},
		"an Ingress of the gateway":                        {json: ingress("gatehouse"), objects: []inventory.Object{service("web", "80")}, want: "gateway -> Service shop/web TCP/80"},
		"an Ingress of a class that somebody serves":       {json: ingress("blue"), objects: []inventory.Object{service("web", "80")}, options: Options{Classes: map[string]generator.Peer{"blue": generator.NamespacePeerOf("blue")}}, want: "namespace blue -> Service shop/web TCP/80"},
		"an Ingress of a class that nobody is known to be": {json: ingress("blue"), objects: []inventory.Object{service("web", "80")}, want: "problem: Service shop/web: who serves the class \"blue\" is not known"},
		"an Ingress to nothing":                            {json: ingress("gatehouse"), want: "problem: Service shop/web: there is no Service shop/web among the objects"},
		"a route of a mesh comes from no gateway":          {json: `{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"r","namespace":"shop"},"spec":{"parentRefs":[{"group":"","kind":"Service","name":"web"}],"rules":[{"backendRefs":[{"name":"web","port":80}]}]}}`, objects: []inventory.Object{service("web", "80")}, want: ""},
		"a route of two Gateways comes from both":          {json: routeOf(`{"name":"edge"},{"name":"own"}`), objects: append(gateways(), service("web", "80")), want: "Deployment shop/own-envoy -> Service shop/web TCP/80\ngateway -> Service shop/web TCP/80"},
		"a route of a Gateway that nobody gave":            {json: routeOf(`{"name":"gone"}`), objects: []inventory.Object{service("web", "80")}, want: "problem: Service shop/web: there is no Gateway shop/gone among the objects, so that who serves it is not known"},
		"an Ingress without a class":                       {json: strings.Replace(ingress("blue"), `"ingressClassName":"blue",`, "", 1), objects: []inventory.Object{service("web", "80")}, want: "problem: Service shop/web: no class is named, and none is the default among the objects: who serves it is not known"},
		"a route of a vendor comes from its controller":    {json: `{"apiVersion":"traefik.io/v1alpha1","kind":"IngressRoute","metadata":{"name":"r","namespace":"shop"},"spec":{"routes":[{"services":[{"name":"web","port":80}]}]}}`, objects: append(traefik(), service("web", "80")), want: "Deployment shop/traefik -> Service shop/web TCP/80"},
		"a GRPCRoute": {json: route("GRPCRoute", "shop", ""), objects: append(gateways(), service("web", "80")), want: "gateway -> Service shop/web TCP/80"},
		"a TLSRoute":  {json: route("TLSRoute", "shop", ""), objects: append(gateways(), service("web", "80")), want: "gateway -> Service shop/web TCP/80"},
		"a TCPRoute":  {json: route("TCPRoute", "shop", ""), objects: append(gateways(), service("web", "80")), want: "gateway -> Service shop/web TCP/80"},
		"a UDPRoute leads to the port of its protocol": {json: route("UDPRoute", "shop", ""), objects: append(gateways(), service("web", "80/UDP")), want: "gateway -> Service shop/web UDP/80"},
		"an APIService": {json: apiService(`"name":"web","namespace":"shop","port":6443`), objects: []inventory.Object{service("web", "6443")}, want: "api-server -> Service shop/web TCP/6443"},
		"an APIService without a port is called on 443": {json: apiService(`"name":"web","namespace":"shop"`), objects: []inventory.Object{service("web", "443")}, want: "api-server -> Service shop/web TCP/443"},
		"an APIService of the API server itself":        {json: `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1."},"spec":{"version":"v1","groupPriorityMinimum":1,"versionPriority":1}}`, want: ""},
		"an APIService to nothing":                      {json: apiService(`"name":"gone","namespace":"shop"`), want: "problem: api-server -> Service shop/gone any port: there is no Service shop/gone among the objects"},
		"another namespace without a grant": {
			json: route("HTTPRoute", "pay", ""), objects: append(gateways(), service("pay/web", "80")),
			want: "problem: namespace pay: no ReferenceGrant of it lets HTTPRoute shop/r reach Service web, so that no gateway sends it there",
		},
		"another namespace that grants the Service":   {json: route("TLSRoute", "pay", "") + grant("pay", "TLSRoute", `"Service","name":"web"`), objects: append(gateways(), service("pay/web", "80")), want: "gateway -> Service pay/web TCP/80"},
		"another namespace that grants every Service": {json: route("GRPCRoute", "pay", "") + grant("pay", "GRPCRoute", `"Service"`), objects: append(gateways(), service("pay/web", "80")), want: "gateway -> Service pay/web TCP/80"},
		"another namespace that grants another Service": {
			json: route("TCPRoute", "pay", "") + grant("pay", "TCPRoute", `"Service","name":"other"`), objects: append(gateways(), service("pay/web", "80")),
			want: "problem: namespace pay: no ReferenceGrant of it lets TCPRoute shop/r reach Service web, so that no gateway sends it there",
		},
		"another namespace that grants another kind of route": {
			json: route("TCPRoute", "pay", "") + grant("pay", "HTTPRoute", `"Service"`), objects: append(gateways(), service("pay/web", "80")),
			want: "problem: namespace pay: no ReferenceGrant of it lets TCPRoute shop/r reach Service web, so that no gateway sends it there",
		},
		"a grant of the namespace of the route": {
			json: route("HTTPRoute", "pay", "") + grant("shop", "HTTPRoute", `"Service"`), objects: append(gateways(), service("pay/web", "80")),
			want: "problem: namespace pay: no ReferenceGrant of it lets HTTPRoute shop/r reach Service web, so that no gateway sends it there",
		},
		"a mirror in another namespace without a grant": {
			json:    route("HTTPRoute", "shop", `,"filters":[{"type":"RequestMirror","requestMirror":{"backendRef":{"name":"web","namespace":"pay","port":80}}}]`),
			objects: append(gateways(), service("web", "80"), service("pay/web", "80")),
			want:    "gateway -> Service shop/web TCP/80\nproblem: namespace pay: no ReferenceGrant of it lets HTTPRoute shop/r reach Service web, so that no gateway sends it there",
		},
		"a webhook without a port is called on 443": {json: webhook(`"name":"web","namespace":"shop"`), objects: []inventory.Object{service("web", "443")}, want: "api-server -> Service shop/web TCP/443"},
		"a webhook to nothing":                      {json: webhook(`"name":"gone","namespace":"shop"`), want: "problem: api-server -> Service shop/gone any port: there is no Service shop/gone among the objects"},
		"a monitor of every namespace":              {json: monitor("ServiceMonitor", `"namespaceSelector":{"any":true},"selector":{"matchLabels":{"m":"y"}},"endpoints":[{"port":"p0"}]`), objects: []inventory.Object{marked("pay/ledger"), marked("web"), service("other", "80")}, want: "monitoring -> Service pay/ledger TCP/p0\nmonitoring -> Service shop/web TCP/p0"},
		"a monitor of its own namespace":            {json: monitor("ServiceMonitor", `"selector":{"matchExpressions":[{"key":"m","operator":"Exists"}]},"endpoints":[{"port":"p0"}]`), objects: []inventory.Object{marked("pay/ledger"), marked("web")}, want: "monitoring -> Service shop/web TCP/p0"},
		"a monitor on a port of the pods":           {json: monitor("ServiceMonitor", `"selector":{"matchLabels":{"m":"y"}},"endpoints":[{"targetPort":9102}]`), objects: []inventory.Object{marked("web"), deployment("web")}, want: "monitoring -> Deployment shop/web TCP/9102"},
		"a monitor of nothing":                      {json: monitor("ServiceMonitor", `"selector":{"matchLabels":{"m":"y"}},"endpoints":[{"port":"p0"}]`), want: "problem: monitoring: selects nothing among the objects"},
		"a monitor that is none":                    {json: monitor("ServiceMonitor", `"selector":7`), want: "problem: monitoring: is not a ServiceMonitor that can be read"},
		"a monitor of pods":                         {json: monitor("PodMonitor", `"selector":{"matchLabels":{"app":"web"}},"podMetricsEndpoints":[{"port":"metrics"},{"portNumber":9102},{}]`), objects: []inventory.Object{deployment("web")}, want: "monitoring -> Deployment shop/web TCP/9102\nmonitoring -> Deployment shop/web TCP/metrics\nproblem: monitoring -> Deployment shop/web any port: names no port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := generator.NewEnvironment()
			env.Nodes.Addresses = c.nodes
			objects := slices.Clone(c.objects)
			if c.json != "" {
				objects = append(objects, decoded(t, c.json)...)
			}
			if got := strings.Join(declares(t, c.options, env, objects...), "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func ingress(class string) string {
	return fmt.Sprintf(`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"i","namespace":"shop"},"spec":{"ingressClassName":%q,"defaultBackend":{"service":{"name":"web","port":{"number":80}}}}}`, class)
}

func routeOf(parents string) string {
	return `{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"r","namespace":"shop"},"spec":{"parentRefs":[` + parents + `],"rules":[{"backendRefs":[{"name":"web","port":80}]}]}}`
}

// route is a route of any kind, in namespace shop, to a Service of a namespace; more is
// added to its rule.
func route(kind, namespace, more string) string {
	return fmt.Sprintf(`{"apiVersion":"gateway.networking.k8s.io/v1","kind":%q,"metadata":{"name":"r","namespace":"shop"},"spec":{"parentRefs":[{"name":"edge"}],"rules":[{"backendRefs":[{"name":"web","namespace":%q,"port":80}]%s}]}}`, kind, namespace, more) + "\n"
}

// grant lets routes of a kind, in namespace shop, use what is in another.
func grant(namespace, kind, to string) string {
	return fmt.Sprintf(`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"ReferenceGrant","metadata":{"name":"g","namespace":%q},"spec":{"from":[{"group":"gateway.networking.k8s.io","kind":%q,"namespace":"shop"}],"to":[{"group":"","kind":%s}]}}`, namespace, kind, to)
}

func apiService(service string) string {
	return `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1.example.com"},"spec":{"group":"example.com","version":"v1","groupPriorityMinimum":1,"versionPriority":1,"service":{` + service + `}}}`
}

// gateways are one of the bundled gateway, and one for which another
// implementation has made pods.
func gateways() []inventory.Object {
	of := func(name, class string) *gatewayv1.Gateway {
		g := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		g.Spec.GatewayClassName = gatewayv1.ObjectName(class)
		return g
	}
	envoy := deployment("own-envoy")
	envoy.Spec.Template.Labels[gatewayLabel] = "own"
	return []inventory.Object{of("edge", "gatehouse"), of("own", "envoy"), envoy}
}

func webhook(service string) string {
	return `{"apiVersion":"admissionregistration.k8s.io/v1","kind":"MutatingWebhookConfiguration","metadata":{"name":"w"},"webhooks":[{"name":"w.example.com","clientConfig":{"service":{` + service + `}}}]}`
}

func virtualService(gateways string) string {
	return `{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"v","namespace":"shop"},"spec":{"gateways":` + gateways + `,"http":[{"route":[{"destination":{"host":"web"}}]}]}}`
}

func monitor(kind, spec string) string {
	return fmt.Sprintf(`{"apiVersion":"monitoring.coreos.com/v1","kind":%q,"metadata":{"name":"m","namespace":"shop"},"spec":{%s}}`, kind, spec)
}

func marked(name string) *corev1.Service {
	s := service(name, "80")
	s.Labels = map[string]string{"m": "y"}
	return s
}

func traefik() []inventory.Object {
	d := deployment("traefik")
	d.Spec.Template.Labels["app.kubernetes.io/name"] = "traefik"
	return []inventory.Object{d}
}

// TestSecrets: URLs of Secrets become edges, and nothing that is in a Secret is
// in any evidence or problem.
func TestSecrets(t *testing.T) {
	t.Parallel()
	from := func(key string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: key}}
	}
	data := map[string]string{
		"url":   "postgres://hunter:tr0ub4dor@db:5432/xyzzy",
		"slash": "postgres://hunter:12/tr0ub4dor@db:5432/xyzzy",
		"word":  "redis",
		"pair":  "redis:6379",
		"gone":  "https://tr0ub4dor:8443/",
		"hook":  "https://hooks.example.org/T0/xyzzy",
	}
	var env []corev1.EnvVar
	for _, key := range sortedKeys(data) {
		env = append(env, corev1.EnvVar{Name: strings.ToUpper(key) + "_HOST", ValueFrom: from(key)})
	}
	env = append(env, corev1.EnvVar{Name: "COMPOSED_URL", Value: "http://$(PAIR_HOST)/"})
	web := deployment("web", corev1.Container{Name: "web", Env: env, EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}}}})
	objects := append(surroundings(), web)

	got := found(t, Options{Secrets: []Secret{{Namespace: "shop", Name: "s", Data: data}}}, objects...)
	want := []string{
		"Service shop/db TCP/5432 likely", "hooks.example.org TCP/443 guessed", "hooks.example.org TCP/443 likely",
		"problem: the address refers to a variable whose value is not known", "problem: the host is no Service of namespace shop",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	for _, line := range declares(t, Options{Secrets: []Secret{{Namespace: "shop", Name: "s", Data: data}}}, generator.NewEnvironment(), objects...) {
		for _, secret := range []string{"hunter", "tr0ub4dor", "xyzzy"} {
			if strings.Contains(line, secret) {
				t.Errorf("%q tells a secret", line)
			}
		}
	}

	mounting := deployment("web")
	mounting.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s", Items: []corev1.KeyToPath{{Key: "url"}, {Key: "pair"}, {Key: "absent"}}}}}}
	if got := found(t, Options{Secrets: []Secret{{Namespace: "shop", Name: "s", Data: data}}}, append(surroundings(), mounting)...); !slices.Equal(got, want[:1]) {
		t.Errorf("%q of the files of a Secret, not %q", got, want[:1])
	}

	missing := found(t, Options{}, objects...)
	if !slices.Contains(missing, "problem: the address comes from Secret shop/s, which was not given") || len(missing) != 2 {
		t.Errorf("%q: without the Secret, that it is missing is all that can be said", missing)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]string{
		"--upstream=http://carts":                                "Service shop/carts TCP/80 likely",
		"--upstream|http://carts":                                "Service shop/carts TCP/80 likely",
		"-upstream|http://carts|-v":                              "Service shop/carts TCP/80 likely",
		"-Ddb.host=db|-Ddb.port=5432":                            "Service shop/db TCP/5432 likely",
		"--redis-host|redis|--x":                                 "Service shop/redis TCP/6379 likely",
		"--db-host=db|--db-port=5432":                            "Service shop/db TCP/5432 likely",
		"redis-cli|-h|redis|-p|6379":                             "Service shop/redis TCP/6379 likely",
		"nc|-z|db|5432":                                          "Service shop/db TCP/5432 likely",
		"http://carts":                                           "Service shop/carts TCP/80 likely",
		"CART_URL=http://carts":                                  "Service shop/carts TCP/80 likely",
		"--listen=carts:80":                                      "",
		"--mode=cache|--verbose|user":                            "",
		"--level|5|cache|7":                                      "",
		"redis-server|--appendonly|yes":                          "",
		"sh|-c|wait-for-it db:5432 -- x":                         "Service shop/db TCP/5432 guessed",
		"sh|-c|until pg_isready -h db -p 5432; do sleep 1; done": "Service shop/db TCP/5432 likely",
		"sh|-c|curl -s ${CART:-http://carts}/health":             "Service shop/carts TCP/80 guessed",
		"sh|-c|echo $(date) cache user > /dev/null":              "",
		"sh|-c|mysqladmin ping --host=mysql":                     "Service shop/mysql any port likely",
	} {
		web := deployment("web", corev1.Container{Name: "web", Command: strings.Split(words, "|")})
		if got := strings.Join(found(t, Options{}, append(surroundings(), web)...), "; "); got != want {
			t.Errorf("%s: %q, not %q", words, got, want)
		}
	}
}

// TestAGrantIsTheWordOfBoth: the route says so in one namespace and the grant in the
// other, for whoever asks each for its word.
func TestAGrantIsTheWordOfBoth(t *testing.T) {
	t.Parallel()
	objects := append(gateways(), service("pay/web", "80"))
	objects = append(objects, decoded(t, route("HTTPRoute", "pay", "")+grant("pay", "HTTPRoute", `"Service","name":"web"`))...)
	inv := inventory.New(objects...)
	u, err := generator.Observe(inv)
	if err != nil {
		t.Fatal(err)
	}
	env := generator.NewEnvironment()
	var said []string
	for _, e := range Edges(inv, u, &env, Options{}).Edges {
		if e.To.Kind == generator.ServicePeer {
			for _, why := range e.Because {
				said = append(said, why.Object.String())
			}
		}
	}
	if want := []string{"HTTPRoute shop/r", "ReferenceGrant pay/g"}; !slices.Equal(said, want) {
		t.Errorf("%q say so, not %q", said, want)
	}
}
