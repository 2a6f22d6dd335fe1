// SPDX-License-Identifier: Apache-2.0

// Package registered has the objects by which tests tell a real API server of a webhook.
package registered

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gatehouse-sh/gatehouse/checks"
	"github.com/gatehouse-sh/gatehouse/webhook/registration"
	"github.com/gatehouse-sh/gatehouse/webhook/serve"
)

// Documents are what the process of a webhook needs to find, as kubectl reads them: its
// namespace, its Secret, and the webhook configurations.
func Documents(t testing.TB, set *checks.Set, o registration.Options) string {
	t.Helper()
	validating, mutating := registration.Build(set, o)
	var docs strings.Builder
	for _, object := range []any{
		map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": o.Namespace}},
		map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"namespace": o.Namespace, "name": serve.SecretName}},
		validating, mutating,
	} {
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		docs.Write(append(raw, "\n---\n"...))
	}
	return docs.String()
}
