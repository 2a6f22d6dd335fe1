// SPDX-License-Identifier: Apache-2.0

package exposure

import (
	"math/bits"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// internalWorkloadExposed flags ways from outside to well-known internal
// programs (EXP-016).
func internalWorkloadExposed() checks.Check {
	return checks.Check{
		ID: "EXP-016", Name: "internal-workload-exposed",
		Severity: checks.Critical,
		Actions:  checks.Actions{Baseline: checks.Deny, Strict: checks.Deny},
		Kinds:    slices.Concat(routeKinds(), templateKinds(), services),
		Doc: checks.Doc{
			Title: "Consoles, stores and control planes are not exposed",
			Why: "Dashboards, databases, build servers, model servers and webhooks are found within minutes of being opened to the internet, and many of them run code, or hand out the cluster, for whoever asks. " +
				"A program is recognised by at least two independent signs of four: the last part of an image's repository, a label that names the application (app.kubernetes.io/name, k8s-app or app), the Service's name and a container's name. " +
				"One sign alone never counts, so that a Service which merely is called grafana stays quiet, and a program under a name and image of its own is not found. Of several containers in a pod only those count that the exposed ports lead to. " +
				"The rule fires on the Service, on the Ingress or route that opens the way, and on the workload that comes to stand behind it. " +
				"A way through the bundled gateway or over an internal load balancer is reported one step milder: there the gateway's authentication decides who gets in. " +
				"Programs that people outside may be meant to use, such as Keycloak, Dex, OAuth2 Proxy, Gitea or Harbor, whose administration shares the port, are reported one step milder too, and not at all behind the gateway.",
			Attack: "strangers reach a console or store that was made for operators, often without a password",
			Fix:    "keep the Service of type ClusterIP, out of Ingresses and routes past the gateway, and let operators in through the gateway with authentication",
			Exempt: "A program that is run for the public on purpose, with its administration closed by its own configuration.",
			Sources: []string{
				"https://hub.armosec.io/docs/c-0021",
				"https://github.com/kubescape/regolibrary/blob/master/default-config-inputs.json",
				"https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
				"https://www.microsoft.com/en-us/security/blog/2020/04/02/attack-matrix-kubernetes/",
			},
		},
		Run: func(in checks.Input) []checks.Finding {
			var out []checks.Finding
			for _, x := range exposedBy(in) {
				out = appendInternal(out, x, in)
			}
			return out
		},
	}
}

func appendInternal(out []checks.Finding, x exposed, in checks.Input) []checks.Finding {
	var s signs
	s.service(x.svc)
	var last *corev1.PodSpec
	for _, w := range x.workloads(in) {
		if w.Spec == nil || w.Spec == last {
			continue
		}
		last = w.Spec
		s.workload(w, portsBehind(x, w))
	}
	n, which := s.recognised()
	if n < 0 {
		return out
	}
	k, w := &internalWorkloads[n], x.ways[0]
	if k.public && w.Gateway {
		return out
	}
	subject := x.subject("workload/" + strings.ToLower(strings.ReplaceAll(k.name, " ", "-")))
	if slices.ContainsFunc(out, func(f checks.Finding) bool { return f.Subject == subject }) {
		return out
	}
	severity := w.severity(checks.Critical)
	if k.public {
		severity--
	}
	message := "opens " + k.name + " (" + k.what + ") to " + whom(w) + through(w)
	if x.workload != nil {
		message = "looks like " + k.name + " (" + k.what + "), which " + w.By + " opens to " + whom(w) + through(w)
	}
	return append(out, checks.Finding{
		Severity: severity, Certainty: w.certainty, Subject: subject, Field: x.field(),
		Message: message + ", recognised by " + which + w.doubt(),
		Path:    x.path(w, k.name),
	})
}

// sign is one independent sign of what a program is.
type sign uint8

const (
	byServiceName sign = 1 << iota
	byAppLabel
	byContainerName
	byImage
)

// signs gathers, for each internal workload, the signs that point to it.
type signs struct {
	found [maxInternal]sign
	any   bool
}

// maxInternal bounds the table; a test compares.
const maxInternal = 128

// applicationLabels name the application that an object is part of.
var applicationLabels = []string{"app.kubernetes.io/name", "k8s-app", "app"}

func (s *signs) add(list []uint8, by sign) {
	for _, n := range list {
		s.found[n] |= by
		s.any = true
	}
}

func (s *signs) service(svc *corev1.Service) {
	if len(svc.Name) > longestHost {
		return // no API server stores it
	}
	s.add(internalByName[svc.Name], byServiceName)
	// A release or an instance may stand before the name, a role after it:
	// "prod-grafana", "grafana-svc".
	for name := svc.Name; ; {
		_, rest, more := strings.Cut(name, "-")
		if !more {
			break
		}
		name = rest
		s.add(internalByName[name], byServiceName)
	}
	for name := svc.Name; ; {
		i := strings.LastIndexByte(name, '-')
		if i < 0 {
			break
		}
		name = name[:i]
		s.add(internalByName[name], byServiceName)
	}
	s.appLabels(svc.Labels)
}

// workload reads a workload behind the given ports. Of several containers only
// those count that the ports lead to: a sidecar says nothing of what is exposed.
func (s *signs) workload(w *inventory.Workload, ports []podPort) {
	s.appLabels(w.Labels)
	declared := false
	visit := func(serving func(c *corev1.Container) bool) {
		for i := range w.Spec.Containers {
			if c := &w.Spec.Containers[i]; serving(c) {
				declared = true
				s.container(c.Name, c.Image)
			}
		}
		for i := range w.Spec.InitContainers {
			if c := &w.Spec.InitContainers[i]; keepsRunning(c) && serving(c) {
				declared = true
				s.container(c.Name, c.Image)
			}
		}
	}
	visit(func(c *corev1.Container) bool {
		return slices.ContainsFunc(ports, func(p podPort) bool { return declares(c, p) })
	})
	if !declared { // containers need not say where they listen
		visit(func(c *corev1.Container) bool { return len(c.Ports) == 0 || len(w.Spec.Containers) == 1 })
	}
}

func declares(c *corev1.Container, p podPort) bool {
	return slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool {
		return cp.ContainerPort == p.number && protocol(cp.Protocol) == p.protocol
	})
}

func (s *signs) container(name, image string) {
	s.add(internalByName[name], byContainerName)
	base := imageBase(image)
	s.add(internalByImage[base], byImage)
	if two := imagePair(image); two != base {
		s.add(internalByImage[two], byImage)
	}
}

func (s *signs) appLabels(labels map[string]string) {
	for _, key := range applicationLabels {
		if v := labels[key]; v != "" {
			s.add(internalByName[v], byAppLabel)
		}
	}
}

// recognised returns the internal workload with the most signs, the first of
// the table among equals, and names them; -1 when none has two.
func (s *signs) recognised() (int, string) {
	best, most := -1, 1
	if !s.any {
		return best, ""
	}
	for i := range internalWorkloads {
		if n := bits.OnesCount8(uint8(s.found[i])); n > most {
			best, most = i, n
		}
	}
	if best < 0 {
		return best, ""
	}
	var names []string
	for _, by := range []struct {
		sign sign
		name string
	}{{byImage, "its image"}, {byServiceName, "the Service's name"}, {byAppLabel, "its application label"}, {byContainerName, "a container's name"}} {
		if s.found[best]&by.sign != 0 {
			names = append(names, by.name)
		}
	}
	last := len(names) - 1
	return best, strings.Join(names[:last], ", ") + " and " + names[last]
}

// imagePair returns the last two parts of an image's repository, without tag
// and digest: "ingress-nginx/controller".
func imagePair(image string) string {
	base := imageBase(image)
	image, _, _ = strings.Cut(image, "@")
	slash := strings.LastIndexByte(image, '/')
	if slash < 0 {
		return base
	}
	first := strings.LastIndexByte(image[:slash], '/') + 1
	return image[first : slash+1+len(base)]
}

var internalByName, internalByImage = indexInternal()

func indexInternal() (names, images map[string][]uint8) {
	names, images = map[string][]uint8{}, map[string][]uint8{}
	for i := range internalWorkloads {
		if i >= maxInternal {
			break
		}
		for _, n := range internalWorkloads[i].names {
			names[n] = append(names[n], uint8(i))
		}
		for _, n := range internalWorkloads[i].images {
			images[n] = append(images[n], uint8(i))
		}
	}
	return names, images
}
