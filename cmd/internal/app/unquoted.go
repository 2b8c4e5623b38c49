package app

import (
	"errors"
	"regexp"
)

// What the YAML library quotes of values. A secret that is not in quotes and begins with
// * or ! is read as an alias or a tag, and would stand in the error.
var (
	quotedAlias = regexp.MustCompile(`unknown anchor '[^\n]*' referenced`)
	quotedValue = regexp.MustCompile("(cannot construct \\S+) `[^\n]*` (as a )")
)

// unquoted is an error of the YAML library without what may be a secret: errors of a
// configuration go to logs and chats (I13).
func unquoted(err error) error {
	told := err.Error()
	text := quotedAlias.ReplaceAllString(told, "unknown anchor: put a value that begins with * in quotes")
	text = quotedValue.ReplaceAllString(text, "$1 $2")
	if text == told {
		return err
	}
	return errors.New(text)
}
