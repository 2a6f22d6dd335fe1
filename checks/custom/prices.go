// SPDX-License-Identifier: Apache-2.0

package custom

import (
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// perEntry is what an entry of a list takes, in bytes: the value and what points at it.
const perEntry = 32

// prices are of the functions whose result may be larger than what they are given,
// or that may take longer than to read it once. What is not in the table is linear.
var prices = map[string]func([]ref.Val) price{
	operators.Add:           added,
	operators.Equals:        compared,
	operators.NotEquals:     compared,
	operators.In:            contained,
	"replace":               replaced,
	"join":                  joined,
	"format":                formatted,
	"split":                 divided,
	"strings.quote":         copied(2),
	"lowerAscii":            copied(1),
	"upperAscii":            copied(1),
	"trim":                  copied(0),
	"substring":             copied(1),
	"charAt":                copied(0),
	"reverse":               copied(1),
	"indexOf":               searched,
	"lastIndexOf":           searched,
	"matches":               searched,
	"find":                  searched,
	"findAll":               foundAll,
	"string":                copied(1),
	"bytes":                 copied(1),
	"lists.range":           ranged,
	"flatten":               flattened,
	"slice":                 copied(1),
	"sort":                  copied(1),
	"@sortByAssociatedKeys": copied(1),
	"distinct":              paired,
	"sets.contains":         paired,
	"sets.equivalent":       paired,
	"sets.intersects":       paired,
}

// copied is a call that makes what it is given again, so many bytes for each.
func copied(times int64) func([]ref.Val) price {
	return func(args []ref.Val) price {
		text, list := lengthOf(args[0])
		return price{text: text, list: list, made: perEntry*list + times*text}
	}
}

// added is +: texts are copied; of lists the second may be.
func added(args []ref.Val) price {
	text, list := lengthOf(args[0])
	more, entries := lengthOf(args[1])
	if list+entries > 0 {
		return price{list: list + entries, made: perEntry * entries}
	}
	if text+more == 0 {
		return price{}
	}
	return price{made: text + more}
}

func replaced(args []ref.Val) price {
	s, _ := args[0].(types.String)
	old, _ := args[1].(types.String)
	with, _ := args[2].(types.String)
	n := int64(strings.Count(string(s), string(old)))
	if len(args) > 3 {
		if most, _ := args[3].(types.Int); most >= 0 {
			n = min(n, int64(most))
		}
	}
	return price{text: int64(len(s)), made: int64(len(s)) + n*max(int64(len(with))-int64(len(old)), 0)}
}

// divided is split, which counts as a list.
func divided(args []ref.Val) price {
	s, _ := args[0].(types.String)
	by, _ := args[1].(types.String)
	n := int64(strings.Count(string(s), string(by))) + 1
	if len(args) > 2 {
		if most, _ := args[2].(types.Int); most >= 0 {
			n = min(n, int64(most))
		}
	}
	return price{text: int64(len(s)), list: n, made: perEntry * n}
}

func joined(args []ref.Val) price {
	list, _ := args[0].(traits.Lister)
	_, n := lengthOf(args[0])
	if list == nil || n > maxList {
		return price{list: n}
	}
	var made int64
	for i := range n {
		text, _ := lengthOf(list.Get(types.Int(i)))
		made += text
	}
	if len(args) > 1 {
		text, _ := lengthOf(args[1])
		made += n * text
	}
	return price{made: made}
}

// perVerb is what a verb of a format makes of a number at most: 309 digits and 100
// behind the point, with room.
const perVerb = 512

func formatted(args []ref.Val) price {
	s, _ := args[0].(types.String)
	bytes, values := walked(args[1], maxMade, 0)
	return price{text: int64(len(s)), made: int64(len(s)) + perVerb*int64(strings.Count(string(s), "%")) + 2*bytes + perEntry*values}
}

func ranged(args []ref.Val) price {
	n, _ := args[0].(types.Int)
	return price{list: max(int64(n), 0), made: perEntry * min(max(int64(n), 0), maxList)}
}

// flattened is a list of lists, however deep.
func flattened(args []ref.Val) price {
	bytes, values := walked(args[0], maxMade, 0)
	if bytes > maxMade {
		return price{text: bytes}
	}
	return price{list: values, made: perEntry * values}
}

// compared is == of what may be nested: a list that holds another twice, which holds
// a third twice, is small until somebody walks through it.
func compared(args []ref.Val) price {
	switch args[0].(type) {
	case traits.Lister, traits.Mapper:
	default:
		return price{}
	}
	return price{steps: stepsOf(args[0])}
}

// stepsOf is what a walk through a value takes; more than the bound where an object
// would have had to be larger than any is.
func stepsOf(v ref.Val) int64 {
	const most = 1 << 20
	bytes, values := walked(v, most, 0)
	if max(bytes, values) > most {
		return maxSteps + 1
	}
	return values
}

// contained is in.
func contained(args []ref.Val) price {
	_, list := lengthOf(args[1])
	out := price{list: list}
	switch args[0].(type) {
	case traits.Lister, traits.Mapper:
		out.steps = stepsOf(args[1])
	}
	return out
}

// paired is a call that compares each entry of a list with each of another, or of
// its own.
func paired(args []ref.Val) price {
	_, n := lengthOf(args[0])
	_, m := lengthOf(args[len(args)-1])
	const dear = 4 // a comparison of values, against one of bytes
	return price{list: max(n, m), steps: dear * n * m, made: perEntry * max(n, m)}
}

// searched is a search for one text in another, which may compare each byte with
// each; of lists it is read once.
func searched(args []ref.Val) price {
	text, list := lengthOf(args[0])
	pattern, _ := lengthOf(args[1])
	return price{text: text, list: list, steps: text * pattern}
}

// foundAll is a search that may find something at each byte.
func foundAll(args []ref.Val) price {
	out := searched(args)
	out.list, out.made = out.text, perEntry*out.text
	return out
}

// walked counts the bytes of the texts and the values in a value. It stops when
// there is more of either than most, or what is nested is deeper than any object.
func walked(v ref.Val, most int64, depth int) (bytes, values int64) {
	if depth > 1_000 {
		return most + 1, most + 1
	}
	text, _ := lengthOf(v)
	bytes, values = text, 1
	each := func(v ref.Val) bool {
		b, n := walked(v, most-max(bytes, values), depth+1)
		bytes, values = bytes+b, values+n
		return bytes <= most && values <= most
	}
	switch v := v.(type) {
	case traits.Lister:
		for it := v.Iterator(); it.HasNext() == types.True; {
			if !each(it.Next()) {
				break
			}
		}
	case traits.Mapper:
		for it := v.Iterator(); it.HasNext() == types.True; {
			k := it.Next()
			if !each(k) || !each(v.Get(k)) {
				break
			}
		}
	}
	return bytes, values
}
