// SPDX-License-Identifier: Apache-2.0

package command

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gatehouse-sh/gatehouse/api/v1alpha1"
	"github.com/gatehouse-sh/gatehouse/internal/report"
	"github.com/gatehouse-sh/gatehouse/internal/schema"
	"github.com/gatehouse-sh/gatehouse/internal/source/files"
	"github.com/gatehouse-sh/gatehouse/inventory"
	"github.com/gatehouse-sh/gatehouse/manifests/crd"
)

// policyDefinitions are those of the gateway's policies, by kind.
func policyDefinitions() map[string][]byte {
	return map[string][]byte{
		v1alpha1.AccessPolicyKind: crd.AccessPolicy, v1alpha1.TrafficPolicyKind: crd.TrafficPolicy, v1alpha1.ClientPolicyKind: crd.ClientPolicy,
	}
}

// refusedPolicies are the gateway's policies among the items that an API server would
// refuse, with each reason: a policy that is never stored guards nothing. The definition
// of a kind is read for its first object.
func refusedPolicies(ctx context.Context, items []files.Item) []report.Fault {
	var out []report.Fault
	definitions, read := policyDefinitions(), map[string]*schema.Schema{}
	for _, item := range items {
		text, known := definitions[item.GVK.Kind]
		object, plain := item.Object.(*unstructured.Unstructured)
		if !known || !plain || item.GVK.Group != v1alpha1.GroupVersion.Group {
			continue
		}
		refuse := func(why string) {
			out = append(out, report.Fault{File: item.File, Line: item.Line, Message: fmt.Sprintf("%s: %s", inventory.KeyOf(item.Object), why)})
		}
		if item.GVK.Version != v1alpha1.GroupVersion.Version {
			refuse(fmt.Sprintf("there is no version %s of it", item.GVK.GroupVersion()))
			continue
		}
		definition := read[item.GVK.Kind]
		if definition == nil {
			var err error
			if definition, err = schema.Read(text); err != nil {
				refuse(err.Error())
				continue
			}
			read[item.GVK.Kind] = definition
		}
		_, faults := definition.Admit(ctx, object.Object)
		for _, fault := range faults {
			refuse(fault.Error())
		}
	}
	return out
}
