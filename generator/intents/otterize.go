// SPDX-License-Identifier: Apache-2.0

package intents

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/generator/notation"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The two shapes of the spec of ClientIntents, by version
// (github.com/otterize/intents-operator src/operator/api, docs.otterize.com/reference/ClientIntents%20CRD).
var (
	callVersions   = []string{"v1alpha2", "v1alpha3", "v1beta1"}
	targetVersions = []string{"v2alpha1", "v2beta1"}
)

// clientSpec is the spec of either shape.
type clientSpec struct {
	Service  *clientName      `json:"service,omitempty"`  // of calls
	Calls    []map[string]any `json:"calls,omitempty"`    //
	Workload *clientName      `json:"workload,omitempty"` // of targets
	Targets  []map[string]any `json:"targets,omitempty"`  //
}

type clientName struct {
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
}

// serverName is what a target names. Topics and privileges are finer than a connection
// and are not looked at.
type serverName struct {
	Name       string         `json:"name"`
	Kind       string         `json:"kind,omitempty"`
	HTTP       []httpResource `json:"http,omitempty"`
	Topics     []any          `json:"topics,omitempty"`
	Privileges []any          `json:"privileges,omitempty"`
}

// httpResource is requests that a client makes.
type httpResource struct {
	Path    string   `json:"path,omitempty"`
	Methods []string `json:"methods,omitempty"`
}

// call is one connection of the first shape.
type call struct {
	Name     string    `json:"name,omitempty"`
	Kind     string    `json:"kind,omitempty"`
	Type     string    `json:"type,omitempty"`
	Internet *internet `json:"internet,omitempty"`

	HTTPResources []httpResource `json:"HTTPResources,omitempty"`
	Resources     []httpResource `json:"resources,omitempty"` // the same, of v1alpha2

	// Not looked at: finer than a connection, or permissions of a cloud.
	KafkaTopics              []any          `json:"kafkaTopics,omitempty"`
	Topics                   []any          `json:"topics,omitempty"`
	DatabaseResources        []any          `json:"databaseResources,omitempty"`
	AWSActions               []any          `json:"awsActions,omitempty"`
	GCPPermissions           []any          `json:"gcpPermissions,omitempty"`
	AzureRoles               []any          `json:"azureRoles,omitempty"`
	AzureActions             []any          `json:"azureActions,omitempty"`
	AzureDataActions         []any          `json:"azureDataActions,omitempty"`
	AzureKeyVaultPolicy      map[string]any `json:"azureKeyVaultPolicy,omitempty"`
	AzureKeyVaultPermissions map[string]any `json:"azureKeyVaultPermissions,omitempty"`
}

// target is one connection of the second shape: one of these.
type target struct {
	Kubernetes *serverName    `json:"kubernetes,omitempty"`
	Service    *serverName    `json:"service,omitempty"`
	Kafka      *serverName    `json:"kafka,omitempty"`
	SQL        *serverName    `json:"sql,omitempty"`
	AWS        map[string]any `json:"aws,omitempty"`
	GCP        map[string]any `json:"gcp,omitempty"`
	Azure      map[string]any `json:"azure,omitempty"`
	Internet   *internet      `json:"internet,omitempty"`
}

// internet is addresses and names outside of the cluster. Without ports, every one
// is meant.
type internet struct {
	Domains []string `json:"domains,omitempty"`
	IPs     []string `json:"ips,omitempty"`
	Ports   []int64  `json:"ports,omitempty"`
}

// clientIntents reads those that were handed in, and those among the objects.
func (r *reader) clientIntents(list []*unstructured.Unstructured) {
	for _, u := range list {
		r.client(u)
	}
	for e := range r.inv.Entries(ClientIntentsKind, "") {
		if u, ok := e.Object.(*unstructured.Unstructured); ok {
			r.client(u)
		}
	}
}

// client reads the intents of one client. A version or a field that is not known
// refuses the object: what it restricts is not known either.
func (r *reader) client(u *unstructured.Unstructured) {
	at := place{object: inventory.KeyOf(u), field: "spec", what: "ClientIntents", about: generator.NamespacePeerOf(u.GetNamespace())}
	version := u.GroupVersionKind().Version
	older := slices.Contains(callVersions, version)
	if !older && !slices.Contains(targetVersions, version) {
		at.field = "apiVersion"
		r.problem(&at, "version %q is not known: %s are", notation.Shortened(version), strings.Join(slices.Concat(callVersions, targetVersions), ", "))
		return
	}
	// Where people approve intents, those that nobody approved do not count yet.
	if review, _, _ := unstructured.NestedString(u.Object, "status", "reviewStatus"); review != "" && review != "APPROVED" {
		at.field = "status.reviewStatus"
		r.problem(&at, "they are not approved: %s", notation.Shortened(review))
		return
	}
	raw, ok := u.Object["spec"].(map[string]any)
	if !ok {
		r.problem(&at, "there is no spec")
		return
	}
	var spec clientSpec
	err := strict(raw, &spec)
	client, list, field := spec.Workload, spec.Targets, "spec.targets"
	wrong := spec.Service != nil || spec.Calls != nil
	if older {
		client, list, field = spec.Service, spec.Calls, "spec.calls"
		wrong = spec.Workload != nil || spec.Targets != nil
	}
	switch {
	case err != nil:
		r.problem(&at, "%s", oneLine(err))
		return
	case wrong || client == nil || client.Name == "":
		r.problem(&at, "version %s says service and calls, or workload and targets, and here it is otherwise", version)
		return
	}
	self, ok := r.found(&at, generator.WorkloadPeerOf(generator.WorkloadID{Namespace: u.GetNamespace(), Kind: client.Kind, Name: client.Name}))
	if !ok {
		return
	}
	at.about = self
	for i, item := range list {
		at.field = fmt.Sprintf("%s[%d]", field, i)
		at.what = at.field
		if older {
			r.call(at, item)
		} else {
			r.target(at, item)
		}
	}
}

// strict converts and takes no field that is not known. A value of a wrong type is
// told by its field.
func strict(from map[string]any, into any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	unknown, err := kjson.UnmarshalStrict(text, into)
	if wrong, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		return fmt.Errorf("%s is a %s where %s is wanted", wrong.Field, wrong.Value, wrong.Type)
	}
	return errors.Join(err, errors.Join(unknown...))
}

func (r *reader) call(at place, item map[string]any) {
	var c call
	if err := strict(item, &c); err != nil {
		r.problem(&at, "%s", oneLine(err))
		return
	}
	switch c.Type {
	case "", "http", "kafka":
		name, service := strings.CutPrefix(c.Name, "svc:")
		if service {
			c.Kind = "Service"
		}
		field, list := ".HTTPResources", c.HTTPResources
		if len(list) == 0 {
			field, list = ".resources", c.Resources
		}
		r.http(at, list, field, name, c.Kind)
	case "internet":
		r.internet(&at, c.Internet)
	case "database", "aws", "gcp", "azure":
		r.permission(&at, c.Type)
	default:
		r.problem(&at, "type %q is not known", notation.Shortened(c.Type))
	}
}

func (r *reader) target(at place, item map[string]any) {
	var t target
	if err := strict(item, &t); err != nil {
		r.problem(&at, "%s", oneLine(err))
		return
	}
	switch {
	case len(item) != 1:
		r.problem(&at, "a target is exactly one of kubernetes, service, kafka, sql, aws, gcp, azure, internet; here are %d", len(item))
	case t.Kubernetes != nil:
		r.http(at, t.Kubernetes.HTTP, ".kubernetes.http", t.Kubernetes.Name, t.Kubernetes.Kind)
	case t.Service != nil:
		r.http(at, t.Service.HTTP, ".service.http", t.Service.Name, "Service")
	case t.Kafka != nil:
		r.server(&at, t.Kafka.Name, "")
	case t.Internet != nil:
		r.internet(&at, t.Internet)
	default:
		for kind := range item {
			r.permission(&at, kind)
		}
	}
}

// permission: databases are known to Otterize by names of its own, and clouds by
// those of their resources, so that no connection follows.
func (r *reader) permission(at *place, kind string) {
	r.problem(at, "%s says what the client may do there and not where that is: ask for the connection with internet, or with the annotation %s", kind, AllowTo)
}

// http is a server that is asked for some requests, or for all where none is listed.
func (r *reader) http(at place, list []httpResource, field, name, kind string) {
	requests := make([]v1alpha1.NetworkRequest, 0, len(list))
	for _, h := range list {
		one := v1alpha1.NetworkRequest{Methods: h.Methods}
		if h.Path != "" {
			one.Paths = []string{h.Path}
		}
		requests = append(requests, one)
	}
	var ok bool
	if at.requests, ok = r.requests(at, requests, at.field+field); ok {
		r.server(&at, name, kind)
	}
}

// server is a workload, or with the kind Service a Service, as "name" or
// "name.namespace", on every port that it has.
func (r *reader) server(at *place, name, kind string) {
	name, namespace, elsewhere := strings.Cut(name, ".")
	if !elsewhere {
		namespace = at.object.Namespace
	}
	service := strings.EqualFold(kind, "Service")
	to := generator.WorkloadPeerOf(generator.WorkloadID{Namespace: namespace, Kind: kind, Name: name})
	switch {
	case name == "" || namespace == "":
		r.problem(at, "names no server: a name, or name.namespace")
		return
	case namespace == "default" && name == "kubernetes" && (kind == "" || service):
		to = generator.Peer{Kind: generator.APIServerPeer}
	case service:
		to = generator.ServicePeerOf(namespace, name)
	default:
		var ok bool
		if to, ok = r.found(at, to); !ok {
			return
		}
	}
	at.what = "calls " + to.String()
	r.wish(at, at.about, to, nil)
}

func (r *reader) internet(at *place, n *internet) {
	if n == nil || len(n.Domains)+len(n.IPs) == 0 {
		r.problem(at, "internet without domains and ips says nothing")
		return
	}
	var ports []generator.Port
	for _, number := range n.Ports {
		if number < 1 || number > generator.MaxPort {
			r.problem(at, "port %d: not a number from 1 to %d", number, generator.MaxPort)
			continue
		}
		ports = append(ports, generator.NumberedPort(generator.TCP, uint16(number)))
	}
	if len(n.Ports) == 0 {
		ports = []generator.Port{generator.EveryPort(generator.TCP), generator.EveryPort(generator.UDP)}
	}
	if len(ports) == 0 {
		return
	}
	for _, text := range slices.Concat(n.Domains, n.IPs) {
		at.what = "connects to " + notation.Shortened(text)
		to, err := notation.ParsePeer(text)
		if err != nil || to.Kind != generator.FQDNPeer && to.Kind != generator.CIDRPeer {
			r.problem(at, "neither a domain name nor addresses")
			continue
		}
		r.wish(at, at.about, to, ports)
	}
}
