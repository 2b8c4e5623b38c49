package freedompay

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/payrouter/payrouter/providers"
)

// Names that every message has.
const (
	fieldSalt = "pg_salt"
	fieldSig  = "pg_sig"
)

// sign makes pg_sig: MD5 over script, the values of all fields in the order of their
// names, and the secret, joined by semicolons, in lower-case hex (notes, section 3). The
// script is the last segment of the path that is called.
//
// Only values are signed, not names: whoever trusts a message must look at its names
// (notices.go).
func (m node) sign(script string, secret providers.Secret) string {
	sum := m.digest(script, secret)
	return hex.EncodeToString(sum[:])
}

// signedBy compares in constant time. Upper-case hex is as good as lower-case.
func (m node) signedBy(script string, secret providers.Secret) bool {
	given, err := hex.DecodeString(m.text(fieldSig))
	want := m.digest(script, secret)
	return err == nil && subtle.ConstantTimeCompare(given, want[:]) == 1
}

func (m node) digest(script string, secret providers.Secret) [md5.Size]byte {
	pieces := append([]string{script}, m.values()...)
	return md5.Sum([]byte(strings.Join(append(pieces, secret.Reveal()), ";")))
}

// values are those that a signature covers, in its order. It is the rule of the official
// PHP signer: a node's flat name is its parent's, its own and its three-digit position
// among its siblings, where pg_sig is left out but counts; leaves go by flat names. For
// a message without nested fields that is the order of names.
func (m node) values() []string {
	type leaf struct{ flat, value string }
	var leaves []leaf
	var walk func(n node, parent string)
	walk = func(n node, parent string) {
		for i, child := range n.children {
			if child.name == fieldSig {
				continue
			}
			flat := fmt.Sprintf("%s%s%03d", parent, child.name, i+1)
			if len(child.children) > 0 {
				walk(child, flat)
				continue
			}
			leaves = append(leaves, leaf{flat, child.value})
		}
	}
	walk(m, "")
	slices.SortStableFunc(leaves, func(a, b leaf) int { return strings.Compare(a.flat, b.flat) })
	values := make([]string, len(leaves))
	for i, l := range leaves {
		values[i] = l.value
	}
	return values
}

// newSalt is pg_salt of a request: random, so that no two signatures are alike.
func newSalt() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// scriptOf is the script name of an address that is called: the last segment of its path.
func scriptOf(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}
