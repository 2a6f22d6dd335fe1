// SPDX-License-Identifier: Apache-2.0

package loadbalancer

// AskInternal says how an object asks the controller for an internal load balancer, as a clause in the imperative. It is
// empty when no annotation does that.
func (p *Provider) AskInternal() string {
	for i := range p.Keys {
		key := &p.Keys[i]
		switch key.Rule {
		case NonEmptyExceptFalse, ExactTrue, TrueFalseOrDefault, ParseBool:
			return "set the annotation " + key.Annotation + ` to "true"`
		case Equals:
			if len(key.Internal) > 0 {
				return "set the annotation " + key.Annotation + ` to "` + key.Internal[0] + `"`
			}
		case PresentNonEmpty:
			return "name a private subnet in the annotation " + key.Annotation
		case JSONTypeInner:
			return `set "type": "inner" in the annotation ` + key.Annotation
		case Refuse, NamesExisting, PublishesWhenTrue:
		}
	}
	switch {
	case !p.ByAddress:
		return ""
	case len(p.PoolKeys) > 0:
		return "name a pool of private addresses in the annotation " + p.PoolKeys[0]
	case len(p.PinKeys) > 0:
		return "ask for a private address in the annotation " + p.PinKeys[0][0]
	}
	return ""
}

// InternalClass returns the first class of the controller that makes every load balancer internal, "" when there is none.
func (p *Provider) InternalClass() string {
	for _, class := range p.Classes {
		if class.Scheme == Internal {
			return class.Name
		}
	}
	return ""
}
