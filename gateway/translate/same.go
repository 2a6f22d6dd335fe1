// SPDX-License-Identifier: Apache-2.0

package translate

import "reflect"

// Same tells whether two states consist of the same objects, which are not changed once they
// are read, in the same order: the same follows from both. If not, that is not known.
func (o *Objects) Same(other *Objects) bool {
	a, b := reflect.ValueOf(o).Elem(), reflect.ValueOf(other).Elem()
	for i := range a.NumField() {
		x, y := a.Field(i), b.Field(i)
		if x.Kind() != reflect.Slice {
			if !reflect.DeepEqual(x.Interface(), y.Interface()) {
				return false
			}
			continue
		}
		if x.Len() != y.Len() {
			return false
		}
		for n := range x.Len() {
			if x.Index(n).Pointer() != y.Index(n).Pointer() {
				return false
			}
		}
	}
	return true
}
