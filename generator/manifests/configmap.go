// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
)

// mounted reads the files that a pod gets from ConfigMaps, and of the Secrets that
// were given the URLs. A ConfigMap is read once however many pods mount it.
func (f *finder) mounted(p *pod) {
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		if v.ConfigMap != nil {
			f.files(p, v.ConfigMap.Name, v.ConfigMap.Items)
		}
		if v.Secret != nil {
			f.secretFiles(p, v.Secret.SecretName, v.Secret.Items, field{p.spec() + ".volumes", i, ".secret"})
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			s := &v.Projected.Sources[j]
			if s.ConfigMap != nil {
				f.files(p, s.ConfigMap.Name, s.ConfigMap.Items)
			}
			if s.Secret != nil {
				f.secretFiles(p, s.Secret.Name, s.Secret.Items, field{p.spec() + ".volumes", i, ".projected"})
			}
		}
	}
}

// chosen returns the keys that a volume mounts, in order.
func chosen(data map[string]string, items []corev1.KeyToPath) []string {
	if len(items) == 0 {
		return sortedKeys(data)
	}
	var out []string
	for _, item := range items {
		if _, has := data[item.Key]; has {
			out = append(out, item.Key)
		}
	}
	return out
}

func (f *finder) secretFiles(p *pod, name string, items []corev1.KeyToPath, at field) {
	data := f.secrets[[2]string{p.Key.Namespace, name}]
	for _, key := range chosen(data, items) {
		what := [5]string{"file " + key, " of ", secretKey(p.Key.Namespace, name).String()}
		f.mention(mention{pod: p, value: data[key], secret: true, object: p.Key, field: at, what: what})
	}
}

func (f *finder) files(p *pod, name string, items []corev1.KeyToPath) {
	data, object, _ := f.configMap(p.Key.Namespace, name)
	for _, key := range chosen(data, items) {
		content := data[key]
		at := text{p.Key.Namespace, name, key}
		found, read := f.texts[at]
		if !read {
			none := func(string) (string, bool) { return "", false }
			found = address.File(expandShell(content, none))
			f.texts[at] = found
		}
		f.addresses(mention{pod: p, object: object, field: keyField(key), what: [5]string{"file ", key, " of ", object.String()}}, address.Unknown, found)
	}
}
