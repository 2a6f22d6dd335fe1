// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"

	"github.com/gatehouse-sh/gatehouse/generator/templates"
	"github.com/gatehouse-sh/gatehouse/internal/controller/networkplan"
	policytemplates "github.com/gatehouse-sh/gatehouse/policy-templates"
)

// ownTemplates are the folders of templates that plans may name besides those that
// come along.
type ownTemplates []string

// followFlags adds what is read of the cluster's owners: their templates, and which
// Services their gateway has.
func followFlags(flags *flag.FlagSet, o *networkplan.Options) *ownTemplates {
	var t ownTemplates
	flags.Func("templates", "folder with templates of your own, each in a folder of its name, that network plans may name; may be repeated", func(text string) error {
		t = append(t, text)
		return nil
	})
	flags.Func("gateway-service", "namespace/name of a Service of the ingress gateway: what is behind it is followed, also addresses outside of the pods' network; may be repeated", func(text string) error {
		o.Network.Gateways = append(o.Network.Gateways, text)
		return nil
	})
	return &t
}

// load reads the templates. A volume of a ConfigMap holds links, which are followed.
func (t ownTemplates) load(o *networkplan.Options) (err error) {
	from := []fs.FS{policytemplates.FS}
	for _, folder := range t {
		if info, err := os.Stat(folder); err != nil || !info.IsDir() {
			return fmt.Errorf("--templates %s: not a folder", folder)
		}
		from = append(from, os.DirFS(folder))
	}
	if o.Network.Templates, err = templates.Load(from...); err != nil {
		return fmt.Errorf("read templates: %w", err)
	}
	return nil
}
