// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import "fmt"

// evaluate asks one row. decided is false when the answer is the controller's default.
func evaluate(row *Provider, in input, cfg *Config, v *Verdict) (r result, decided bool) {
	byKey, passed, keyed := readKeys(row, in.annotations, v)
	pinned := readPins(row, in.annotations, v)
	if in.hasClass {
		if byClass, ok := readClass(row, in, cfg); ok {
			if keyed && byKey.scheme != byClass.scheme {
				v.conflict("%s, but %s decides", byKey.evidence, in.classField)
			}
			return byClass, true
		}
	}
	if keyed {
		return byKey, true
	}
	if row.ByAddress {
		if r, ok := byAddress(row, in, cfg, v, pinned); ok {
			return r, true
		}
	}
	return byDefault(row, in, cfg, passed), false
}

// readClass is the answer that the class alone gives.
func readClass(row *Provider, in input, cfg *Config) (result, bool) {
	if scheme, ok := cfg.Classes[in.class]; ok {
		return result{
			scheme: scheme, provider: row.Name,
			evidence: fmt.Sprintf("the configuration says that %s %s is %s", in.classField, quote(in.class), scheme),
		}, true
	}
	for _, class := range row.Classes {
		if class.Name == in.class && class.Scheme != Unknown {
			return result{
				scheme: class.Scheme, provider: row.Name,
				evidence: fmt.Sprintf("the %s takes %s %s as %s", row.Title, in.classField, quote(in.class), class.Scheme),
			}, true
		}
	}
	return result{}, false
}

// readKeys finds the annotation that decides. passed is one that is present and leaves the decision to the default.
func readKeys(row *Provider, annotations map[string]string, v *Verdict) (r result, passed string, decided bool) {
	for i := range row.Keys {
		key := &row.Keys[i]
		value, ok := annotations[key.Annotation]
		if !ok {
			continue
		}
		reading := key.read(value)
		switch {
		case reading == readNothing:
			if passed == "" {
				passed = key.Annotation
			}
		case !decided:
			decided = true
			r = result{scheme: reading.scheme(), provider: row.Name, annotation: key.Annotation, evidence: readEvidence(row, key, value, reading)}
		case reading.scheme() != r.scheme:
			v.conflict("annotation %s is %s, but %s takes precedence", key.Annotation, quote(value), r.annotation)
		}
	}
	return r, passed, decided
}

func readEvidence(row *Provider, key *KeyRule, value string, reading reading) string {
	switch {
	case key.Rule == NamesExisting:
		return fmt.Sprintf("annotation %s is %s, which names a load balancer that exists already and whose scheme cannot be seen", key.Annotation, quote(value))
	case key.Rule == PublishesWhenTrue:
		return fmt.Sprintf("annotation %s is %s, which makes the %s open the address to the internet", key.Annotation, quote(value), row.Title)
	case reading == readRefused:
		return fmt.Sprintf("annotation %s is %s, which the %s does not accept", key.Annotation, quote(value), row.Title)
	}
	return fmt.Sprintf("annotation %s is %s, which the %s reads as %s", key.Annotation, quote(value), row.Title, reading.scheme())
}

// byDefault is the answer when nothing on the object decides.
func byDefault(row *Provider, in input, cfg *Config, passed string) result {
	scheme, whose := row.Default, "by default"
	if cfg.DefaultScheme != Unknown && (row.DefaultIsSetting || row.Default == Unknown) {
		scheme, whose = cfg.DefaultScheme, "in this cluster by default"
	}
	r := result{scheme: scheme, provider: row.Name}
	switch {
	case scheme == Unknown:
		r.evidence = fmt.Sprintf("the %s decides by its own configuration, which cannot be seen", row.Title)
	case passed != "":
		r.evidence = fmt.Sprintf("annotation %s is %s, which decides nothing, and the %s makes load balancers %s %s",
			passed, quote(in.annotations[passed]), row.Title, scheme, whose)
	default:
		r.evidence = fmt.Sprintf("no annotation says otherwise, and the %s makes load balancers %s %s", row.Title, scheme, whose)
	}
	return r
}
