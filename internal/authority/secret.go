// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Keys of the Secret. tls.crt, tls.key and ca.crt are those of a TLS Secret, so
// that any tool can read them.
const (
	keyLeafCert      = "tls.crt"
	keyLeafKey       = "tls.key"
	keyBundle        = "ca.crt"
	keyAuthorityCert = "authority.crt"
	keyAuthorityKey  = "authority.key"
	keyNextCert      = "next-authority.crt"
	keyNextKey       = "next-authority.key"
	keyPrevious      = "previous-authority.crt"
	keyTimes         = "times.json"
)

// RotateBefore is an annotation of the Secret, an RFC 3339 time: an authority
// made before it is replaced, as after a key was leaked.
const RotateBefore = "gatehouse.sh/rotate-before"

type times struct {
	AuthoritySince time.Time `json:"authoritySince"`
	NextSince      time.Time `json:"nextSince"`
	Promoted       time.Time `json:"promoted"`
}

// Read returns the state that a Secret holds; an empty Secret is an empty
// state, and so is one whose times cannot be read: Advance then starts over.
func Read(s *corev1.Secret) State {
	var t times
	if raw := s.Data[keyTimes]; len(raw) > 0 && json.Unmarshal(raw, &t) != nil {
		return State{}
	}
	return State{
		Authority:      Pair{s.Data[keyAuthorityCert], s.Data[keyAuthorityKey]},
		Next:           Pair{s.Data[keyNextCert], s.Data[keyNextKey]},
		Previous:       Pair{Cert: s.Data[keyPrevious]},
		Leaf:           Pair{s.Data[keyLeafCert], s.Data[keyLeafKey]},
		AuthoritySince: t.AuthoritySince, NextSince: t.NextSince, Promoted: t.Promoted,
	}
}

// Write stores the state in the Secret's data.
func Write(s *corev1.Secret, state State) error {
	raw, err := json.Marshal(times{state.AuthoritySince, state.NextSince, state.Promoted})
	if err != nil {
		return fmt.Errorf("encode times: %w", err)
	}
	s.Data = map[string][]byte{
		keyLeafCert: state.Leaf.Cert, keyLeafKey: state.Leaf.Key, keyBundle: state.Bundle(),
		keyAuthorityCert: state.Authority.Cert, keyAuthorityKey: state.Authority.Key, keyTimes: raw,
	}
	for key, value := range map[string][]byte{keyNextCert: state.Next.Cert, keyNextKey: state.Next.Key, keyPrevious: state.Previous.Cert} {
		if len(value) > 0 {
			s.Data[key] = value
		}
	}
	return nil
}

// Rotated reads the annotation RotateBefore; what is not a time asks for nothing and is
// reported.
func Rotated(s *corev1.Secret) (time.Time, error) {
	raw := s.Annotations[RotateBefore]
	if raw == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, raw)
	if err != nil {
		return time.Time{}, fmt.Errorf("annotation %s: %w", RotateBefore, err)
	}
	return t, nil
}
