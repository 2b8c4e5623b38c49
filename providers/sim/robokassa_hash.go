package sim

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"strings"

	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // old and deprecated, and one of the hashes that a shop can choose
)

// robokassaHashes are the algorithms a shop can choose (notes, section 3).
var robokassaHashes = map[string]func() hash.Hash{
	"md5": md5.New, "ripemd160": ripemd160.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// hash is the shop's signature of joined values, in lower-case hex: a plain hash, with a password among the values.
func (r *robokassa) hash(parts ...string) string {
	h := robokassaHashes[r.opt.Hash]()
	_, _ = io.WriteString(h, strings.Join(parts, ":"))
	return hex.EncodeToString(h.Sum(nil))
}

// signedBy says that a signature, in either case, is the shop's over these values.
func (r *robokassa) signedBy(signature string, parts ...string) bool {
	return hmac.Equal([]byte(strings.ToLower(signature)), []byte(r.hash(parts...)))
}
