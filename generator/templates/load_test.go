// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"testing"

	"github.com/gatehouse-sh/gatehouse/generator/templates"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

func TestTheTemplatesThatComeWithGatehouseLoad(t *testing.T) {
	t.Parallel()
	l, err := templates.Load(policytemplates.FS)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Templates()) != 16 {
		t.Errorf("%d templates", len(l.Templates()))
	}
}
