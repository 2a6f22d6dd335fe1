// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions are those of one object, whose generation they speak of. When they changed
// is for who writes them to say.
type conditions struct {
	generation int64
	list       []metav1.Condition
}

// set says a condition. What is said first stays, unless it was true: a fault is not
// taken back.
func (c *conditions) set(of string, status metav1.ConditionStatus, reason, message string) {
	said := metav1.Condition{Type: of, Status: status, Reason: reason, Message: message, ObservedGeneration: c.generation}
	i := slices.IndexFunc(c.list, func(k metav1.Condition) bool { return k.Type == of })
	switch {
	case i < 0:
		c.list = append(c.list, said)
	case c.list[i].Reason == reason && c.list[i].Status == status && message != "" && !strings.Contains(c.list[i].Message, message):
		c.list[i].Message += "; " + message
	case good(c.list[i]):
		c.list[i] = said
	}
}

// good tells whether a condition says that nothing is wrong.
func good(c metav1.Condition) bool {
	return (c.Status == metav1.ConditionTrue) != (c.Type == "Conflicted")
}

func (c *conditions) is(of string) bool {
	return slices.ContainsFunc(c.list, func(k metav1.Condition) bool { return k.Type == of && good(k) })
}

// find returns a condition as it was said; nil if it was not.
func (c *conditions) find(of string) *metav1.Condition {
	if i := slices.IndexFunc(c.list, func(k metav1.Condition) bool { return k.Type == of }); i >= 0 {
		return &c.list[i]
	}
	return nil
}

// messages are bounded by the API (metav1.Condition).
const maxMessage = 32768

// all returns the conditions, fit to be stored.
func (c *conditions) all() []metav1.Condition {
	for i := range c.list {
		if len(c.list[i].Message) > maxMessage {
			c.list[i].Message = strings.ToValidUTF8(c.list[i].Message[:maxMessage-3], "") + "..."
		}
	}
	return c.list
}
