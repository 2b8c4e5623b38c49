package router

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/journal"
	"github.com/payrouter/payrouter/router/payment"
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// derived is a reference made of what names it, in [a-z2-7]: the same words give
// the same reference, so a repeat after a lost commit meets the first one.
func derived(length int, words ...string) string {
	digest := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	text := alphabet.EncodeToString(digest[:])
	return text[:min(length, len(text))]
}

var errUsedUp = errors.New("the order numbers are used up")

// reference makes the order number of a payment's next attempt under the gateway's rule.
func (r *Router) reference(ctx context.Context, p payment.Payment, c Candidate) (string, error) {
	gateway := c.Gateway
	rule := r.terms.Claims(gateway).ReferenceFor(c.Method)
	room := rule.Length - len(rule.Prefix)
	if rule.Kind == providers.Derived {
		return rule.Prefix + derived(min(room, 26), p.Tenant, p.RequestID, strconv.Itoa(len(p.Attempts)+1)), nil
	}
	number, err := r.numbers.next(ctx, counterOf(gateway))
	if err != nil {
		return "", err
	}
	digits := fmt.Sprintf("%0*d", room, number)
	if len(digits) > room || rule.Unique > 0 && len(strconv.FormatInt(number, 10)) > rule.Unique {
		return "", fmt.Errorf("%s: %w", gateway, errUsedUp)
	}
	return rule.Prefix + digits, nil
}

// unused takes back the order number of an attempt that was certainly not planned, so that
// repeated requests use none up.
func (r *Router) unused(c Candidate, reference string) {
	rule := r.terms.Claims(c.Gateway).ReferenceFor(c.Method)
	if rule.Kind == providers.Derived {
		return
	}
	if number, err := strconv.ParseInt(strings.TrimPrefix(reference, rule.Prefix), 10, 64); err == nil {
		r.numbers.unused(counterOf(c.Gateway), number)
	}
}

func counterOf(gateway string) string { return "reference/" + gateway }

// numbers hands out counters in blocks, so that a charge costs no extra commit.
type numbers struct {
	journal *journal.Store
	mu      sync.Mutex
	blocks  map[string]*numberBlock
}

// numberBlock is what is left of a counter's last block. Whoever holds the turn takes
// from it, or takes a new block from the store: others wait no longer than they want to.
type numberBlock struct {
	turn      chan struct{}
	next, end int64
	spare     []int64 // were taken and not used
}

const block = 64

func (n *numbers) next(ctx context.Context, counter string) (int64, error) {
	if err := ctx.Err(); err != nil { // nobody waits for the number any more
		return 0, err
	}
	b := n.block(counter)
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-b.turn }()
	if last := len(b.spare) - 1; last >= 0 {
		number := b.spare[last]
		b.spare = b.spare[:last]
		return number, nil
	}
	if b.next == b.end {
		first, err := n.journal.Take(ctx, counter, block)
		if err != nil {
			return 0, err
		}
		b.next, b.end = first, first+block
	}
	b.next++
	return b.next - 1, nil
}

// unused gives a number to whoever asks next. Numbers of before forget stay out: their block
// is gone.
func (n *numbers) unused(counter string, number int64) {
	b := n.block(counter)
	b.turn <- struct{}{}
	defer func() { <-b.turn }()
	if b.end-block <= number && number < b.next {
		b.spare = append(b.spare, number)
	}
}

// forget drops what is left of all blocks: the books do not know that they were taken.
func (n *numbers) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.blocks = nil
}

func (n *numbers) block(counter string) *numberBlock {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.blocks == nil {
		n.blocks = map[string]*numberBlock{}
	}
	if n.blocks[counter] == nil {
		n.blocks[counter] = &numberBlock{turn: make(chan struct{}, 1)}
	}
	return n.blocks[counter]
}
