package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// canvas writes an SVG: shapes and texts whose looks are classes of one style sheet, so that
// the picture follows the reader's light or dark theme. It names no font that must be fetched.
type canvas struct {
	width, height float64
	shapes        strings.Builder
}

// Where a text stands against its x.
const (
	atStart  = "start"
	atMiddle = "middle"
	atEnd    = "end"
)

func escaped(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a Builder takes everything
	return out.String()
}

func (c *canvas) text(x, y float64, class, anchor, format string, args ...any) {
	fmt.Fprintf(&c.shapes, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">%s</text>\n", x, y, class, anchor, escaped(fmt.Sprintf(format, args...)))
}

// rect draws a filled rectangle; whoever points at it reads the hint, unless that is empty.
func (c *canvas) rect(x, y, width, height float64, class, hint string) {
	fmt.Fprintf(&c.shapes, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"", x, y, width, height, class)
	if hint == "" {
		c.shapes.WriteString("/>\n")
		return
	}
	fmt.Fprintf(&c.shapes, "><title>%s</title></rect>\n", escaped(hint))
}

func (c *canvas) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&c.shapes, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class)
}

func (c *canvas) dot(x, y, radius float64, class string) {
	fmt.Fprintf(&c.shapes, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" class=\"%s\"/>\n", x, y, radius, class)
}

// svg is the whole picture, with what it is called and what it shows for those who cannot see it.
func (c *canvas) svg(title, description, style string) []byte {
	return fmt.Appendf(nil, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\">\n"+
		"<title>%s</title>\n<desc>%s</desc>\n<style>%s</style>\n<rect width=\"100%%\" height=\"100%%\" class=\"ground\"/>\n%s</svg>\n",
		c.width, c.height, c.width, c.height, escaped(title), escaped(description), style, c.shapes.String())
}
