package robokassa

import (
	"encoding/binary"
	"hash"
	"math/bits"
)

// RIPEMD-160 (Dobbertin, Bosselaers, Preneel, 1996), which some shops have chosen as their
// algorithm and Go's standard library lacks. Two lines of five rounds of sixteen steps run
// side by side over each block of 64 bytes and are added at its end.

// The message word of each step, and by how much it rotates, left and right line.
var (
	ripemdWords = [2][80]byte{
		{
			0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
			7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
			3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
			1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
			4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
		},
		{
			5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
			6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
			15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
			8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
			12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
		},
	}
	ripemdShifts = [2][80]byte{
		{
			11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
			7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
			11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
			11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
			9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
		},
		{
			8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
			9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
			9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
			15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
			8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
		},
	}
	ripemdConstants = [2][5]uint32{
		{0x00000000, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e},
		{0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0x00000000},
	}
	ripemdStart = [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
)

// ripemd160 gathers the whole message: what is signed here is a line of text.
type ripemd160 struct{ message []byte }

func newRIPEMD160() hash.Hash { return &ripemd160{} }

func (r *ripemd160) Write(p []byte) (int, error) {
	r.message = append(r.message, p...)
	return len(p), nil
}
func (r *ripemd160) Reset()         { r.message = r.message[:0] }
func (r *ripemd160) Size() int      { return 20 }
func (r *ripemd160) BlockSize() int { return 64 }

// Sum pads a copy, so that more may be written.
func (r *ripemd160) Sum(in []byte) []byte {
	padded := append(append([]byte{}, r.message...), 0x80)
	for len(padded)%64 != 56 {
		padded = append(padded, 0)
	}
	padded = binary.LittleEndian.AppendUint64(padded, uint64(len(r.message))*8)
	state := ripemdStart
	for ; len(padded) > 0; padded = padded[64:] {
		ripemdBlock(&state, padded[:64])
	}
	for _, word := range state {
		in = binary.LittleEndian.AppendUint32(in, word)
	}
	return in
}

func ripemdBlock(state *[5]uint32, block []byte) {
	var words [16]uint32
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(block[4*i:])
	}
	var lines [2][5]uint32
	for side := range lines {
		a, b, c, d, e := state[0], state[1], state[2], state[3], state[4]
		for step := range 80 {
			round := step / 16
			mix := round
			if side == 1 {
				mix = 4 - round
			}
			t := a + ripemdMix(mix, b, c, d) + words[ripemdWords[side][step]] + ripemdConstants[side][round]
			t = bits.RotateLeft32(t, int(ripemdShifts[side][step])) + e
			a, b, c, d, e = e, t, b, bits.RotateLeft32(c, 10), d
		}
		lines[side] = [5]uint32{a, b, c, d, e}
	}
	left, right := lines[0], lines[1]
	state[0], state[1], state[2], state[3], state[4] = state[1]+left[2]+right[3], state[2]+left[3]+right[4],
		state[3]+left[4]+right[0], state[4]+left[0]+right[1], state[0]+left[1]+right[2]
}

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
	}
	return x ^ (y | ^z)
}
