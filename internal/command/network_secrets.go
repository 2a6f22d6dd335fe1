// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/gatehouse-sh/gatehouse/generator/manifests"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
)

// maxSecrets bounds a file of Secrets: each has at most 1 MiB (corev1.MaxSecretSize).
const maxSecrets = 64 << 20

// readSecrets reads the contents of the Secrets in files, and in the manifests of
// folders. What else stands in a file is passed over. No error repeats a text of a
// file: decoders quote what they do not understand.
func readSecrets(paths []string) ([]manifests.Secret, error) {
	var out []manifests.Secret
	var faults []error
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() || file != path && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file)) {
				return nil
			}
			list, err := secretsOf(file)
			out = append(out, list...)
			return err
		})
		if err != nil {
			faults = append(faults, fmt.Errorf("read Secrets: %w", err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if len(paths) > 0 && len(out) == 0 {
		return nil, errors.New("--secrets: there is no Secret in these files")
	}
	return out, nil
}

// secretsOf reads one file.
func secretsOf(path string) ([]manifests.Secret, error) {
	f, err := os.Open(path) //nolint:gosec // the path is what the user asked for
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecrets+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(data) > maxSecrets {
		return nil, fmt.Errorf("%s: more than %d MiB", path, maxSecrets>>20)
	}
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	var out []manifests.Secret
	for n := 1; ; n++ {
		var document json.RawMessage
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: document %d is neither YAML nor JSON", path, n) // the decoder's words may hold a value
		}
		list, ok := secretsIn(document, 0)
		if !ok {
			return nil, fmt.Errorf("%s: document %d has a Secret that cannot be read: its data is base64, its stringData text", path, n)
		}
		out = append(out, list...)
	}
}

// maxLists is how deeply Lists may stand in Lists.
const maxLists = 4

// secretsIn reads the Secret that a document is, or those of a List.
func secretsIn(document json.RawMessage, depth int) (out []manifests.Secret, ok bool) {
	var head struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(document, &head); err != nil {
		return nil, true // no object
	}
	switch {
	case head.APIVersion != "v1" || depth > maxLists:
	case head.Kind == "List" || head.Kind == "SecretList":
		for _, item := range head.Items {
			list, ok := secretsIn(item, depth+1)
			if !ok {
				return nil, false
			}
			out = append(out, list...)
		}
	case head.Kind == "Secret":
		var s corev1.Secret
		if err := json.Unmarshal(document, &s); err != nil {
			return nil, false
		}
		one := manifests.Secret{Namespace: s.Namespace, Name: s.Name, Type: s.Type, Data: map[string]string{}}
		if one.Namespace == "" {
			one.Namespace = files.DefaultNamespace
		}
		for key, value := range s.Data {
			one.Data[key] = string(value)
		}
		maps.Copy(one.Data, s.StringData)
		out = append(out, one)
	}
	return out, true
}
