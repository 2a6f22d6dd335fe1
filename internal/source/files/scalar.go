// SPDX-License-Identifier: Apache-2.0

package files

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// words are the plain scalars of YAML 1.1 that stand for something else
// (https://yaml.org/type/bool.html, null.html, float.html): kubectl reads
// "no" as false, and so must we, or a file would be judged as something that the
// cluster never gets.
var words = map[string]any{
	"": nil, "~": nil, "null": nil, "Null": nil, "NULL": nil,
	"y": true, "Y": true, "yes": true, "Yes": true, "YES": true,
	"true": true, "True": true, "TRUE": true, "on": true, "On": true, "ON": true,
	"n": false, "N": false, "no": false, "No": false, "NO": false,
	"false": false, "False": false, "FALSE": false, "off": false, "Off": false, "OFF": false,
	".nan": math.NaN(), ".NaN": math.NaN(), ".NAN": math.NaN(),
	".inf": math.Inf(1), ".Inf": math.Inf(1), ".INF": math.Inf(1),
	"+.inf": math.Inf(1), "+.Inf": math.Inf(1), "+.INF": math.Inf(1),
	"-.inf": math.Inf(-1), "-.Inf": math.Inf(-1), "-.INF": math.Inf(-1),
}

var decimal = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

const anyQuoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// valueOf returns what a scalar stands for: nil, bool, int64, uint64, float64,
// json.Number or string.
func valueOf(n *yaml.Node) (any, error) {
	switch {
	case n.Tag == jsonNumber:
		return json.Number(n.Value), nil
	case n.Style&yaml.TaggedStyle != 0:
		return tagged(n)
	case n.Style&anyQuoted != 0:
		return n.Value, nil
	}
	return plain(n.Value), nil
}

func plain(s string) any {
	if v, known := words[s]; known {
		return v
	}
	switch c := s[0]; {
	case c == '.':
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case c >= '0' && c <= '9' || c == '+' || c == '-':
		return number(s)
	}
	return s
}

// number reads integers in base 10, 8 ("0777", "0o777"), 16 and 2, and decimal
// floats; underscores may stand anywhere. What it cannot read is a string.
func number(s string) any {
	digits := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(digits, 0, 64); err == nil {
		return u
	}
	if decimal.MatchString(digits) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil {
			return f
		}
	}
	return s
}

// tagged reads a scalar with an explicit tag. A tag of somebody's own says
// nothing to Kubernetes: the value is a string then.
func tagged(n *yaml.Node) (any, error) {
	fits := true
	var v any
	switch n.Tag {
	case "!!bool":
		v = plain(n.Value)
		_, fits = v.(bool)
	case "!!null":
		v = plain(n.Value)
		fits = v == nil
	case "!!int":
		v = plain(n.Value)
		switch v.(type) {
		case int64, uint64:
		default:
			fits = false
		}
	case "!!float":
		switch f := plain(n.Value).(type) {
		case float64:
			v = f
		case int64:
			v = float64(f)
		default:
			fits = false
		}
	case "!!binary":
		b, err := base64.StdEncoding.DecodeString(n.Value)
		if err != nil {
			return nil, fmt.Errorf("decode !!binary: %w", err)
		}
		v = string(b)
	default:
		v = n.Value
	}
	if !fits {
		return nil, fmt.Errorf("%q is not of the type %s", n.Value, n.Tag)
	}
	return v, nil
}

var errKey = errors.New("a key must be a string, a number or a boolean")

// keyOf returns a mapping key in the form that it has in JSON.
func keyOf(n *yaml.Node) (string, error) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", errKey
	}
	v, err := valueOf(n)
	if err != nil {
		return "", err
	}
	switch k := v.(type) {
	case string:
		return k, nil
	case bool:
		return strconv.FormatBool(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case float64:
		switch s := strconv.FormatFloat(k, 'g', -1, 32); s {
		case "+Inf":
			return ".inf", nil
		case "-Inf":
			return "-.inf", nil
		case "NaN":
			return ".nan", nil
		default:
			return s, nil
		}
	}
	return "", errKey
}

// isMerge reports whether a key is YAML 1.1's merge key.
func isMerge(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "<<" && n.Style&anyQuoted == 0 &&
		(n.Style&yaml.TaggedStyle == 0 || n.Tag == "!!merge")
}
