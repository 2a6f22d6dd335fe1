// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gatehouse-sh/gatehouse/inventory"
)

// The kinds that say which other kinds the cluster has. They are always watched.
var (
	definitionKind = schema.GroupKind{Group: apiextensionsv1.GroupName, Kind: "CustomResourceDefinition"}
	apiServiceKind = schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}
)

// definition is what a CustomResourceDefinition or an APIService says about the
// kinds that the cluster serves. It is read before the object is trimmed.
type definition struct {
	group    string
	resource string   // empty for an APIService: any resource of the group
	versions []string // served, in the order of preference
	ready    bool     // a CRD's names are accepted and its endpoints exist
}

// definitionOf returns nil for every other kind of object, and for APIServices
// that the API server answers itself.
func definitionOf(o inventory.Object) *definition {
	switch d := o.(type) {
	case *apiextensionsv1.CustomResourceDefinition:
		out := &definition{group: d.Spec.Group, resource: d.Spec.Names.Plural}
		for _, v := range d.Spec.Versions {
			if v.Served {
				out.versions = append(out.versions, v.Name)
			}
		}
		for _, c := range d.Status.Conditions {
			if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
				out.ready = true
			}
		}
		return out
	case *unstructured.Unstructured:
		if d.GroupVersionKind().GroupKind() != apiServiceKind {
			return nil
		}
		service, found, err := unstructured.NestedMap(d.Object, "spec", "service")
		if err != nil || !found || len(service) == 0 {
			return nil
		}
		group, _, err1 := unstructured.NestedString(d.Object, "spec", "group")
		version, _, err2 := unstructured.NestedString(d.Object, "spec", "version")
		if err1 != nil || err2 != nil {
			return nil
		}
		return &definition{group: group, versions: []string{version}, ready: true}
	}
	return nil
}

// presence says where a kind is served.
type presence struct {
	version string // empty: not at all

	// aggregated kinds are served by another server, which may have some kinds
	// of its group only: "not found" then means that the kind is absent.
	aggregated bool
}

// presenceOf looks a kind up among the definitions.
func presenceOf(kind inventory.Kind, definitions map[inventory.Key]*definition) presence {
	var out presence
	for _, d := range definitions {
		if d.group != kind.Group || !d.ready || d.resource != "" && d.resource != kind.Resource {
			continue
		}
		version := preferred(d.versions, kind.Version)
		switch {
		case version == "":
		case d.resource != "":
			return presence{version: version}
		case version == kind.Version: // of several APIServices of a group, the one for our version
			out = presence{version: version, aggregated: true}
		}
	}
	return out
}

func preferred(versions []string, wanted string) string {
	for _, v := range versions {
		if v == wanted {
			return v
		}
	}
	if len(versions) > 0 {
		return versions[0]
	}
	return ""
}
