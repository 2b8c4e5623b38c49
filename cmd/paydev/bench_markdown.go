package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// markdown writes the report as docs/benchmark.md has it, with the picture that lies beside
// it, if there is one.
func (r *report) markdown(out io.Writer, picture string) error {
	var text strings.Builder
	if picture != "" {
		fmt.Fprintf(&text, "![Throughput, waiting and outages as a picture](%s)\n\n", filepath.Base(picture))
	}
	for _, line := range r.preamble() {
		fmt.Fprintf(&text, "- %s\n", line)
	}
	for _, g := range r.grids(true) {
		fmt.Fprintf(&text, "\n%s%s:\n\n", strings.ToUpper(g.title[:1]), g.title[1:])
		for i, fields := range g.lines() {
			for _, field := range fields {
				text.WriteString("| " + strings.ReplaceAll(field, "|", "\\|") + " ")
			}
			if text.WriteString("|\n"); i == 0 {
				text.WriteString(strings.Repeat("|---", len(g.heads)) + "|\n")
			}
		}
		for _, below := range g.below {
			fmt.Fprintf(&text, "\n%s%s.\n", strings.ToUpper(below[:1]), below[1:])
		}
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(&text, "\n%s\n", w)
	}
	_, err := io.WriteString(out, text.String())
	return err
}
