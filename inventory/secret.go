// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"
)

// Secret is what may be known of a Secret: which one it is and what it is for.
// What it holds has no place here, so that it reaches no finding, no log and no
// report. Encrypted content, which is no base64, can be read for the same reason.
type Secret struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Type corev1.SecretType `json:"type,omitempty"`
}

// UnmarshalJSON reads a Secret without its content. The annotation in which
// kubectl repeats the whole object is left out too. As everywhere, field names are
// case-sensitive.
func (s *Secret) UnmarshalJSON(data []byte) error {
	type known Secret // without this method
	var in known
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &in); err != nil {
		return fmt.Errorf("read Secret: %w", err)
	}
	*s = Secret(in)
	dropAnnotation(s, corev1.LastAppliedConfigAnnotation)
	return nil
}

// DeepCopyObject implements runtime.Object.
func (s *Secret) DeepCopyObject() runtime.Object {
	if s == nil {
		return nil
	}
	out := *s
	out.ObjectMeta = *s.ObjectMeta.DeepCopy()
	return &out
}
