package journal

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	"github.com/payrouter/payrouter/router/payment"
)

// A packed history is one byte that says how it is written, and its events from the first on,
// compressed: when, by whom, kind, body and writer of each, texts after their lengths. A
// checksum goes with them. The bodies are kept byte for byte.
const packedForm = 1

// packedWords is what histories have in common, from which even a short one is packed well.
// Every byte of it is needed to read what was packed with it: another one is another form.
//
//go:embed packed.words
var packedWords []byte

var errPacked = errors.New("an archived history cannot be read")

// packers are kept: one needs far more memory than a history.
var packers = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevelDict(io.Discard, zlib.BestCompression, packedWords)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// pack writes a history for the archive. Its events must be all from the first on.
func pack(history []storedEvent) ([]byte, error) {
	var plain []byte
	for i, e := range history {
		if e.Seq != int64(i+1) {
			return nil, fmt.Errorf("event %d is in the place of %d", e.Seq, i+1)
		}
		plain = binary.AppendVarint(plain, micros(e.At))
		for _, text := range []string{e.Actor, e.kind, e.body, e.writer} {
			plain = append(binary.AppendUvarint(plain, uint64(len(text))), text...)
		}
	}
	var out bytes.Buffer
	out.WriteByte(packedForm)
	w, ok := packers.Get().(*zlib.Writer)
	if !ok {
		return nil, errors.New("the packers are none")
	}
	defer packers.Put(w)
	w.Reset(&out)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unpack reads what pack wrote.
func unpack(packed []byte) ([]storedEvent, error) {
	if len(packed) == 0 {
		return nil, fmt.Errorf("%w: it is empty", errPacked)
	}
	if packed[0] != packedForm {
		return nil, fmt.Errorf("%w: %w, which wrote form %d", errPacked, payment.ErrUnreadable, packed[0])
	}
	r, err := zlib.NewReaderDict(bytes.NewReader(packed[1:]), packedWords)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPacked, err)
	}
	var history []storedEvent
	for len(plain) > 0 {
		at, n := binary.Varint(plain)
		if n <= 0 {
			return nil, fmt.Errorf("%w: event %d has no time", errPacked, len(history)+1)
		}
		plain = plain[n:]
		e := storedEvent{Event: payment.Event{Seq: int64(len(history) + 1), At: instant(at)}}
		for _, text := range []*string{&e.Actor, &e.kind, &e.body, &e.writer} {
			size, n := binary.Uvarint(plain)
			if n <= 0 || size > uint64(len(plain)-n) {
				return nil, fmt.Errorf("%w: event %d is cut off", errPacked, e.Seq)
			}
			*text = string(plain[n : n+int(size)])
			plain = plain[n+int(size):]
		}
		history = append(history, e)
	}
	if len(history) == 0 {
		return nil, fmt.Errorf("%w: no events", errPacked)
	}
	return history, nil
}

// packWell packs a history, and sees that it can be read again, byte for byte.
func packWell(history []storedEvent) ([]byte, error) {
	packed, err := pack(history)
	if err != nil {
		return nil, err
	}
	again, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(again, history) {
		return nil, fmt.Errorf("%w as it was", errPacked)
	}
	return packed, nil
}
