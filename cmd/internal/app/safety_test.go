package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page that maps promises to tests names tests that exist.
func TestThePageOfPromisesNamesTestsThatExist(t *testing.T) {
	page := read(t, "docs/safety.md")
	exists := map[string]bool{}
	definition := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range definition.FindAllStringSubmatch(string(text), -1) {
			exists[found[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(page, -1)
	if len(named) < 60 {
		t.Errorf("the page names only %d tests", len(named))
	}
	for _, name := range named {
		if !exists[name[1]] {
			t.Errorf("docs/safety.md names %s, and no test is called so", name[1])
		}
	}
	for _, id := range strings.Fields("I1 I2 I3 I4 I5 I6 I7 I8 I9 I10 I11 I12 I13 L1 L2 L3 L4 L5") {
		if !strings.Contains(page, "| "+id+" |") {
			t.Errorf("docs/safety.md has no row for %s", id)
		}
	}
}
