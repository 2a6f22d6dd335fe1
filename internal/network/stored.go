// SPDX-License-Identifier: Apache-2.0

package network

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
)

// Stored is policies as they are kept for long: as compressed JSON, some thirtieth of
// what objects take. It does not change; the zero value is no policies.
type Stored struct{ text []byte }

// Store writes policies down. The zero value is ready; it is for one goroutine.
type Store struct {
	text     bytes.Buffer
	compress *flate.Writer // some 600 KB, used again
}

// Put returns policies as they are kept. Nothing of the arguments is kept.
func (s *Store) Put(policies []*networkingv1.NetworkPolicy) (Stored, error) {
	if len(policies) == 0 {
		return Stored{}, nil
	}
	s.text.Reset()
	if s.compress == nil {
		var err error
		if s.compress, err = flate.NewWriter(&s.text, flate.BestSpeed); err != nil {
			return Stored{}, fmt.Errorf("store policies: %w", err)
		}
	}
	s.compress.Reset(&s.text)
	if err := json.NewEncoder(s.compress).Encode(policies); err != nil {
		return Stored{}, fmt.Errorf("store policies: %w", err)
	}
	if err := s.compress.Close(); err != nil {
		return Stored{}, fmt.Errorf("store policies: %w", err)
	}
	return Stored{bytes.Clone(s.text.Bytes())}, nil
}

// Policies returns the policies in their order, made anew at each call.
func (s Stored) Policies() ([]*networkingv1.NetworkPolicy, error) {
	if len(s.text) == 0 {
		return nil, nil
	}
	var out []*networkingv1.NetworkPolicy
	if err := json.NewDecoder(flate.NewReader(bytes.NewReader(s.text))).Decode(&out); err != nil {
		return nil, fmt.Errorf("read the policies that were stored: %w", err)
	}
	return out, nil
}
