// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
)

// chainOf is one set of objects that exposes a workload with rights. Its names
// hold a number, so that many sets fit into one namespace.
type chainOf struct {
	door  door
	right right
	ns, n string
	twin  twin
}

// twin is the harmless variant of a set.
type twin string

const (
	violating    twin = ""
	closed       twin = "internal exposure"
	unprivileged twin = "unprivileged identity"
	tokenless    twin = "no token"
)

// door is an exposure: what its own objects are and how the pods take part.
type door struct {
	name string
	// service is spec of the Service; empty: a cluster address.
	service string
	// closed is the spec of a Service that only the inside reaches.
	closed string
	// route is the object behind which the Service stands; empty: none. %[1]s is the
	// namespace, %[2]s the number, %[3]s the Service that it names.
	route string
	// port of the container, which takes one of the node.
	port, closedPort string
	// network is a field of the pod.
	network string
	check   string
}

const (
	ingressDoc = `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: "w%%[2]s", namespace: "%%[1]s"}, spec: {%s
  tls: [{hosts: ["%%[1]s-%%[2]s.example.com"]}], rules: [{host: "%%[1]s-%%[2]s.example.com", http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: "%%[3]s", port: {number: 80}}}}]}}]}}`
	routeDoc = `{apiVersion: gateway.networking.k8s.io/v1, kind: %s, metadata: {name: "w%%[2]s", namespace: "%%[1]s"}, spec: {
  parentRefs: [{name: %s}], hostnames: ["%%[1]s-%%[2]s.example.com"], rules: [{backendRefs: [{name: "%%[3]s", port: 80}]}]}}`
	traefikDoc = `{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {name: "w%[2]s", namespace: "%[1]s"}, spec: {
  routes: [{match: "Host(x)", kind: Rule, services: [{name: "%[3]s", port: 80}]}]}}`
)

var xrDoors = []door{
	{name: "node port", service: "type: NodePort, ", check: "XR-001"},
	{name: "public load balancer", service: "type: LoadBalancer, ", closed: "type: ClusterIP, ", check: "XR-001"},
	{name: "external IP", service: `externalIPs: [203.0.113.7], `, check: "XR-001"},
	{name: "foreign Ingress", route: fmt.Sprintf(ingressDoc, "ingressClassName: traefik,"), check: "XR-001"},
	{name: "Ingress of the gateway", route: fmt.Sprintf(ingressDoc, "ingressClassName: gatehouse,"), check: "XR-002"},
	{name: "HTTPRoute on a foreign Gateway", route: fmt.Sprintf(routeDoc, "HTTPRoute", "foreign"), check: "XR-001"},
	{name: "HTTPRoute on the gateway", route: fmt.Sprintf(routeDoc, "HTTPRoute", "own"), check: "XR-002"},
	{name: "vendor route", route: traefikDoc, check: "XR-001"},
	{name: "host port", port: ", hostPort: 8080", closedPort: ", hostPort: 8080, hostIP: 127.0.0.1", check: "XR-001"},
	{name: "host network", network: "hostNetwork: true, ", check: "XR-001"},
}

// right is a privileged identity: a role, and how it is bound.
type right struct {
	name    string
	cluster bool   // a ClusterRole, bound everywhere
	wide    bool   // a ClusterRole, bound in the namespace
	rule    string // of the role
	subject string // %[1]s is the namespace, %[2]s the number
	feeds   bool   // the role is one that an aggregated role collects
}

const byName = `{kind: ServiceAccount, name: "w%[2]s", namespace: "%[1]s"}`

var xrRights = []right{
	{name: "everything", cluster: true, rule: `{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`, subject: byName},
	{name: "Secrets by a ClusterRole", wide: true, rule: `{apiGroups: [""], resources: [secrets], verbs: [list]}`, subject: byName},
	{name: "Secrets by a Role", rule: `{apiGroups: [""], resources: [secrets], verbs: [get]}`, subject: byName},
	{name: "Pods", rule: `{apiGroups: [""], resources: [pods], verbs: [create]}`, subject: byName},
	{name: "commands in Pods", rule: `{apiGroups: [""], resources: [pods/exec], verbs: [create]}`, subject: byName},
	{name: "binding roles", rule: `{apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [create, bind, escalate]}`, subject: byName},
	{name: "tokens", rule: `{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}`, subject: byName},
	{
		name: "a user name", rule: `{apiGroups: [""], resources: [secrets], verbs: [get]}`,
		subject: `{kind: User, apiGroup: rbac.authorization.k8s.io, name: "system:serviceaccount:%[1]s:w%[2]s"}`,
	},
	{
		name: "the group of the namespace", rule: `{apiGroups: [""], resources: [secrets], verbs: [get]}`,
		subject: `{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:serviceaccounts:%[1]s"}`,
	},
	{name: "an aggregated role", cluster: true, feeds: true, rule: `{apiGroups: [""], resources: [nodes/proxy], verbs: [get]}`, subject: byName},
}

// shares reports whether several sets of the identity can live in one namespace
// without completing each other.
func (r right) shares() bool { return !strings.Contains(r.subject, "Group") }

// step is one write.
type step struct {
	name string
	doc  string
	of   string // the step whose object it changes; empty for a creation
}

const harmlessRule = `{apiGroups: [""], resources: [configmaps], verbs: [get]}`

func (c chainOf) name() string { return "w" + c.n }

// full is the cluster-scoped name.
func (c chainOf) full() string { return "xr-" + c.ns + "-" + c.n }

func (c chainOf) service() step {
	spec := c.door.service
	if c.twin == closed && spec != "" {
		spec = c.door.closed
	}
	return step{name: "service", doc: fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: "w%[2]s", namespace: "%[1]s"}, spec: {%[3]sselector: {front: "w%[2]s"}, ports: [{port: 80, targetPort: 8080}]}}`, c.ns, c.n, spec)}
}

func (c chainOf) route() step {
	service := c.name()
	if c.twin == closed {
		service = "other"
	}
	return step{name: "route", doc: fmt.Sprintf(c.door.route, c.ns, c.n, service)}
}

// workload is the Deployment in its final form, or before one of the changes by
// which it comes behind the door.
func (c chainOf) workload(final bool) string {
	front, port, network, token := c.name(), c.door.port, c.door.network, ""
	if c.twin == closed {
		port, network = c.door.closedPort, ""
	}
	if !final {
		front, port, network = "nothing", "", ""
	}
	if c.twin == tokenless {
		token = "automountServiceAccountToken: false, "
	}
	return fmt.Sprintf(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: "w%[2]s", namespace: "%[1]s"}, spec: {replicas: 0, selector: {matchLabels: {run: "w%[2]s"}}, template: {
  metadata: {labels: {run: "w%[2]s", front: "%[3]s"}}, spec: {serviceAccountName: "w%[2]s", %[4]s%[5]scontainers: [{name: app, image: registry.example.com/app:1, ports: [{containerPort: 8080%[6]s}]}]}}}}`,
		c.ns, c.n, front, network, token, port)
}

// account is the ServiceAccount with or without a token for its pods.
func (c chainOf) account(token bool) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: ServiceAccount, metadata: {name: "w%[2]s", namespace: "%[1]s"}, automountServiceAccountToken: %[3]v}`, c.ns, c.n, token)
}

func (c chainOf) role() step {
	rule := c.right.rule
	if c.twin == unprivileged {
		rule = harmlessRule
	}
	meta, kind := fmt.Sprintf(`name: "w%s", namespace: "%s"`, c.n, c.ns), "Role"
	switch {
	case c.right.feeds:
		meta, kind = fmt.Sprintf(`name: "%[1]s-part", labels: {part-of: "%[1]s", xr: test}`, c.full()), "ClusterRole"
	case c.right.cluster || c.right.wide:
		meta, kind = fmt.Sprintf(`name: "%s", labels: {xr: test}`, c.full()), "ClusterRole"
	}
	return step{name: "role", doc: fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {%s}, rules: [%s]}`, kind, meta, rule)}
}

// collector is the aggregated role, which is there from the start.
func (c chainOf) collector() string {
	return fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: "%[1]s", labels: {xr: test}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {part-of: "%[1]s"}}]}, rules: []}`, c.full())
}

func (c chainOf) binding() step {
	subject := c.right.subject
	if strings.Contains(subject, "%[2]s") {
		subject = fmt.Sprintf(subject, c.ns, c.n)
	} else {
		subject = fmt.Sprintf(subject, c.ns)
	}
	meta, kind, ref := fmt.Sprintf(`name: "w%s", namespace: "%s"`, c.n, c.ns), "RoleBinding", fmt.Sprintf(`kind: Role, name: "w%s"`, c.n)
	if c.right.cluster || c.right.wide {
		ref = fmt.Sprintf(`kind: ClusterRole, name: "%s"`, c.full())
	}
	if c.right.cluster {
		meta, kind = fmt.Sprintf(`name: "%s", labels: {xr: test}`, c.full()), "ClusterRoleBinding"
	}
	return step{name: "binding", doc: fmt.Sprintf(`{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {%s}, roleRef: {apiGroup: rbac.authorization.k8s.io, %s}, subjects: [%s]}`, kind, meta, ref, subject)}
}

// steps are the six writes of the set. Where the door is no object of its own the
// sixth is a change of the workload, by a label or a port, that opens it; where no
// Service is needed either, one of the account, which gives it a token.
func (c chainOf) steps() []step {
	account := step{name: "account", doc: c.account(true)}
	change := step{name: "change", doc: c.workload(true), of: "workload"}
	switch {
	case c.door.route != "":
		return []step{c.service(), {name: "workload", doc: c.workload(true)}, account, c.role(), c.binding(), c.route()}
	case c.door.service != "":
		return []step{c.service(), {name: "workload", doc: c.workload(false)}, change, account, c.role(), c.binding()}
	}
	account.doc = c.account(false)
	return []step{{name: "workload", doc: c.workload(false)}, change, account, {name: "token", doc: c.account(true), of: "account"}, c.role(), c.binding()}
}
