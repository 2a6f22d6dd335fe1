// SPDX-License-Identifier: Apache-2.0

// Package policytemplates holds the templates that come with Gatehouse: a
// folder for each, read by generator/templates. README.md describes the format.
package policytemplates

import "embed"

// FS is the folders of the templates: NAME/template.yaml and NAME/README.md.
//
//go:embed */template.yaml */README.md
var FS embed.FS
