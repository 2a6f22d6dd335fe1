// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestDecodeAnswersHostileJSONWithAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		data string
		want string // part of the error; empty: decodes
	}{
		"null":                             {`null`, "apiVersion or kind is missing"},
		"an empty document":                {``, "decode object"},
		"a list":                           {`[]`, "decode object"},
		"a number":                         {`1`, "decode object"},
		"no kind":                          {`{"apiVersion":"v1"}`, "apiVersion or kind is missing"},
		"kind in the wrong case":           {`{"apiVersion":"v1","Kind":"Pod"}`, "apiVersion or kind is missing"},
		"an apiVersion of three parts":     {`{"apiVersion":"a/b/c","kind":"Pod"}`, "apiVersion"},
		"a kind that is a list":            {`{"apiVersion":"v1","kind":["Pod"]}`, "decode object"},
		"a spec that is a list":            {`{"apiVersion":"v1","kind":"Service","spec":[]}`, "decode Service"},
		"a port out of range":              {`{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":99999999999}]}}`, "decode Service"},
		"more after the object":            {`{"apiVersion":"v1","kind":"Service"}{}`, "decode"},
		"a broken string":                  {`{"apiVersion":"v1","kind":"Service`, "decode"},
		"null lists and maps":              {`{"apiVersion":"v1","kind":"Service","metadata":{"name":"x","annotations":null},"spec":{"ports":null,"selector":null}}`, ""},
		"a null spec":                      {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":null}`, ""},
		"null in a list":                   {`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"containers":[null]}}`, ""},
		"a custom resource without shape":  {`{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":"x","spec":[[[]]]}`, ""},
		"a custom kind that nobody knows":  {`{"apiVersion":"example.com/v1","kind":"Door","spec":7}`, ""},
		"field names in the wrong case":    {`{"apiVersion":"v1","kind":"Service","Spec":{"Type":"NodePort"}}`, ""},
		"a field twice":                    {`{"apiVersion":"v1","kind":"Service","spec":{"type":"NodePort"},"spec":{"type":"ClusterIP"}}`, ""},
		"a Rollout whose template is text": {`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","spec":{"template":"x"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, _, err := DecodeAny([]byte(tc.data))
			switch {
			case tc.want == "" && err != nil:
				t.Fatalf("DecodeAny: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Fatalf("DecodeAny = %v, %v; want an error with %q", o, err, tc.want)
			case err == nil:
				exercise(o)
			}
		})
	}
}

func TestDecodeRefusesNullOfEveryKind(t *testing.T) {
	t.Parallel()
	for _, gvk := range []schema.GroupVersionKind{{Version: "v1", Kind: "Service"}, {Group: "example.com", Version: "v1", Kind: "Door"}} {
		for _, data := range []string{"null", " null\n"} {
			if o, err := Decode(gvk, []byte(data)); err == nil {
				t.Errorf("Decode(%v, %q) = %v, want an error", gvk, data, o)
			}
		}
	}
}

func TestDecodeReadsFieldNamesExactly(t *testing.T) {
	t.Parallel()
	o, _, err := DecodeAny([]byte(`{"apiVersion":"v1","kind":"Service","spec":{"Type":"NodePort","type":"ClusterIP","clusterip":"10.0.0.1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := o.(*corev1.Service)
	if !ok || s.Spec.Type != corev1.ServiceTypeClusterIP || s.Spec.ClusterIP != "" {
		t.Errorf("got %+v", o)
	}
}

func TestEveryKindIsItsOwn(t *testing.T) {
	t.Parallel()
	list := Kinds()
	if len(list) == 0 {
		t.Fatal("no kinds")
	}
	seen := map[schema.GroupKind]bool{}
	for _, k := range list {
		if seen[k.GroupKind] {
			t.Errorf("%v is listed twice", k.GroupKind)
		}
		seen[k.GroupKind] = true
		if k.Version == "" || k.Resource == "" || strings.ToLower(k.Resource) != k.Resource {
			t.Errorf("%v has version %q and resource %q", k.GroupKind, k.Version, k.Resource)
		}
		if got := GroupKindOf(k.Object()); got != k.GroupKind {
			t.Errorf("an empty %v says it is a %v", k.GroupKind, got)
		}
		if got, known := KindOfResource(k.GVR().GroupResource()); !known || got.GroupKind != k.GroupKind {
			t.Errorf("resource %v leads to %v", k.GVR(), got.GroupKind)
		}
		if _, isCustom := k.Object().(*unstructured.Unstructured); isCustom != (k.New == nil) {
			t.Errorf("%v: New and Object disagree", k.GroupKind)
		}
	}
}

// exercise does with an object what loaders do; it must not panic.
func exercise(o Object) {
	inv := New(o).With(o)
	key := KeyOf(o)
	for range inv.Referrers(key.Namespace, key.Name) {
		continue
	}
	for _, h := range Hosts(o) {
		for range inv.Claims(h.Name) {
			continue
		}
	}
	copied, ok := o.DeepCopyObject().(Object)
	if ok {
		e := New().Edit()
		e.Put(CompactEntry(copied))
		e.Delete(key)
		e.Inventory()
	}
	inv.Without(key).Entry(key)
}

func TestKindInAnotherCaseDoesNotDecide(t *testing.T) {
	t.Parallel()
	o, gvk, err := DecodeAny([]byte(`{"apiVersion":"v1","kind":"Service","Kind":"Pod","APIVersion":"apps/v1"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := o.(*corev1.Service); !ok || gvk.Kind != "Service" || gvk.Group != "" {
		t.Errorf("decoded a %T as %v", o, gvk)
	}
}

func FuzzDecode(f *testing.F) {
	for _, k := range Kinds() {
		gv := k.GVK().GroupVersion().String()
		f.Add([]byte(`{"apiVersion":"` + gv + `","kind":"` + k.GroupKind.Kind + `","metadata":{"name":"x","namespace":"y","labels":null},"spec":{"template":{"spec":{"containers":[null,{"ports":[{}]}]}}}}`))
	}
	f.Add([]byte(`{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","spec":{"hosts":[1,null,"a"],"http":[{"route":[{"destination":{"host":"http://a.b:80/c"}}]}]}}`))
	f.Add([]byte(`{"apiVersion":"v1","kind":"List","items":[null]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, gvk, err := DecodeAny(data)
		if err != nil {
			if o != nil {
				t.Fatalf("an object and the error %v", err)
			}
			return
		}
		if o == nil {
			t.Fatal("neither object nor error")
		}
		if got := GroupKindOf(o); got != gvk.GroupKind() {
			t.Fatalf("the object says it is a %v, the data %v", got, gvk)
		}
		exercise(o)
	})
}
