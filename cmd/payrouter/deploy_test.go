package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What deploy/ starts is what there is.
func TestTheFilesThatStartTheServiceNameCommandsThatExist(t *testing.T) {
	for file, form := range map[string]string{
		"../../deploy/systemd/payrouter.service": `(?m)^Exec\w+=/usr/local/bin/payrouter (.*)$`,
		"../../README.md":                        `(?m)bin/payrouter ([^#\n]*)`,
		"../../docs/retention.md":                `(?m)^payrouter ([^#\n]*)#`,
		"../../docs/runbook.md":                  "`payrouter ([a-z][^`\n]*)`",
		"../../docs/identity.md":                 `(?m)^payrouter ([^#\n]*)`,
		"../../docs/safety.md":                   "`payrouter ([a-z][^`\n]*)`",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(form).FindAllStringSubmatch(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s starts nothing", file)
		}
		for _, line := range found {
			cmd, rest, err := root().Find(strings.Fields(line[1]))
			if err != nil || !cmd.Runnable() {
				t.Errorf("%s: payrouter %s is no command: %v", file, line[1], err)
				continue
			}
			for _, word := range rest {
				if name, isFlag := strings.CutPrefix(word, "--"); isFlag && cmd.Flag(strings.SplitN(name, "=", 2)[0]) == nil {
					t.Errorf("%s: payrouter %s has no flag --%s", file, cmd.Name(), name)
				}
			}
		}
	}
}
