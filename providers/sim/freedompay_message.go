package sim

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// fpMessage is a message of either side: fields in the order in which they came, because the signature counts their places.
type fpMessage []fpField

// fpField is a leaf with a value, or a branch with fields of its own.
type fpField struct {
	name, value string
	inner       fpMessage
}

const (
	fpSig  = "pg_sig"
	fpSalt = "pg_salt"
	fpDeep = 16 // levels of nesting that are read; two are documented
)

var errFPMessage = errors.New("not a Freedom Pay message")

func fpLeaf(name, value string) fpField { return fpField{name: name, value: value} }

// text is the value of a top-level leaf, empty if there is none.
func (m fpMessage) text(name string) string {
	for _, f := range m {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func (m fpMessage) has(name string) bool {
	return slices.ContainsFunc(m, func(f fpField) bool { return f.name == name })
}

// set replaces a top-level leaf, or adds it at the end.
func (m *fpMessage) set(name, value string) {
	for i := range *m {
		if (*m)[i].name == name {
			(*m)[i] = fpLeaf(name, value)
			return
		}
	}
	*m = append(*m, fpLeaf(name, value))
}

// add appends what has a value: what is not known is not sent.
func (m *fpMessage) add(name, value string) {
	if value != "" {
		*m = append(*m, fpLeaf(name, value))
	}
}

// without copies the message less some top-level fields.
func (m fpMessage) without(names ...string) fpMessage {
	return slices.DeleteFunc(slices.Clone(m), func(f fpField) bool { return slices.Contains(names, f.name) })
}

// leaves flattens the message: a leaf's name is its own and its parents', each followed by its place among its siblings in
// three digits. pg_sig is left out and still takes a place (section 3, the official signer).
func (m fpMessage) leaves(parent string) []fpField {
	var out []fpField
	for i, f := range m {
		if f.name == fpSig {
			continue
		}
		name := fmt.Sprintf("%s%s%03d", parent, f.name, i+1)
		if f.inner != nil {
			out = append(out, f.inner.leaves(name)...)
			continue
		}
		out = append(out, fpLeaf(name, f.value))
	}
	return out
}

// sign is the signature of both sides: MD5 of the script's name, the values in the order of their flat names, and the secret.
func (m fpMessage) sign(script, secret string) string {
	leaves := m.leaves("")
	slices.SortStableFunc(leaves, func(a, b fpField) int { return cmp.Compare(a.name, b.name) })
	parts := []string{script}
	for _, f := range leaves {
		parts = append(parts, f.value)
	}
	sum := md5.Sum([]byte(strings.Join(append(parts, secret), ";")))
	return hex.EncodeToString(sum[:])
}

// xml writes the message under a root element.
func (m fpMessage) xml(root string) []byte {
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	m.element(&out, root)
	return out.Bytes()
}

func (m fpMessage) element(out *bytes.Buffer, name string) {
	out.WriteString("<" + name + ">")
	for _, f := range m {
		if f.inner != nil {
			f.inner.element(out, f.name)
			continue
		}
		out.WriteString("<" + f.name + ">")
		_ = xml.EscapeText(out, []byte(f.value)) // a buffer takes everything
		out.WriteString("</" + f.name + ">")
	}
	out.WriteString("</" + name + ">")
}

// form writes the message as PHP reads forms, a branch as name[inner]; parent is empty at the top.
func (m fpMessage) form(parent string) string {
	var pairs []string
	for _, f := range m {
		name := f.name
		if parent != "" {
			name = parent + "[" + name + "]"
		}
		if f.inner != nil {
			pairs = append(pairs, f.inner.form(name))
			continue
		}
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(f.value))
	}
	return strings.Join(pairs, "&")
}

// fpParseForm reads a form, as PHP does: in order, name[inner] is a branch, name[] counts by itself, and a name that comes again
// replaces the value and keeps the place.
func fpParseForm(raw string) (fpMessage, error) {
	var m fpMessage
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		escaped, value, _ := strings.Cut(pair, "=")
		name, errName := url.QueryUnescape(escaped)
		value, errValue := url.QueryUnescape(value)
		if errName != nil || errValue != nil {
			return nil, errFPMessage
		}
		if err := m.put(name, value); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// put stores one form field.
func (m *fpMessage) put(name, value string) error {
	head, rest, nested := strings.Cut(name, "[")
	path := []string{head}
	if nested {
		inner, closed := strings.CutSuffix(rest, "]")
		if !closed {
			return errFPMessage
		}
		path = append(path, strings.Split(inner, "][")...)
	}
	if head == "" || len(path) > fpDeep {
		return errFPMessage
	}
	at := m
	for i, step := range path {
		if step == "" {
			step = fmt.Sprint(len(*at))
		}
		j := slices.IndexFunc(*at, func(f fpField) bool { return f.name == step })
		if j < 0 {
			*at = append(*at, fpLeaf(step, ""))
			j = len(*at) - 1
		}
		f := &(*at)[j]
		if i == len(path)-1 {
			f.value, f.inner = value, nil
			return nil
		}
		if f.inner == nil {
			f.value, f.inner = "", fpMessage{}
		}
		at = &f.inner
	}
	return nil
}

// fpParseXML reads a message under the given root. A document that declares anything, such as entities, is refused.
func fpParseXML(body []byte, root string) (fpMessage, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var m fpMessage
	seen := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && seen {
			return m, nil
		}
		if err != nil {
			return nil, errFPMessage
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errFPMessage
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return nil, errFPMessage
			}
		case xml.StartElement:
			if seen || t.Name.Local != root {
				return nil, errFPMessage
			}
			seen = true
			f, err := fpElement(d, t, 0)
			if err != nil {
				return nil, err
			}
			m = f.inner
		}
	}
}

// fpElement reads one element to its end.
func fpElement(d *xml.Decoder, start xml.StartElement, depth int) (fpField, error) {
	f := fpField{name: start.Name.Local}
	var text strings.Builder
	for depth < fpDeep {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := fpElement(d, t, depth+1)
			if err != nil {
				return f, err
			}
			f.inner = append(f.inner, child)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if f.inner == nil {
				f.value = text.String()
			}
			return f, nil
		case xml.Directive, xml.ProcInst:
			return f, errFPMessage
		}
	}
	return f, errFPMessage
}
