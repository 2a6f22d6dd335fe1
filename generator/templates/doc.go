// SPDX-License-Identifier: Apache-2.0

// Package templates reads presets of connections, PolicyTemplate in YAML, and
// turns one into edges of a generator.Model for a namespace. The presets that
// come with Gatehouse are in policy-templates/, which also documents the format;
// users load folders of their own with the same Load.
//
// A template names peers, ports and parameters. It never makes a policy: its
// edges go the way of all others, through generator.Build, and are proved with
// them. Nothing here does I/O but through the fs.FS that Load is given.
package templates
