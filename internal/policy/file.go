// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/checks"
)

// maxFile bounds a policy file. An API server takes no request above 3 MiB
// (https://github.com/kubernetes/apiserver/blob/v0.36.3/pkg/server/config.go,
// MaxRequestBodyBytes), so no CheckPolicy is larger.
const maxFile = 3 << 20

// Load reads the CheckPolicy of a YAML or JSON file and compiles it. The file
// holds that one object; an error begins with name, which says where it comes
// from, and names every fault. The caller opens and closes the file.
func Load(set *checks.Set, name string, r io.Reader) (*Policy, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: read policy: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: read policy: it has more than %d bytes", name, maxFile)
	}
	obj, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: parse policy: %w", name, err)
	}
	p, err := CompileObject(set, obj)
	if err != nil {
		return nil, fmt.Errorf("%s: compile policy: %w", name, err)
	}
	return p, nil
}

// CompileObject is Compile for a whole CheckPolicy, whose name it checks.
func CompileObject(set *checks.Set, obj *v1alpha1.CheckPolicy) (*Policy, error) {
	p, err := Compile(set, &obj.Spec)
	if obj.Name != v1alpha1.CheckPolicyName {
		err = errors.Join(fmt.Errorf("metadata.name: %s is not %s, the name of the only CheckPolicy of a cluster", quote(obj.Name), v1alpha1.CheckPolicyName), err)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Parse reads one CheckPolicy from YAML or JSON. Unknown and repeated fields, a
// field name in the wrong case, another kind and a second object are errors.
func Parse(data []byte) (*v1alpha1.CheckPolicy, error) {
	doc, err := onlyDocument(data)
	if err != nil {
		return nil, err
	}
	// What it is comes first: of another kind every field would be unknown.
	var head metav1.TypeMeta
	if err := kjson.UnmarshalCaseSensitivePreserveInts(doc, &head); err != nil {
		return nil, err
	}
	if head.APIVersion != v1alpha1.GroupVersion.String() || head.Kind != v1alpha1.CheckPolicyKind {
		return nil, fmt.Errorf("holds %s %s, not %s %s", quote(head.APIVersion), quote(head.Kind), v1alpha1.GroupVersion, v1alpha1.CheckPolicyKind)
	}
	obj := &v1alpha1.CheckPolicy{}
	if err := decode(doc, obj); err != nil {
		return nil, err
	}
	return obj, nil
}

// ParseParameters reads what stands below spec.parameters from YAML, as strictly
// as Parse. Fixtures state their parameters so.
func ParseParameters(data []byte) (v1alpha1.Parameters, error) {
	var out v1alpha1.Parameters
	doc, err := onlyDocument(data)
	if err != nil {
		return out, err
	}
	return out, decode(doc, &out)
}

// onlyDocument returns the one document that is not empty, as JSON.
func onlyDocument(data []byte) ([]byte, error) {
	if hidesDocuments(data) {
		return nil, errors.New("has a line that is only ... or ends in a carriage return alone, behind which more objects could hide")
	}
	var found []byte
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		asJSON, err := yaml.YAMLToJSONStrict(doc)
		if err != nil {
			return nil, err
		}
		if string(asJSON) == "null" {
			continue
		}
		if found != nil {
			return nil, errors.New("holds more than one object")
		}
		found = asJSON
	}
	if found == nil {
		return nil, errors.New("holds no object")
	}
	return found, nil
}

// hidesDocuments finds what ends a document for the YAML library, which reads the
// first one only, but not for the reader that splits a file at lines of ---.
func hidesDocuments(data []byte) bool {
	return bytes.Contains(append([]byte("\n"), data...), []byte("\n...")) ||
		bytes.Count(data, []byte("\r")) != bytes.Count(data, []byte("\r\n"))
}

func decode(asJSON []byte, out any) error {
	strict, err := kjson.UnmarshalStrict(asJSON, out)
	if err != nil {
		return err
	}
	return errors.Join(strict...)
}
