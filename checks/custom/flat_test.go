// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"fmt"
	"maps"

	apiservercel "k8s.io/apiserver/pkg/cel"
)

// flat lists the fields of a declared type by path.
func flat(path string, fields map[string]*apiservercel.DeclField) map[string]string {
	out := map[string]string{}
	for name, f := range fields {
		at := path + "." + name
		out[at] = fmt.Sprintf("%s required=%v", f.Type.CelType(), f.Required)
		maps.Copy(out, flat(at, f.Type.Fields))
	}
	return out
}
