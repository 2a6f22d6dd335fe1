// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// settings are those of a custom resource. What is not asked for is left over, and
// refused: a setting that nobody reads could keep somebody out.
type settings struct {
	at   string
	left map[string]any
}

func settingsOf(at string, m map[string]any) *settings {
	s := &settings{at: at, left: map[string]any{}}
	for k, v := range m {
		if v != nil {
			s.left[k] = v
		}
	}
	return s
}

// take returns a setting, and notes that it was read.
func (s *settings) take(name string) any {
	v := s.left[name]
	delete(s.left, name)
	return v
}

// ignore passes over settings that change nothing here.
func (s *settings) ignore(names ...string) {
	for _, n := range names {
		delete(s.left, n)
	}
}

func (s *settings) text(name string) string {
	v, _ := s.take(name).(string)
	return v
}

// whole is a number, 0 if there is none.
func (s *settings) whole(name string) (int, error) {
	switch v := s.take(name).(type) {
	case nil:
		return 0, nil
	case int64:
		return number(fmt.Sprint(v), 0, 1_000_000_000)
	case float64:
		return number(fmt.Sprintf("%.0f", v), 0, 1_000_000_000)
	case string:
		return number(v, 0, 1_000_000_000)
	default:
		return 0, fmt.Errorf("%s.%s is no number", s.at, name)
	}
}

func (s *settings) yes(name string) bool {
	v, _ := s.take(name).(bool)
	return v
}

func (s *settings) words(name string) ([]string, error) {
	switch v := s.take(name).(type) {
	case nil:
		return nil, nil
	case string:
		return list(v), nil
	case []any:
		var out []string
		for _, each := range v {
			w, is := each.(string)
			if !is {
				return nil, fmt.Errorf("%s.%s is no list of words", s.at, name)
			}
			out = append(out, w)
		}
		return out, nil
	default:
		return nil, fmt.Errorf("%s.%s is no list of words", s.at, name)
	}
}

// object is settings inside of settings; nil if there are none.
func (s *settings) object(name string) *settings {
	m, is := s.take(name).(map[string]any)
	if !is {
		return nil
	}
	return settingsOf(s.at+"."+name, m)
}

// rest refuses what nobody has read.
func (s *settings) rest() error {
	if len(s.left) == 0 {
		return nil
	}
	var names []string
	for n := range s.left {
		names = append(names, s.at+"."+n)
	}
	slices.Sort(names)
	return fmt.Errorf("%s is not converted", strings.Join(names, ", "))
}

// other is a custom resource of the input.
func (c *conversion) other(kind, namespace, name string) (*unstructured.Unstructured, error) {
	if u := c.others[key(kind, namespace, name)]; u != nil {
		return u, nil
	}
	return nil, fmt.Errorf("%s %s/%s is not in the input", kind, namespace, name)
}
