// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"fmt"
	"io"
)

// Format writes what kind of key it is, with every verb: a symmetric key in a log
// lets everybody who reads it sign.
func (k *Key) Format(to fmt.State, _ rune) { write(to, k.kty()+" key") }

// Format writes where the keys are from, with every verb, and none of them.
func (s *Set) Format(to fmt.State, verb rune) { s.options.Format(to, verb) }

// Format writes where the keys are from, with every verb, and none of them. What a
// URL asks for is left out, too.
func (o Options) Format(to fmt.State, _ rune) {
	switch {
	case o.Inline != nil:
		write(to, "inline keys")
	case o.Issuer != "":
		write(to, "keys of an issuer")
	default:
		write(to, "keys of a URL")
	}
}

func write(to io.Writer, text string) { _, _ = io.WriteString(to, text) } // as fmt does
