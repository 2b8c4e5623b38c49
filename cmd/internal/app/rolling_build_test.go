//go:build unix

package app_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build is the real program, in one version.
type build struct{ version, binary string }

// builds makes the program as it is and as it was: in the last release or, while there is
// none, in the last commit whose schema lacks today's newest step. Where the sources have no
// history, both are of the same sources and only their names differ.
func builds(t *testing.T, w *world) (before, after build) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil || testing.Short() {
		t.Skip("it builds the service, twice")
	}
	after = build{"after", filepath.Join(w.dir, "payrouter-after")}
	before = build{"before", filepath.Join(w.dir, "payrouter-before")}
	w.must(after.make(root))
	commit, folder := earlier(root), filepath.Join(w.dir, "before")
	err := fmt.Errorf("no earlier version: %w", errors.ErrUnsupported)
	if commit != "" {
		if err = unpack(commit, folder); err == nil {
			err = before.make(folder)
		}
		if err == nil { // a setting that it does not know is one of the test's
			_, err = before.run(w, "check")
		}
	}
	if err != nil {
		t.Logf("TWO NAMES OF ONE VERSION, not two versions: %v", err)
		w.must(before.make(root))
	} else {
		t.Logf("the version before is %s", commit)
	}
	return before, after
}

// make compiles the program from the sources in a folder. Nothing but the program's own packages
// is compiled for it: with -trimpath all that it stands on would be, for the tests are built without.
func (b build) make(folder string) error {
	command := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-X main.version="+b.version, "-o", b.binary, "./cmd/payrouter")
	command.Dir = folder
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// command is a command of the program on the world's books.
func (b build) command(w *world, args ...string) *exec.Cmd {
	command := exec.Command(b.binary, append([]string{"--config", w.config}, args...)...)
	command.Env = append(os.Environ(), childStore+"="+w.url)
	return command
}

func (b build) run(w *world, args ...string) (string, error) {
	out, err := b.command(w, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %q: %w\n%s", b.version, args, err, out)
	}
	return string(out), err
}

// earlier is the commit of the last release before this one or, without a release, the last
// one whose schema lacks steps of today's; empty where git knows of neither.
func earlier(folder string) string {
	ask := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", folder}, args...)...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	if release := ask("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^"); release != "" {
		return ask("rev-parse", "--verify", "--quiet", release+"^{commit}")
	}
	for _, step := range strings.Fields(ask("log", "--format=%H", "--diff-filter=A", "--", migrations)) {
		before := ask("rev-parse", "--verify", "--quiet", step+"^")
		if before != "" && gapless(strings.Fields(ask("ls-tree", "--name-only", before+":"+migrations))) {
			return before
		}
	}
	return ""
}

// migrations are the steps of the schema.
const migrations = "router/journal/migrations"

// gapless reports whether there are steps, and none is missing before a later one. Of two
// steps that were made beside each other the later one may come in first: what stands
// between them is no version that anybody ever ran.
func gapless(steps []string) bool {
	numbers := map[string]bool{}
	for _, name := range steps {
		number, _, _ := strings.Cut(name, "_")
		numbers[number] = true
	}
	return len(numbers) > 0 && slices.Max(slices.Collect(maps.Keys(numbers))) == fmt.Sprintf("%05d", len(numbers))
}

// unpack writes the sources of a commit into a folder.
func unpack(commit, folder string) error {
	archive, err := exec.Command("git", "-C", root, "archive", "--format=tar", commit).Output()
	if err != nil {
		return fmt.Errorf("git archive %s: %w", commit, err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	inside, err := os.OpenRoot(folder) // no name in the archive leads out of it
	if err != nil {
		return err
	}
	defer inside.Close()
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		file, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("git archive %s: %w", commit, err)
		case file.Typeflag == tar.TypeDir:
			err = inside.MkdirAll(filepath.Clean(file.Name), 0o700)
		case file.Typeflag == tar.TypeReg:
			err = writeTo(inside, filepath.Clean(file.Name), files)
		}
		if err != nil {
			return err
		}
	}
}

func writeTo(inside *os.Root, name string, from io.Reader) error {
	text, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return inside.WriteFile(name, text, 0o600)
}

// TestTheVersionBeforeIsOneThatSomebodyCouldRun keeps the test of two versions honest: it had
// begun with a version that has a step of the schema and lacks the one before it.
func TestTheVersionBeforeIsOneThatSomebodyCouldRun(t *testing.T) {
	folder := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", append([]string{"-C", folder, "-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	t.Setenv("GIT_DIR", filepath.Join(folder, ".git")) // whoever runs the tests, as a hook of git does, may have set them
	t.Setenv("GIT_INDEX_FILE", filepath.Join(folder, ".git", "index"))
	git("init", "--quiet")
	if err := os.MkdirAll(filepath.Join(folder, migrations), 0o700); err != nil {
		t.Fatal(err)
	}
	comes := func(names ...string) string {
		t.Helper()
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(folder, migrations, name), []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git("add", ".")
		git("commit", "--quiet", "--allow-empty", "--message", "a version")
		return git("rev-parse", "HEAD")
	}
	comes("00001_books.sql")
	if found := earlier(folder); found != "" {
		t.Errorf("before the first version there is %s", found)
	}
	first := comes()
	comes("00003_later.sql") // made beside the second, and merged before it
	comes("00002_a.postgresql.sql", "00002_a.sqlite.sql")
	comes()
	if found := earlier(folder); found != first {
		t.Errorf("the version before is %q, want %q", found, first)
	}
	last := comes("00004_last.sql")
	comes("00005_today.sql")
	if found := earlier(folder); found != last {
		t.Errorf("the version before is %q, want %q", found, last)
	}
	git("tag", "v0.1.0", first)
	if found := earlier(folder); found != first {
		t.Errorf("the version before is %q, want the release's", found)
	}
}
