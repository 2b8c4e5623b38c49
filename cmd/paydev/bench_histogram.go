package main

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that grow with what they hold: up to 255 ns each
// has a bucket of its own, and from there on every doubling is cut into 128. A quantile is
// therefore never too small, and too large by less than one part in 128. Its memory does not
// grow with the length of a run. The zero value is empty; it is not safe for concurrent use.
type histogram struct {
	counts []int64 // grown when needed
	n      int64
	most   time.Duration
}

// halfBits is the logarithm of the buckets of one doubling.
const halfBits = 7

// bucketOf is where a duration is counted; below zero is zero.
func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-halfBits-1, 0)
	return shift<<halfBits + int(v>>shift)
}

// largestIn is the largest duration that a bucket counts.
func largestIn(bucket int) time.Duration {
	shift := max(bucket>>halfBits-1, 0)
	top := uint64(bucket - shift<<halfBits)
	return time.Duration((top+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.addMany(bucketOf(d), 1)
	h.most = max(h.most, d)
}

func (h *histogram) addMany(bucket int, n int64) {
	if missing := bucket + 1 - len(h.counts); missing > 0 {
		h.counts = append(h.counts, make([]int64, missing)...)
	}
	h.counts[bucket] += n
	h.n += n
}

// merge adds what another one counted.
func (h *histogram) merge(other histogram) {
	for bucket, n := range other.counts {
		if n > 0 {
			h.addMany(bucket, n)
		}
	}
	h.most = max(h.most, other.most)
}

// The quantiles of a report, in ten-thousandths.
const (
	p50  = 5000
	p90  = 9000
	p99  = 9900
	p999 = 9990
)

// quantile is the smallest value that so many ten-thousandths do not exceed, rounded up to
// the end of its bucket, and never more than the largest one; 0 of nothing.
func (h *histogram) quantile(tenThousandths int64) time.Duration {
	rank := max((h.n*tenThousandths+9999)/10000, 1)
	for bucket, n := range h.counts {
		if rank -= n; rank <= 0 {
			return min(largestIn(bucket), h.most)
		}
	}
	return h.most
}
