// SPDX-License-Identifier: Apache-2.0

package command

import (
	"errors"
	"strings"
)

// messages takes an error apart into what is said of it, a line each: of several faults
// that were found together each has the words before them, such as its file or its flag.
func messages(err error) []string {
	if several, is := err.(interface{ Unwrap() []error }); is {
		list := several.Unwrap()
		out, texts := make([]string, 0, len(list)), make([]string, 0, len(list))
		for _, each := range list {
			out, texts = append(out, messages(each)...), append(texts, each.Error())
		}
		if err.Error() == strings.Join(texts, "\n") {
			return out
		}
	}
	if cause := errors.Unwrap(err); cause != nil {
		if before, is := strings.CutSuffix(err.Error(), cause.Error()); is {
			out := messages(cause)
			for i := range out {
				out[i] = before + out[i]
			}
			return out
		}
	}
	return []string{err.Error()}
}

// hintedError is an error of usage with what to do next, which is a line of its own.
type hintedError struct {
	error
	hint string
}

// Unwrap returns the error without the hint.
func (e hintedError) Unwrap() error { return e.error }

// sayError says what ended a command.
func (a *app) sayError(err error) {
	for _, text := range messages(err) {
		a.say("%s: %s", a.name, text)
	}
	if hinted, is := errors.AsType[hintedError](err); is {
		a.say("%s", hinted.hint)
	}
}
