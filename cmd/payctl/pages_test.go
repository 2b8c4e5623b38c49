package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What pages tell people to type exists: a tired person does not look for the right word.
func TestTheCommandsThatPagesNameExist(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile("(?m)(?:`|^|/)payctl ([^`\n#|]+)")
	named := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range command.FindAllStringSubmatch(string(text), -1) {
			named++
			if fault := misnamed(strings.Fields(found[1])); fault != "" {
				t.Errorf("%s: payctl %s: %s", filepath.Base(page), strings.TrimSpace(found[1]), fault)
			}
		}
	}
	if named < 40 {
		t.Errorf("only %d commands were found", named)
	}
	for line, right := range map[string]bool{"payment list --at-risk": true, "payment lst": false, "drain kaspi-main --fro 1h": false, "gateways": true, "explode PAYMENT": false} {
		if fault := misnamed(strings.Fields(line)); (fault == "") != right {
			t.Errorf("payctl %s: %q", line, fault)
		}
	}
}

// misnamed says what of a command line payctl does not have.
func misnamed(words []string) string {
	cmd, rest, err := (&client{out: io.Discard}).root(io.Discard).Find(words)
	if err != nil {
		return err.Error()
	}
	if cmd.HasAvailableSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return rest[0] + " is no command of " + cmd.CommandPath()
	}
	for _, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(strings.TrimRight(name, ".,:;)"), "=")
		if isFlag && name != "help" && cmd.Flag(name) == nil {
			return "it has no flag --" + name
		}
	}
	return ""
}
