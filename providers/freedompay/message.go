package freedompay

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
)

// node is a message, or one field of it. A field has a value or fields of its own. The
// order is that of the message, for signatures go by it.
type node struct {
	name     string
	value    string
	children []node
}

// flat makes a message without nested fields of names and values.
func flat(pairs ...string) node {
	var m node
	for i := 0; i+1 < len(pairs); i += 2 {
		m.add(pairs[i], pairs[i+1])
	}
	return m
}

func (m *node) add(name, value string) {
	m.children = append(m.children, node{name: name, value: value})
}

// offer adds a field that is left out when it has no value.
func (m *node) offer(name, value string) {
	if value != "" {
		m.add(name, value)
	}
}

// text is the value of a field of the message, or nothing. A field that is there twice
// could be either, so it has no value.
func (m node) text(name string) string {
	value, _ := m.told(name)
	return value
}

// told also says whether the field is there, once and with a value that is no tree.
func (m node) told(name string) (string, bool) {
	found, count := "", 0
	for _, child := range m.children {
		if child.name == name {
			found, count = child.value, count+1
			if len(child.children) > 0 {
				return "", false
			}
		}
	}
	if count != 1 {
		return "", false
	}
	return found, true
}

// list is the fields called name inside fields called outer.
func (m node) list(outer, name string) []node {
	var found []node
	for _, child := range m.children {
		if child.name != outer {
			continue
		}
		for _, inner := range child.children {
			if inner.name == name {
				found = append(found, inner)
			}
		}
	}
	return found
}

// Bounds of what is read. An answer has some thirty fields and a record for each refund;
// a position has three digits in the rule of signatures.
const (
	deepest      = 6
	mostFields   = 20_000
	mostSiblings = 999
)

var (
	errNotXML    = errors.New("freedompay: the answer is not XML as documented")
	errForbidden = errors.New("freedompay: the answer has a document type, an instruction or a namespace")
	errTooDeep   = errors.New("freedompay: the answer has too many fields")
)

// parseXML reads <response> or <request>. Document types, and with them entities of
// one's own, instructions, namespaces and texts among fields are refused. Errors quote
// nothing of the body.
func parseXML(body []byte, root string) (node, error) {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\ufeff"))) // a byte order mark is no text
	d := xml.NewDecoder(bytes.NewReader(body))
	top := &node{}
	path := []*node{top}
	fields, begun := 0, false
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return node{}, errNotXML
		}
		at := path[len(path)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Space != "" {
				return node{}, errForbidden
			}
			if fields++; fields > mostFields || len(path) > deepest || len(at.children) >= mostSiblings {
				return node{}, errTooDeep
			}
			if at == top && len(top.children) > 0 || strings.TrimSpace(at.value) != "" {
				return node{}, errNotXML
			}
			at.children = append(at.children, node{name: t.Name.Local})
			path = append(path, &at.children[len(at.children)-1])
		case xml.EndElement:
			if at == top || at.name != t.Name.Local || t.Name.Space != "" {
				return node{}, errNotXML
			}
			if len(at.children) > 0 {
				at.value = "" // the white space between its fields
			}
			path = path[:len(path)-1]
		case xml.CharData:
			blank := len(bytes.TrimSpace(t)) == 0
			if !blank && (at == top || len(at.children) > 0) {
				return node{}, errNotXML
			}
			if at != top {
				at.value += string(t)
			}
		case xml.ProcInst:
			if t.Target != "xml" || begun {
				return node{}, errForbidden
			}
		case xml.Directive:
			return node{}, errForbidden
		}
		begun = true
	}
	if len(path) != 1 || len(top.children) != 1 || top.children[0].name != root {
		return node{}, errNotXML
	}
	return top.children[0], nil
}

// writeXML writes a flat message as <response>.
func (m node) writeXML() []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n<response>")
	for _, field := range m.children {
		b.WriteString("<" + field.name + ">")
		_ = xml.EscapeText(&b, []byte(field.value)) // a bytes.Buffer takes everything
		b.WriteString("</" + field.name + ">")
	}
	b.WriteString("</response>\n")
	return b.Bytes()
}

// writeForm writes a flat message as a form, in its order.
func (m node) writeForm() []byte {
	var b bytes.Buffer
	for i, field := range m.children {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(field.name) + "=" + url.QueryEscape(field.value))
	}
	return b.Bytes()
}

var errForm = errors.New("freedompay: the form is malformed")

// parseForm reads a form or a query in its order; url.Values would forget it. Names such
// as a[b] make nested fields, and no field may be there twice.
func parseForm(text string) (node, error) {
	var form node
	fields := 0
	for text != "" {
		var pair string
		pair, text, _ = strings.Cut(text, "&")
		if pair == "" {
			continue
		}
		if fields++; fields > mostSiblings {
			return node{}, errForm
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawValue)
		if err != nil || err2 != nil {
			return node{}, errForm
		}
		names, ok := steps(name)
		if !ok || !form.put(names, value) {
			return node{}, errForm
		}
	}
	if len(form.children) == 0 {
		return node{}, errForm
	}
	return form, nil
}

// steps cuts a[b][c] into a, b and c.
func steps(name string) ([]string, bool) {
	first, rest, nested := strings.Cut(name, "[")
	if first == "" || strings.Contains(first, "]") {
		return nil, false
	}
	names := []string{first}
	for nested {
		step, after, closed := strings.Cut(rest, "]")
		if !closed || step == "" || strings.Contains(step, "[") || len(names) >= deepest {
			return nil, false
		}
		names = append(names, step)
		if after == "" {
			return names, true
		}
		if after[0] != '[' {
			return nil, false
		}
		rest = after[1:]
	}
	return names, true
}

// put stores a value under nested names, each at the place of its first coming.
func (m *node) put(names []string, value string) bool {
	i := slices.IndexFunc(m.children, func(n node) bool { return n.name == names[0] })
	switch {
	case len(names) == 1 && i < 0:
		m.add(names[0], value)
		return true
	case len(names) == 1:
		return false
	case i < 0:
		m.add(names[0], "")
		i = len(m.children) - 1
	case len(m.children[i].children) == 0:
		return false // it has a value already
	}
	return m.children[i].put(names[1:], value)
}
