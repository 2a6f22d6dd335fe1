// SPDX-License-Identifier: Apache-2.0

package config

import "fmt"

// maxAccessFile is the size of the largest file of keys or users.
const maxAccessFile = 32 << 20

// access reads the files of access policies and key sets. What is read is never nil,
// which stands for a file that there is not.
func (f *files) access(s *Snapshot) {
	add := func(path, name string, to func([]byte)) {
		if name != "" {
			to(f.read(path, name, maxAccessFile))
		}
	}
	for i := range s.AccessPolicies {
		for k := range s.AccessPolicies[i].Authentication.AnyOf {
			a, path := &s.AccessPolicies[i].Authentication.AnyOf[k], fmt.Sprintf("accessPolicies[%d].authentication.anyOf[%d]", i, k)
			if a.APIKey != nil {
				add(path+".apiKey.keysFile", a.APIKey.KeysFile, func(b []byte) { a.APIKey.Keys = b })
			}
			if a.Basic != nil {
				add(path+".basic.usersFile", a.Basic.UsersFile, func(b []byte) { a.Basic.Users = b })
			}
		}
	}
	for i := range s.KeySets {
		k, path := &s.KeySets[i], fmt.Sprintf("keySets[%d]", i)
		add(path+".file", k.File, func(b []byte) { k.Keys = b })
		add(path+".caFile", k.CAFile, func(b []byte) { k.CA = b })
	}
}
