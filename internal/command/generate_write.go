// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	networkingv1 "k8s.io/api/networking/v1"

	"github.com/gatehouse-sh/gatehouse/internal/report"
)

// kustomization is what kustomize reads in a folder.
type kustomization struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Resources  []string `json:"resources"`
}

// kustomizationFile is the name by which kustomize and kubectl find it.
const kustomizationFile = "kustomization.yaml"

// writePolicies writes the policies in the form that the user wants. Each file is
// written as a whole or not at all, and none before all are ready.
func (a *app) writePolicies(f *generateFlags, policies []*networkingv1.NetworkPolicy) error {
	if f.output == asStream {
		text, err := stream(policies)
		if err != nil {
			return err
		}
		if f.to == "" {
			_, err = a.Out.Write(text)
			return err
		}
		return putFile(f.to, text)
	}
	// The policies of a namespace keep their order: those that allow come before
	// those that deny everything.
	byNamespace := map[string][]*networkingv1.NetworkPolicy{}
	var order []string
	for _, p := range policies {
		if byNamespace[p.Namespace] == nil {
			order = append(order, p.Namespace)
		}
		byNamespace[p.Namespace] = append(byNamespace[p.Namespace], p)
	}
	files := map[string][]byte{}
	list := kustomization{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}
	for _, namespace := range order {
		text, err := stream(byNamespace[namespace])
		if err != nil {
			return err
		}
		name := namespace + ".yaml"
		files[name] = text
		list.Resources = append(list.Resources, name)
	}
	if f.output == asKustomize {
		var b bytes.Buffer
		if err := report.EncodeYAML(&b, list); err != nil {
			return fmt.Errorf("write the kustomization: %w", err)
		}
		files[kustomizationFile] = b.Bytes()
		list.Resources = append(list.Resources, kustomizationFile) // written last: what it names is there
	}
	if err := os.MkdirAll(f.to, 0o755); err != nil { //nolint:gosec // manifests, which others read
		return fmt.Errorf("make the folder: %w", err)
	}
	for _, name := range list.Resources {
		if err := putFile(filepath.Join(f.to, name), files[name]); err != nil {
			return err
		}
	}
	return nil
}

func putFile(path string, text []byte) error {
	return replaceFile(path, 0o644, func(w *os.File) error {
		_, err := w.Write(text)
		return err
	})
}

// stream writes policies as documents of one file.
func stream(policies []*networkingv1.NetworkPolicy) ([]byte, error) {
	var b bytes.Buffer
	for i, p := range policies {
		text, err := asYAML(p)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.WriteString(text)
	}
	return b.Bytes(), nil
}
