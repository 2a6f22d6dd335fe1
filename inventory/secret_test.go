// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const secretJSON = `{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"shop","name":"web-token","annotations":{
"kubernetes.io/service-account.name":"web",
"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"token\":\"aHVudGVyMg==\"}}"}},
"type":"kubernetes.io/service-account-token","immutable":true,"data":{"token":"aHVudGVyMg==","sops":"ENC[hunter2]"},"stringData":{"more":"hunter2"}}`

func TestNothingOfWhatASecretHoldsIsRead(t *testing.T) {
	t.Parallel()
	o, _, err := DecodeAny([]byte(secretJSON))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := o.(*Secret)
	if !ok {
		t.Fatalf("is a %T", o)
	}
	if k := KeyOf(s); k.Kind != SecretKind || k.Namespace != "shop" || k.Name != "web-token" {
		t.Errorf("is %v", k)
	}
	if s.Type != "kubernetes.io/service-account-token" || s.Annotations["kubernetes.io/service-account.name"] != "web" {
		t.Errorf("type %q, annotations %v", s.Type, s.Annotations)
	}
	raw, err := json.Marshal(s.DeepCopyObject())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(raw), fmt.Sprintf("%+v", s)} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "aHVudGVyMg") {
			t.Errorf("holds the content: %s", text)
		}
	}
}

func TestSecretsAreNeverReadFromACluster(t *testing.T) {
	t.Parallel()
	k, known := KindOf(SecretKind)
	if !known || k.Kept || !k.Sealed {
		t.Fatalf("the kind is %+v", k)
	}
	if len(Readable()) == 0 {
		t.Fatal("nothing is readable")
	}
	for _, k := range Readable() {
		if k.Sealed {
			t.Errorf("%v is readable", k.GroupKind)
		}
	}
	for _, k := range Kinds() {
		if k.Sealed && k.Kept {
			t.Errorf("%v is kept", k.GroupKind)
		}
	}
}
