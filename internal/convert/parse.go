// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// list reads words between commas.
func list(v string) []string {
	var out []string
	for word := range strings.SplitSeq(v, ",") {
		if word = strings.TrimSpace(word); word != "" && !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// truth reads what strconv takes for true and false, as the controllers do.
func truth(v string) (bool, error) {
	out, err := strconv.ParseBool(v)
	if err != nil {
		return false, fmt.Errorf("%.40q is neither true nor false", v)
	}
	return out, nil
}

// number reads one of least to most.
func number(v string, least, most int) (int, error) {
	out, err := strconv.Atoi(v)
	if err != nil || out < least || out > most {
		return 0, fmt.Errorf("%.40q is no number of %d to %d", v, least, most)
	}
	return out, nil
}

// seconds reads a time without a unit, or as nginx writes times: 90s, 1m 30s, 500ms.
func seconds(v string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 && n <= 1e6 {
		return time.Duration(n * float64(time.Second)), nil
	}
	out, err := time.ParseDuration(strings.ReplaceAll(v, " ", ""))
	if err != nil || out < 0 {
		return 0, fmt.Errorf("%.40q is no time", v)
	}
	return out, nil
}

// duration is a time as Gateway API has it (GEP-2257): of whole milliseconds.
func duration(d time.Duration) *gatewayv1.Duration {
	out := gatewayv1.Duration(strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.Truncate(time.Second).String()))
	if ms := d.Milliseconds() % 1000; ms > 0 {
		if out == "0s" {
			out = ""
		}
		out += gatewayv1.Duration(fmt.Sprintf("%dms", ms))
	}
	return &out
}

// ranges reads addresses and networks.
func ranges(v string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, word := range list(v) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, wrong := netip.ParseAddr(word)
			if wrong != nil || a.Zone() != "" {
				return nil, fmt.Errorf("%.60q is neither an address nor a network", word)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p.Masked())
	}
	if len(out) == 0 {
		return nil, errors.New("it names no address")
	}
	return out, nil
}

var (
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")
	hostName   = regexp.MustCompile(`^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// names reads names of header lines.
func names(v string) ([]gatewayv1.HTTPHeaderName, error) {
	var out []gatewayv1.HTTPHeaderName
	for _, word := range list(v) {
		if !headerName.MatchString(word) {
			return nil, fmt.Errorf("%.60q is no name of a header line", word)
		}
		out = append(out, gatewayv1.HTTPHeaderName(word))
	}
	return out, nil
}

// host reads a name of a host, without variables.
func host(v string) (string, error) {
	v = strings.ToLower(v)
	if !hostName.MatchString(v) || len(v) > 253 {
		return "", fmt.Errorf("%.80q is no name of a host", v)
	}
	return v, nil
}

// redirect reads where a request is sent: a place, or a path of the same host. nginx puts
// its variables in; the ones that stand for what stays as it is may be left out.
func redirect(v string, status int) (*gatewayv1.HTTPRequestRedirectFilter, error) {
	out := &gatewayv1.HTTPRequestRedirectFilter{StatusCode: &status}
	if !slices.Contains([]int{301, 302, 303, 307, 308}, status) {
		return nil, fmt.Errorf("a redirect has no status %d", status)
	}
	v = strings.NewReplacer("$scheme://", "//", "$host", "", "$http_host", "").Replace(v)
	bare, keeps := strings.CutSuffix(v, "$request_uri")
	u, err := url.Parse(bare)
	if err != nil || strings.Contains(bare, "$") || strings.ContainsAny(bare, "{}\n\r") || u.User != nil {
		return nil, fmt.Errorf("%.80q is no place that an HTTPRoute can send to: it knows no variables", v)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("a redirect of an HTTPRoute has no query of its own")
	}
	if u.Scheme != "" {
		if u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("a redirect leads to http or https, not to %.20q", u.Scheme)
		}
		out.Scheme = &u.Scheme
	}
	if name := u.Hostname(); name != "" {
		if name, err = host(name); err != nil || strings.HasPrefix(name, "*") {
			return nil, fmt.Errorf("%.80q is no name of a host", u.Hostname())
		}
		precise := gatewayv1.PreciseHostname(name)
		out.Hostname = &precise
	}
	if p := u.Port(); p != "" {
		n, err := number(p, 1, 65535)
		if err != nil {
			return nil, err
		}
		port := gatewayv1.PortNumber(n) //nolint:gosec // number bounds it
		out.Port = &port
	}
	if keeps && strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("a redirect of an HTTPRoute cannot put the path behind another one")
	}
	if !keeps {
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		out.Path = &gatewayv1.HTTPPathModifier{Type: gatewayv1.FullPathHTTPPathModifier, ReplaceFullPath: &path}
	}
	return out, nil
}
