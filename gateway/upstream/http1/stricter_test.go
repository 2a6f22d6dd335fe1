// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// raw is a response as it stands on the wire, cut up by another reading than that of
// this package, which takes any line end.
type raw struct {
	heads   []string // the last one is of the response, those before it are 1xx
	trailer string
	chunks  bool // its chunks can be read, if it has any
}

var (
	headEnd    = regexp.MustCompile(`(?:^|\n)\r?\n`)
	informHead = regexp.MustCompile(`^HTTP/1\.[01] 1(?:[1-9]|0[^1])`)
	chunkLine  = regexp.MustCompile(`^([0-9A-Fa-f]{1,15})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r\n`)
	properLine = regexp.MustCompile(`^HTTP/1\.[01] [1-9][0-9]{2}(?: [^\x00-\x08\x0a-\x1f\x7f]*)?\r\n`)
	bareLF     = regexp.MustCompile(`(?:^|[^\r])\n`)
	fold       = regexp.MustCompile(`(?:^|\n)[\t ]`)
	lengthLine = linesOf("content-length")
	codingLine = linesOf("transfer-encoding")
	announced  = linesOf("trailer")
	aToken     = regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$")
	framedName = regexp.MustCompile(`(?i)^(?:host|content-length|transfer-encoding|connection|trailer|upgrade|expect|keep-alive|proxy-connection|te)$`)
	properSize = regexp.MustCompile(`^[0-9]{1,18}$`)
	withoutTE  = regexp.MustCompile(`^HTTP/1\.(?:0|1 (?:1|204))`)
)

// linesOf finds the lines of a name, and their values.
func linesOf(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?im)^` + name + `:[\t ]*(.*?)[\t ]*\r?$`)
}

func readRaw(data string) raw {
	out := raw{chunks: true}
	for {
		end := headEnd.FindStringIndex(data)
		if end == nil {
			out.heads = append(out.heads, data)
			return out
		}
		out.heads, data = append(out.heads, data[:end[1]]), data[end[1]:]
		if !informHead.MatchString(out.last()) {
			break
		}
	}
	if !codingLine.MatchString(out.last()) {
		return out
	}
	for {
		line := chunkLine.FindStringSubmatch(data)
		if line == nil || len(line[0]) > maxChunkLine+2 {
			out.chunks = false
			return out
		}
		data = data[len(line[0]):]
		n, err := strconv.ParseInt(line[1], 16, 64)
		if n == 0 && err == nil {
			out.trailer = data
			if end := headEnd.FindStringIndex(data); end != nil {
				out.trailer = data[:end[1]]
			}
			return out
		}
		if err != nil || n > int64(len(data)) || !strings.HasPrefix(data[n:], "\r\n") {
			out.chunks = false
			return out
		}
		data = data[n+2:]
	}
}

func (r raw) last() string { return r.heads[len(r.heads)-1] }

// fields are the sections of lines: all heads without their first lines, and trailers.
func (r raw) fields() []string {
	out := []string{r.trailer}
	for _, h := range r.heads {
		_, lines, _ := strings.Cut(h, "\n")
		out = append(out, lines)
	}
	return out
}

func (r raw) some(f func(section string) bool) bool { return slices.ContainsFunc(r.fields(), f) }

// someName goes through what stands before the colons, if there is one.
func (r raw) someName(f func(name string, found bool) bool) bool {
	return r.some(func(section string) bool {
		for line := range strings.SplitSeq(section, "\n") {
			if name, _, found := strings.Cut(line, ":"); strings.Trim(line, "\r") != "" && f(name, found) {
				return true
			}
		}
		return false
	})
}

// stricter are the faults for which a response is refused here and not by net/http, each
// with a row in TestResponses, and what must be so for it. Whatever else is refused here,
// both refuse.
var stricter = map[Fault]func(raw) bool{
	BadStatusLine: func(r raw) bool {
		return slices.ContainsFunc(r.heads, func(h string) bool { return !properLine.MatchString(h) })
	},
	BadLine: func(r raw) bool {
		return slices.ContainsFunc(append(r.heads, r.trailer), bareLF.MatchString)
	},
	FoldedLine: func(r raw) bool { return r.some(fold.MatchString) },
	BadHeader: func(r raw) bool {
		return r.someName(func(name string, found bool) bool { return !found || !aToken.MatchString(name) })
	},
	DoubleLength:  func(r raw) bool { return len(lengthLine.FindAllString(r.last(), 2)) == 2 },
	LengthAndCode: func(r raw) bool { return lengthLine.MatchString(r.last()) && codingLine.MatchString(r.last()) },
	BadLength: func(r raw) bool {
		found := lengthLine.FindStringSubmatch(r.last())
		return found != nil && !properSize.MatchString(found[1])
	},
	LengthNotHere: func(r raw) bool {
		return slices.ContainsFunc(r.heads, func(h string) bool { return h[9:10] == "1" && lengthLine.MatchString(h) })
	},
	BadCoding: func(r raw) bool {
		return slices.ContainsFunc(r.heads, func(h string) bool {
			found := codingLine.FindAllStringSubmatch(h, 2)
			return len(found) == 2 || len(found) == 1 && !strings.EqualFold(found[0][1], "chunked")
		})
	},
	CodingNotHere: func(r raw) bool {
		return slices.ContainsFunc(r.heads, func(h string) bool { return withoutTE.MatchString(h) && codingLine.MatchString(h) })
	},
	BadChunk: func(r raw) bool { return !r.chunks },
	BadTrailer: func(r raw) bool {
		for _, line := range announced.FindAllStringSubmatch(r.last(), -1) {
			for name := range strings.SplitSeq(line[1], ",") {
				if name = strings.Trim(name, "\t "); name != "" && (!aToken.MatchString(name) || framedName.MatchString(name)) {
					return true
				}
			}
		}
		return raw{trailer: r.trailer}.someName(func(name string, _ bool) bool { return framedName.MatchString(name) })
	},
	TooManyLines: func(r raw) bool {
		return r.some(func(section string) bool { return strings.Count(section, "\n") > maxLines })
	},
	TooManyInforms: func(r raw) bool { return len(r.heads) > maxInforms },
	NotAsked:       func(r raw) bool { return strings.HasPrefix(r.last()[8:], " 101") },
}
