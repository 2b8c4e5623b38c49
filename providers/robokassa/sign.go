package robokassa

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"slices"
	"strings"

	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // old and deprecated, and one of the hashes that a shop can choose

	"github.com/payrouter/payrouter/providers"
)

// hashes are the algorithms that a shop can choose from (notes, section 3).
var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "ripemd160": ripemd160.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// message is a string to sign. Its parts are joined with colons, the password between
// those before it and the shop's own parameters after it.
type message struct {
	before []string
	own    []parameter
}

// parameter is one Shp_ parameter, as it is sent.
type parameter struct{ name, value string }

// ownPrefix begins the names of a shop's own parameters.
const ownPrefix = "Shp_"

// isOwn reports whether a parameter is a shop's own, in any case of its prefix.
func isOwn(name string) bool {
	return len(name) > len(ownPrefix) && strings.EqualFold(name[:len(ownPrefix)], ownPrefix)
}

// digest is a plain hash with the password inside the string: Robokassa's is not an HMAC.
func (m message) digest(algorithm string, password providers.Secret) []byte {
	parts := append(slices.Clone(m.before), password.Reveal())
	own := slices.Clone(m.own)
	slices.SortStableFunc(own, func(a, b parameter) int { return strings.Compare(a.name, b.name) })
	for _, p := range own {
		parts = append(parts, p.name+"="+p.value)
	}
	h := hashes[algorithm]()
	h.Write([]byte(strings.Join(parts, ":")))
	return h.Sum(nil)
}

// sign gives the signature in lower-case hex; Robokassa accepts either case.
func (m message) sign(algorithm string, password providers.Secret) string {
	return hex.EncodeToString(m.digest(algorithm, password))
}

// verifies compares in constant time. Robokassa sends upper-case hex; lower-case is as good.
func (m message) verifies(algorithm string, password providers.Secret, signature string) bool {
	given, err := hex.DecodeString(signature)
	return err == nil && hmac.Equal(given, m.digest(algorithm, password))
}
