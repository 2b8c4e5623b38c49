package quickpay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/payrouter/payrouter/providers"
)

// checksum is QuickPay's signature of a callback: HMAC-SHA256 over the body as it came,
// in lower-case hex (notes, section 7).
func checksum(key providers.Secret, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// verifies compares in constant time. Without a key nothing verifies.
func verifies(key providers.Secret, given string, body []byte) bool {
	return !key.Empty() && hmac.Equal([]byte(given), []byte(checksum(key, body)))
}
