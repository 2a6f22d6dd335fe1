// SPDX-License-Identifier: Apache-2.0

package jwks

import (
	"encoding/hex"
	"math/big"
	"slices"
)

// rocaPrimes are small primes of which the powers of 65537 are few. The faulty
// generator made primes that are such powers modulo all of them (Nemec et al., The
// Return of Coppersmith's Attack, 2017, section 2); another modulus is one for all
// of these with a probability of less than 2^-27.
var rocaPrimes = []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

// roca says whether a modulus was made by the generator of CVE-2017-15361, so that
// it can be factored.
func roca(n *big.Int) bool {
	var rest big.Int
	for _, p := range rocaPrimes {
		want := rest.Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			if power == want {
				found = true
				break
			}
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}

// smallPoints are the encodings of points of Ed25519 whose order is 8 or less,
// without the sign, two of them also in a second spelling. By such a key, which may be one that was never
// filled in, anybody can sign.
var smallPoints = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func smallOrder(x []byte) bool {
	y := slices.Clone(x)
	y[len(y)-1] &= 0x7f
	return slices.Contains(smallPoints, hex.EncodeToString(y))
}
