// SPDX-License-Identifier: Apache-2.0

package convert

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
)

// Controller is an Ingress controller whose annotations are known.
type Controller struct {
	Name  string // by which a user names it
	Title string // by which its makers name it
	// Annotations are all that its documentation has, in the order in which they are read.
	Annotations []Annotation

	class    string   // IngressClass.spec.controller
	classes  []string // usual names of classes, for input without IngressClasses
	prefixes []string // of its annotations
	// secures says that plain HTTP is redirected where there is TLS, unless an annotation
	// says otherwise; 0 is never.
	secures int
	body    int64 // bytes that bodies have at most if no annotation says otherwise; 0 is no limit
	// inside finds out whether an Ingress is not for the outside, without an annotation.
	inside func(*plan)
	stars  bool // a "*" at the end of a Prefix is no character
	// services says that annotations of Services keep requests out as well.
	services bool
	shares   []sharing
	// paths reads what an ImplementationSpecific path means to it.
	paths func(string) (pathMatch, error)
}

// Controllers are those that are known.
func Controllers() []*Controller {
	return []*Controller{ingressNginx(), nginxInc(), kong(), traefik(), alb(), gce(), agic()}
}

// ownController is the gateway, as IngressClasses name it.
const ownController = "gatehouse.sh/gateway"

// classAnnotation named the class before there was a field for it.
const classAnnotation = "kubernetes.io/ingress.class"

// defaultClass marks the IngressClass of Ingresses that name none.
const defaultClass = "ingressclass.kubernetes.io/is-default-class"

// owns tells whether a controller would read an annotation.
func (c *Controller) owns(key string) bool {
	return slices.ContainsFunc(c.prefixes, func(p string) bool { return strings.HasPrefix(key, p) }) || c.annotation(key) != nil
}

// annotation finds one by its whole name, or by its beginning where a part is the user's.
func (c *Controller) annotation(key string) *Annotation {
	for i := range c.Annotations {
		a := &c.Annotations[i]
		if begin, open := strings.CutSuffix(a.Name, "*"); a.Name == key || open && strings.HasPrefix(key, begin) && key != begin {
			return a
		}
	}
	return nil
}

// className is the class that an Ingress names, "" if none.
func className(i *networkingv1.Ingress) string {
	if i.Spec.IngressClassName != nil {
		return *i.Spec.IngressClassName
	}
	return i.Annotations[classAnnotation]
}

// served finds who serves an Ingress, and the class by which it does.
func (c *conversion) served(i *networkingv1.Ingress) (*Controller, string, error) {
	class := className(i)
	if class == "" {
		for _, k := range c.objects.Classes {
			if k.Annotations[defaultClass] == "true" {
				class = k.Name
			}
		}
	}
	if c.options.Controller != "" {
		if at := slices.IndexFunc(c.controllers, func(k *Controller) bool { return k.Name == c.options.Controller }); at >= 0 {
			return c.controllers[at], class, nil
		}
		return nil, class, fmt.Errorf("there is no controller %q", c.options.Controller)
	}
	if k := c.classes[class]; k != nil {
		for _, each := range c.controllers {
			if each.class == k.Spec.Controller {
				return each, class, nil
			}
		}
		if k.Spec.Controller == ownController {
			return nil, class, fmt.Errorf("IngressClass %s is the gateway's own: the gateway serves it as it is, with the annotations of ingress-nginx that docs/ingress.md names; --controller ingress-nginx converts it", class)
		}
		return nil, class, fmt.Errorf("IngressClass %s is served by %q, whose annotations are not known here", class, k.Spec.Controller)
	}
	// Two controllers have classes named nginx: annotations tell them apart.
	var named, used []*Controller
	for _, each := range c.controllers {
		if class == "" || slices.Contains(each.classes, class) {
			named = append(named, each)
		}
	}
	for _, each := range named {
		for key := range i.Annotations {
			if key != classAnnotation && each.owns(key) {
				used = append(used, each)
				break
			}
		}
	}
	switch {
	case len(used) == 1:
		return used[0], class, nil
	case len(used) == 0 && len(named) > 0 && class != "":
		return named[0], class, nil
	case len(used) > 1:
		return nil, class, fmt.Errorf("class %q could be of %s or %s, and there are annotations of both: add the IngressClass to the input, or name the controller", class, used[0].Title, used[1].Title)
	case class == "":
		return nil, class, fmt.Errorf("it names no class, and no annotation tells whose it is: add the IngressClass to the input, or name the controller")
	}
	return nil, class, fmt.Errorf("who serves class %q is not known: add the IngressClass to the input, or name the controller", class)
}
