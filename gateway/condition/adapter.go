// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// adapter makes CEL's values of those of Go, as auth.Principal has them.
type adapter struct{}

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case json.Number:
		return number(v)
	case map[string]any:
		return types.NewStringInterfaceMap(a, v)
	case []any:
		return types.NewDynamicList(a, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// number keeps integers whole. One that is too large for 64 bits is no value: as a
// floating-point number it would equal its neighbours, and numbers are names, too.
func number(n json.Number) ref.Val {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return types.Int(i)
	}
	if u, err := strconv.ParseUint(string(n), 10, 64); err == nil {
		return types.Uint(u)
	}
	const exact = 1 << 53 // beyond it, not every integer is a float64
	f, err := n.Float64()
	if err != nil || math.Abs(f) > exact || math.IsNaN(f) {
		return types.NewErr("the number is out of range")
	}
	return types.Double(f)
}
