package sim

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"math/bits"
	"strings"
)

// robokassaHashes are the algorithms a shop can choose (notes, section 3).
var robokassaHashes = map[string]func() hash.Hash{
	"md5": md5.New, "ripemd160": newRIPEMD160, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
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

// ripemd160 is RIPEMD-160, which the standard library lacks. It keeps what it is to hash, which here is one line.
type ripemd160 struct{ data []byte }

func newRIPEMD160() hash.Hash { return &ripemd160{} }

func (d *ripemd160) Write(p []byte) (int, error) {
	d.data = append(d.data, p...)
	return len(p), nil
}

func (d *ripemd160) Reset()         { d.data = nil }
func (d *ripemd160) Size() int      { return 20 }
func (d *ripemd160) BlockSize() int { return 64 }

// Order of the message's words and the rotations, of the left line and the right.
var (
	ripemdWords = [2][80]uint8{{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
		3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
		1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
		4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
	}, {
		5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
		6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
		15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
		8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
		12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
	}}
	ripemdTurns = [2][80]uint8{{
		11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
		7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
		11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
		11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
		9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
	}, {
		8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
		9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
		9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
		15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
		8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
	}}
	ripemdAdds = [2][5]uint32{
		{0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e},
		{0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0},
	}
)

// ripemdMix is the function of one round, 0 to 4.
func ripemdMix(round int, x, y, z uint32) uint32 {
	switch round {
	case 0:
		return x ^ y ^ z
	case 1:
		return x&y | ^x&z
	case 2:
		return (x | ^y) ^ z
	case 3:
		return x&z | y&^z
	default:
		return x ^ (y | ^z)
	}
}

// Sum appends the hash of everything written.
func (d *ripemd160) Sum(out []byte) []byte {
	message := append(append([]byte{}, d.data...), 0x80)
	for len(message)%64 != 56 {
		message = append(message, 0)
	}
	message = binary.LittleEndian.AppendUint64(message, uint64(len(d.data))*8)

	state := [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	for ; len(message) > 0; message = message[64:] {
		left, right := ripemdLine(0, state, message), ripemdLine(1, state, message)
		state = [5]uint32{
			state[1] + left[2] + right[3], state[2] + left[3] + right[4], state[3] + left[4] + right[0],
			state[4] + left[0] + right[1], state[0] + left[1] + right[2],
		}
	}
	for _, word := range state {
		out = binary.LittleEndian.AppendUint32(out, word)
	}
	return out
}

// ripemdLine runs one block through the left line (0) or the right line (1), which takes the rounds' functions backwards.
func ripemdLine(line int, s [5]uint32, block []byte) [5]uint32 {
	for step := range 80 {
		round := step / 16
		mix := round
		if line == 1 {
			mix = 4 - round
		}
		word := binary.LittleEndian.Uint32(block[4*ripemdWords[line][step]:])
		t := s[0] + ripemdMix(mix, s[1], s[2], s[3]) + word + ripemdAdds[line][round]
		t = bits.RotateLeft32(t, int(ripemdTurns[line][step])) + s[4]
		s = [5]uint32{s[4], t, s[1], bits.RotateLeft32(s[2], 10), s[3]}
	}
	return s
}
