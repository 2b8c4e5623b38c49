package identity

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	lookEvery = time.Second // a file is looked at no more often
	mostRead  = 1 << 20     // bytes of a file; a system's whole bundle of authorities has a quarter of it
)

// kept is what was made of files. It is made again when they change.
type kept[T any] struct {
	files []string
	make  func(contents [][]byte) (T, error)
	log   *slog.Logger
	value atomic.Pointer[T] // what is in force

	mu      sync.Mutex
	looked  time.Time         // when the files were read last
	judged  [sha256.Size]byte // what was in them when something was made of them last
	verdict error             // why nothing could be
	said    string            // what is wrong with them, as it was logged
}

// keep reads the files for the first time, and returns why they are no good, if they are not.
func keep[T any](log *slog.Logger, from func([][]byte) (T, error), files ...string) (*kept[T], error) {
	k := &kept[T]{files: files, make: from, log: log, looked: time.Now()}
	contents, err := k.read()
	if err != nil {
		return nil, err
	}
	value, err := from(contents)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(files, " and "), err)
	}
	k.judged = digest(contents)
	k.value.Store(&value)
	return k, nil
}

// current is what is in force. One caller looks at the files when it is time to; the others go
// on meanwhile with what there is.
func (k *kept[T]) current() T {
	if k.mu.TryLock() {
		if now := time.Now(); now.Sub(k.looked) >= lookEvery || now.Before(k.looked) {
			k.looked = now
			k.look()
		}
		k.mu.Unlock()
	}
	return *k.value.Load()
}

// look takes the files up if they changed and are good, and says once why not. It holds the lock.
func (k *kept[T]) look() {
	contents, err := k.read()
	if err == nil {
		if seen := digest(contents); seen != k.judged {
			var value T
			k.judged = seen
			if value, k.verdict = k.make(contents); k.verdict == nil {
				k.value.Store(&value)
				k.log.Info("a file changed and was taken up", "files", k.files)
			}
		}
		err = k.verdict
	}
	switch {
	case err == nil:
		k.said = ""
	case err.Error() != k.said:
		k.said = err.Error()
		k.log.Error("a file is no good; what was in force stays in force", "files", k.files, "error", k.said)
	}
}

func (k *kept[T]) read() ([][]byte, error) {
	var contents [][]byte
	for _, name := range k.files {
		content, err := read(name)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func read(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, mostRead+1))
	if err == nil && len(content) > mostRead {
		err = fmt.Errorf("%s is longer than %d bytes", name, mostRead)
	}
	return content, err
}

// digest is the same for the same contents of the same number of files.
func digest(contents [][]byte) [sha256.Size]byte {
	var all []byte
	for _, content := range contents {
		sum := sha256.Sum256(content)
		all = append(all, sum[:]...)
	}
	return sha256.Sum256(all)
}
