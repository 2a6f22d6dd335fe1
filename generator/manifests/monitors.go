// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// Annotations by which Prometheus' example configuration finds what to scrape
// (github.com/prometheus/prometheus/documentation/examples/prometheus-kubernetes.yml).
const (
	scrapeAnnotation = "prometheus.io/scrape"
	portAnnotation   = "prometheus.io/port"
)

// Kinds of the Prometheus operator (prometheus-operator.dev/docs/api-reference).
var (
	serviceMonitorKind = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "ServiceMonitor"}
	podMonitorKind     = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "PodMonitor"}
	prometheusKind     = schema.GroupKind{Group: "monitoring.coreos.com", Kind: "Prometheus"}
)

var monitoring = generator.Peer{Kind: generator.MonitoringPeer}

// scraped reads the annotations of a pod: one port, or every port that the
// containers declare.
func (f *finder) scraped(p *pod) {
	if p.Annotations[scrapeAnnotation] != "true" {
		return
	}
	why := declared(p.Key, p.templateField()+".annotations["+scrapeAnnotation+"]", "its metrics are scraped (annotation)")
	if port, ok := numbered(p.Annotations[portAnnotation]); ok {
		f.edge(monitoring, p.peer, port, why)
		return
	}
	for _, c := range f.universe.Workload(p.id).Ports {
		if c.Protocol == generator.TCP {
			f.edge(monitoring, p.peer, generator.NumberedPort(generator.TCP, c.Number), why)
		}
	}
}

func (p *pod) templateField() string {
	if p.Field == "" {
		return "metadata"
	}
	return p.Field + ".metadata"
}

func numbered(text string) (generator.Port, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return generator.NumberedPort(generator.TCP, uint16(n)), err == nil && n > 0
}

// monitors reads annotated Services and the monitors of the operator.
func (f *finder) monitors() {
	for s := range inventory.List[*corev1.Service](f.inv, inventory.ServiceKind, "") {
		if s.Annotations[scrapeAnnotation] != "true" {
			continue
		}
		why := declared(inventory.KeyOf(s), "metadata.annotations["+scrapeAnnotation+"]", "its metrics are scraped (annotation)")
		port, ok := numbered(s.Annotations[portAnnotation])
		if !ok {
			f.edge(monitoring, generator.ServicePeerOf(s.Namespace, s.Name), generator.Port{}, why)
			continue
		}
		for _, id := range f.behind(s) { // the annotation is about the endpoints
			f.edge(monitoring, generator.WorkloadPeerOf(id), port, why)
		}
	}
	for e := range f.inv.Entries(serviceMonitorKind, "") {
		f.monitor(e, "endpoints", f.serviceEndpoint)
	}
	for e := range f.inv.Entries(podMonitorKind, "") {
		f.monitor(e, "podMetricsEndpoints", f.podEndpoint)
	}
	for e := range f.inv.Entries(prometheusKind, "") {
		f.alerting(e)
	}
}

// endpoint is what a monitor says of one thing to scrape.
type endpoint struct {
	port       string // name of a port of the Service, or of the pod
	number     any    // of a port of the pod
	targetPort any    // number or name of a port of the pod
}

// monitorSpec is what is read of a ServiceMonitor or PodMonitor.
type monitorSpec struct {
	Selector          metav1.LabelSelector `json:"selector"`
	NamespaceSelector struct {
		Any        bool     `json:"any"`
		MatchNames []string `json:"matchNames"`
	} `json:"namespaceSelector"`
}

// monitor reads one monitor and hands every endpoint on, with the selector and
// each namespace; "" stands for all namespaces.
func (f *finder) monitor(e *inventory.Entry, list string, each func(namespace string, s labels.Selector, p endpoint, why generator.Evidence) bool) {
	u, ok := e.Object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	spec, _, _ := unstructured.NestedMap(u.Object, "spec") // one of another type is none
	var m monitorSpec
	why := declared(e.Key, "spec", e.Key.String()+" scrapes it")
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &m); err != nil {
		f.problem(monitoring, generator.Peer{}, generator.Port{}, why, "is not a %s that can be read", e.Key.Kind.Kind)
		return
	}
	selector, err := metav1.LabelSelectorAsSelector(&m.Selector)
	if err != nil {
		f.problem(monitoring, generator.Peer{}, generator.Port{}, why, "its selector is not valid")
		return
	}
	namespaces := m.NamespaceSelector.MatchNames
	switch {
	case m.NamespaceSelector.Any:
		namespaces = []string{""}
	case len(namespaces) == 0:
		namespaces = []string{e.Key.Namespace}
	}
	found := false
	for i, v := range inventory.Walk(u.Object, "spec."+list+"[]") {
		raw, ok := v.Value.(map[string]any)
		if !ok {
			continue
		}
		why.Field = fmt.Sprintf("spec.%s[%d]", list, i)
		for _, ns := range namespaces {
			found = each(ns, selector, endpointOf(raw), why) || found
		}
	}
	if !found {
		why.Field = "spec.selector"
		f.problem(monitoring, generator.Peer{}, generator.Port{}, why, "selects nothing among the objects")
	}
}

func endpointOf(raw map[string]any) endpoint {
	p := endpoint{number: raw["portNumber"], targetPort: raw["targetPort"]}
	p.port, _ = raw["port"].(string)
	return p
}

// onPods is the port of the pods that an endpoint names.
func (p endpoint) onPods() (generator.Port, bool) {
	for _, v := range []any{p.targetPort, p.number} {
		switch v := v.(type) {
		case int64:
			return numbered(strconv.FormatInt(v, 10))
		case string:
			if v != "" {
				return generator.NamedPort(generator.TCP, v), true
			}
		}
	}
	return generator.Port{}, false
}

func (f *finder) serviceEndpoint(namespace string, selector labels.Selector, p endpoint, why generator.Evidence) bool {
	some := false
	for s := range inventory.List[*corev1.Service](f.inv, inventory.ServiceKind, namespace) {
		if !selector.Matches(labels.Set(s.Labels)) {
			continue
		}
		some = true
		to := generator.ServicePeerOf(s.Namespace, s.Name)
		port, onPods := p.onPods()
		switch {
		case p.port != "":
			f.edge(monitoring, to, generator.NamedPort(generator.TCP, p.port), why)
		case onPods:
			for _, id := range f.behind(s) {
				f.edge(monitoring, generator.WorkloadPeerOf(id), port, why)
			}
		default:
			f.edge(monitoring, to, generator.Port{}, why)
		}
	}
	return some
}

func (f *finder) podEndpoint(namespace string, selector labels.Selector, p endpoint, why generator.Evidence) bool {
	workloads := f.universe.Workloads()
	if namespace != "" {
		workloads = f.universe.Within(namespace)
	}
	some := false
	for _, w := range workloads {
		if !selector.Matches(labels.Set(w.Labels)) {
			continue
		}
		some = true
		port, ok := p.onPods()
		if p.port != "" {
			port, ok = generator.NamedPort(generator.TCP, p.port), true
		}
		if !ok {
			f.problem(monitoring, generator.WorkloadPeerOf(w.ID), generator.Port{}, why, "names no port")
			continue
		}
		f.edge(monitoring, generator.WorkloadPeerOf(w.ID), port, why)
	}
	return some
}

// alerting: a Prometheus sends alerts to the Services that it names.
func (f *finder) alerting(e *inventory.Entry) {
	u, ok := e.Object.(*unstructured.Unstructured)
	if !ok {
		return
	}
	for i, v := range inventory.Walk(u.Object, "spec.alerting.alertmanagers[]") {
		raw, ok := v.Value.(map[string]any)
		if !ok {
			continue
		}
		name, _ := raw["name"].(string)
		namespace, _ := raw["namespace"].(string)
		if namespace == "" {
			namespace = e.Key.Namespace
		}
		ref := inventory.ServiceRef{Namespace: namespace, Name: name, Field: fmt.Sprintf("spec.alerting.alertmanagers[%d]", i)}
		if port := raw["port"]; port != nil {
			ref.Port = fmt.Sprint(port)
		}
		f.backend(e, class{}, serving{peers: []generator.Peer{monitoring}}, ref)
	}
}
