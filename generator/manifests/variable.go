// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/generator"
	"github.com/gatehouse-sh/gatehouse/inventory"
)

// variable is one environment variable of a container.
type variable struct {
	name, value string
	known       bool   // the value is known
	secret      bool   // it comes from a Secret
	missing     string // what the value would come from and nobody gave: "ConfigMap shop/web"
	object      inventory.Key
	field       field
	from        string // ", from ConfigMap shop/web"
}

var configMapKind = schema.GroupKind{Kind: "ConfigMap"}

// variables returns the environment of a container in the order in which the
// kubelet makes it: a later variable replaces an earlier one of the same name,
// and a value may refer to those before it. Values of Secrets are not put into
// others.
func (f *finder) variables(p *pod, c container) []variable {
	out := make([]variable, 0, len(c.Env))
	index := make(map[string]int, len(c.Env))
	put := func(v variable) {
		if i, again := index[v.name]; again {
			out[i] = v
			return
		}
		index[v.name] = len(out)
		out = append(out, v)
	}
	for i := range c.EnvFrom {
		for _, v := range f.envFrom(p, &c.EnvFrom[i], field{c.field + ".envFrom", i, ""}) {
			put(v)
		}
	}
	value := f.lookup(p, func(name string) (variable, bool) {
		i, ok := index[name]
		if !ok {
			return variable{}, false
		}
		return out[i], true
	})
	for i := range c.Env {
		e := &c.Env[i]
		v := variable{name: e.Name, object: p.Key, field: field{c.env, i, ""}}
		if e.ValueFrom == nil {
			v.value, v.known, v.field.after = expand(e.Value, value), true, ".value"
		} else {
			v = f.valueFrom(p, v, e.ValueFrom)
		}
		put(v)
	}
	return out
}

// lookup resolves a reference: to a variable, or to what the kubelet says of the
// Services of the namespace.
func (f *finder) lookup(p *pod, find func(name string) (variable, bool)) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := find(name); ok {
			return v.value, v.known && !v.secret
		}
		v, ok := f.serviceLinks(p.Key.Namespace)[name]
		return v, ok
	}
}

func (f *finder) envFrom(p *pod, s *corev1.EnvFromSource, at field) []variable {
	var out []variable
	ns := p.Key.Namespace
	switch {
	case s.ConfigMapRef != nil:
		data, key, ok := f.configMap(ns, s.ConfigMapRef.Name)
		if !ok {
			if optional := s.ConfigMapRef.Optional; optional == nil || !*optional {
				m := mention{object: p.Key, field: at, what: [5]string{"envFrom"}}
				f.problem(p.peer, generator.Peer{}, generator.Port{}, m.evidence(generator.Guessed), "its variables come from %s, which was not given", key)
			}
			return nil
		}
		for _, name := range sortedKeys(data) {
			out = append(out, variable{name: s.Prefix + name, value: data[name], known: true, object: key, field: keyField(name), from: ", from " + key.String()})
		}
	case s.SecretRef != nil:
		data := f.secrets[[2]string{ns, s.SecretRef.Name}]
		key := secretKey(ns, s.SecretRef.Name)
		for _, name := range sortedKeys(data) {
			out = append(out, variable{name: s.Prefix + name, value: data[name], known: true, secret: true, object: p.Key, field: at, from: ", from " + key.String()})
		}
	}
	return out
}

func (f *finder) valueFrom(p *pod, v variable, s *corev1.EnvVarSource) variable {
	ns := p.Key.Namespace
	switch {
	case s.ConfigMapKeyRef != nil:
		data, key, ok := f.configMap(ns, s.ConfigMapKeyRef.Name)
		if v.value, v.known = data[s.ConfigMapKeyRef.Key]; !v.known {
			if !ok {
				v.missing = "ConfigMap " + ns + "/" + s.ConfigMapKeyRef.Name
			}
			return v
		}
		v.object, v.field, v.from = key, keyField(s.ConfigMapKeyRef.Key), ", from "+key.String()
	case s.SecretKeyRef != nil:
		key := secretKey(ns, s.SecretKeyRef.Name)
		v.secret, v.from = true, ", from "+key.String()
		if v.value, v.known = f.secrets[[2]string{ns, s.SecretKeyRef.Name}][s.SecretKeyRef.Key]; !v.known {
			v.missing = key.String()
		}
	case s.FieldRef != nil && s.FieldRef.FieldPath == "metadata.namespace":
		v.value, v.known = ns, true
	}
	return v
}

// keyField is the path of a key of a ConfigMap.
func keyField(key string) field { return field{"data[" + key + "]", -1, ""} }

func secretKey(namespace, name string) inventory.Key {
	return inventory.Key{Kind: inventory.SecretKind, Namespace: namespace, Name: name}
}

func (f *finder) configMap(namespace, name string) (map[string]string, inventory.Key, bool) {
	key := inventory.Key{Kind: configMapKind, Namespace: namespace, Name: name}
	m, ok := inventory.Get[*corev1.ConfigMap](f.inv, configMapKind, namespace, name)
	if !ok {
		return nil, key, false
	}
	return m.Data, key, true
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// serviceLinks returns the variables that the kubelet makes of the Services of a
// namespace (kubernetes.io/docs/concepts/services-networking/service, "Environment
// variables"), with names in place of cluster addresses.
func (f *finder) serviceLinks(namespace string) map[string]string {
	if links, ok := f.links[namespace]; ok {
		return links
	}
	links := map[string]string{"KUBERNETES_SERVICE_HOST": "kubernetes.default.svc", "KUBERNETES_SERVICE_PORT": "443", "KUBERNETES_PORT_443_TCP_ADDR": "kubernetes.default.svc"}
	for s := range inventory.List[*corev1.Service](f.inv, inventory.ServiceKind, namespace) {
		if s.Spec.ClusterIP == corev1.ClusterIPNone || s.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		stem := strings.ReplaceAll(strings.ToUpper(s.Name), "-", "_") + "_SERVICE_"
		links[stem+"HOST"] = s.Name + "." + namespace + ".svc"
		for i, p := range s.Spec.Ports {
			number := strconv.Itoa(int(p.Port))
			if i == 0 {
				links[stem+"PORT"] = number
			}
			if p.Name != "" {
				links[stem+"PORT_"+strings.ReplaceAll(strings.ToUpper(p.Name), "-", "_")] = number
			}
		}
	}
	f.links[namespace] = links
	return links
}

// container reads the variables and the command line of a container.
func (f *finder) container(p *pod, c container) {
	list := f.variables(p, c)
	beside := lazily(func() map[string]string {
		out := make(map[string]string, len(list))
		for _, v := range list {
			if v.known && !v.secret {
				out[strings.ToLower(v.name)] = v.value
			}
		}
		return out
	})
	for i := range list {
		v := &list[i]
		if v.missing == "" && v.value == "" {
			continue
		}
		m := mention{pod: p, key: v.name, value: v.value, secret: v.secret, beside: beside, object: v.object, field: v.field, what: [...]string{"env ", v.name, " of ", c.what, v.from}}
		switch {
		case v.missing != "" && f.kindOf(v.name).Address():
			f.problem(p.peer, generator.Peer{}, generator.Port{}, m.evidence(generator.Likely), "the address comes from %s, which was not given", v.missing)
		case v.known:
			f.mention(m)
		}
	}
	f.commandLine(p, c, f.lookup(p, lazily(func() map[string]variable {
		out := make(map[string]variable, len(list))
		for _, v := range list {
			out[v.name] = v
		}
		return out
	})))
}
