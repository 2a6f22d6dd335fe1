// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/gatehouse-sh/gatehouse/generator/manifests/address"
)

// mounted reads the files that a pod gets from ConfigMaps. A ConfigMap is read
// once however many pods mount it.
func (f *finder) mounted(p *pod) {
	for i := range p.Spec.Volumes {
		v := &p.Spec.Volumes[i]
		if v.ConfigMap != nil {
			f.files(p, v.ConfigMap.Name, v.ConfigMap.Items)
		}
		if v.Projected == nil {
			continue
		}
		for j := range v.Projected.Sources {
			if s := v.Projected.Sources[j].ConfigMap; s != nil {
				f.files(p, s.Name, s.Items)
			}
		}
	}
}

func (f *finder) files(p *pod, name string, items []corev1.KeyToPath) {
	data, object, _ := f.configMap(p.Key.Namespace, name)
	keys := sortedKeys(data)
	if len(items) > 0 {
		keys = keys[:0]
		for _, item := range items {
			keys = append(keys, item.Key)
		}
	}
	for _, key := range keys {
		content, has := data[key]
		if !has {
			continue
		}
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
