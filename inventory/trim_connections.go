// SPDX-License-Identifier: Apache-2.0

package inventory

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// TrimConnections is Trim that leaves whole what generator/manifests reads: the
// pod templates of objects that nothing controls. Literal values of environment
// variables stay with them.
func TrimConnections(o Object) { trim(o, metav1.GetControllerOfNoCopy(o) == nil) }
