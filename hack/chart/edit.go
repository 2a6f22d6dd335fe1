// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
)

// apply puts the mark where the path leads and returns how often it did.
func (e edit) apply(at any, path []string, mark string) (int, error) {
	if len(path) == 1 {
		return e.set(at, path[0], mark)
	}
	switch at := at.(type) {
	case map[string]any:
		next, there := at[path[0]]
		if !there {
			return 0, fmt.Errorf("there is no %s", path[0])
		}
		if len(path) == 2 && path[1] == "+" {
			list, is := next.([]any)
			if !is {
				return 0, fmt.Errorf("%s is no list", path[0])
			}
			at[path[0]] = append(list, mark)
			return 1, nil
		}
		return e.apply(next, path[1:], mark)
	case []any:
		total := 0
		for _, element := range at {
			fields, is := element.(map[string]any)
			if !is || path[0] != "*" && fields["name"] != path[0] {
				continue
			}
			n, err := e.apply(fields, path[1:], mark)
			if err != nil {
				return total, err
			}
			total += n
		}
		if total == 0 && path[0] != "*" {
			return 0, fmt.Errorf("no element has the name %s", path[0])
		}
		return total, nil
	}
	return 0, fmt.Errorf("%s is below what has no fields", path[0])
}

// set puts the mark at the last element of a path.
func (e edit) set(at any, key, mark string) (int, error) {
	switch at := at.(type) {
	case map[string]any:
		old, there := at[key]
		switch e.form {
		case inline:
			if e.was != "" && old != e.was {
				return 0, nil
			}
			if _, is := old.(map[string]any); is || !there {
				return 0, errors.New("there is no value to replace")
			}
		case block:
			if !there {
				return 0, errors.New("there is nothing to replace")
			}
		case optional, only:
			if there && (e.was == "" || old != e.was) {
				return 0, errors.New("it is there already")
			}
		case items:
			return 0, errors.New("the path has to end in +")
		}
		at[key] = mark
		return 1, nil
	case []any:
		for i, element := range at {
			if element == key {
				at[i] = mark
				return 1, nil
			}
		}
		return 0, fmt.Errorf("the list has no %q", key)
	}
	return 0, fmt.Errorf("%s is below what has no fields", key)
}
