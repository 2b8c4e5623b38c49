package robokassa

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// deepest is more than any documented element needs; what is nested deeper is no answer.
const deepest = 8

var errXML = errors.New("robokassa: the answer is no XML of the documented form")

// tree is an XML answer by the paths of its elements below the root, without namespaces:
// "State/Code" is 100. Elements come in any order, and some answers lack the namespace.
type tree map[string][]string

// one is the text of an element that stands once. It reports false when it is repeated:
// nobody could say which of the two is meant. An element that is missing is empty.
func (t tree) one(path string) (string, bool) {
	switch all := t[path]; len(all) {
	case 0:
		return "", true
	case 1:
		return all[0], true
	}
	return "", false
}

// parseXML reads one document with the given root. Document types, entities of their own
// and instructions other than the declaration are refused. Errors quote nothing of the body.
func parseXML(body []byte, root string) (tree, error) {
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	t := tree{}
	var path []string
	var text strings.Builder
	done := false
	for {
		token, err := decoder.Token()
		switch {
		case errors.Is(err, io.EOF) && done:
			return t, nil
		case err != nil:
			return nil, errXML
		}
		switch token := token.(type) {
		case xml.StartElement:
			if done || len(path) == deepest || len(path) == 0 && token.Name.Local != root {
				return nil, errXML
			}
			path = append(path, token.Name.Local)
			text.Reset()
		case xml.EndElement:
			name := strings.Join(path[1:], "/")
			t[name] = append(t[name], strings.TrimSpace(text.String()))
			text.Reset()
			path = path[:len(path)-1]
			done = len(path) == 0
		case xml.CharData:
			if len(path) == 0 && len(bytes.TrimSpace(token)) > 0 {
				return nil, errXML
			}
			text.Write(token)
		case xml.Comment:
		case xml.ProcInst:
			if token.Target != "xml" {
				return nil, errXML
			}
		default: // a directive: DOCTYPE and what it could bring
			return nil, errXML
		}
	}
}
