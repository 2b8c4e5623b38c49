package statement

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
	"time"
)

// How much a workbook may hold, unpacked. A zip of some kilobytes can be made to hold any
// number of gigabytes, so that whatever is read into memory has an end.
const (
	largestPart  = 1 << 20   // of those that say where the others are
	largestSheet = 2 << 30   // read as a stream
	largestTexts = 512 << 20 // the table of texts, read as a stream
	mostText     = 128 << 20 // of that table, without its XML, kept in memory
	mostTexts    = 8 << 20
	deepest      = 64 // elements within each other; a sheet has eight
)

// workbook is the zip that an XLSX file is, opened part by part: pictures, styles and what
// else a file may contain stay packed.
type workbook struct {
	source *source
	parts  map[string]*zip.File // by their names in lower case: no two differ by case only
	path   string               // of the part that names the sheets
	epoch  time.Time
	sheets []sheet
	texts  texts
}

type sheet struct {
	name, part string
	hidden     bool
}

// source notes an error of reading that is not the file's fault.
type source struct {
	io.ReaderAt
	err error
}

func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 { // a zip that says its parts stand before it
		return 0, io.ErrUnexpectedEOF
	}
	n, err := s.ReaderAt.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// ole is how files begin that hold an older or an encrypted workbook.
var ole = []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}

// openWorkbook finds the sheets of a file.
func openWorkbook(file *source, size int64) (*workbook, error) {
	begin := make([]byte, len(ole))
	if n, _ := file.ReadAt(begin, 0); bytes.Equal(begin[:n], ole) {
		return nil, &Refused{Why: "it is protected by a password, or of Excel before 2007: save it as .xlsx, without a password"}
	}
	z, err := zip.NewReader(file, size)
	switch {
	case file.err != nil:
		return nil, file.err
	case err != nil:
		return nil, &Refused{Why: "it is no XLSX file"}
	}
	w := &workbook{source: file, parts: map[string]*zip.File{}}
	for _, f := range z.File {
		name := strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))
		if _, twice := w.parts[name]; twice {
			return nil, &Refused{Why: "it has two parts of one name"}
		}
		w.parts[name] = f
	}
	top, err := w.relations("")
	if err != nil {
		return nil, err
	}
	for _, r := range top {
		if r.is("officeDocument") {
			w.path = r.target
		}
	}
	return w, w.list()
}

// list reads what the workbook says about its sheets.
func (w *workbook) list() error {
	var book struct {
		Properties struct {
			From1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := w.decode(w.path, &book); err != nil {
		return err
	}
	// Day 60 of this epoch is the 29th of February 1900, which never was; from then on it
	// is right.
	w.epoch = time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)
	if from := book.Properties.From1904; from == "1" || from == "true" {
		w.epoch = time.Date(1904, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	all, err := w.relations(w.path)
	if err != nil {
		return err
	}
	for _, s := range book.Sheets {
		for _, r := range all {
			if r.ID == s.ID && r.is("worksheet") { // and no chart on a sheet of its own
				w.sheets = append(w.sheets, sheet{name: s.Name, part: r.target, hidden: s.State != "" && s.State != "visible"})
			}
		}
	}
	for _, r := range all {
		if r.is("sharedStrings") {
			w.texts.part = r.target
		}
	}
	return nil
}

// sheet finds one by its name, or the only one that is shown: more may hold more payments,
// and to leave them out would be to believe half of a file.
func (w *workbook) sheet(name string) (sheet, error) {
	var shown []sheet
	for _, s := range w.sheets {
		switch {
		case name != "" && s.name == name:
			return s, nil
		case !s.hidden:
			shown = append(shown, s)
		}
	}
	switch {
	case name != "":
		return sheet{}, &Refused{Why: "it has no sheet of the format's name"}
	case len(shown) == 0:
		return sheet{}, &Refused{Why: "it has no sheet that is shown"}
	case len(shown) > 1:
		return sheet{}, &Refused{Why: "it has several sheets, and the format names none"}
	}
	return shown[0], nil
}

// relation is where a part finds another one.
type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
	target string // its whole path
}

// is compares the last word of a type: the addresses before it come in two versions.
func (r relation) is(kind string) bool { return path.Base(r.Type) == kind }

func (w *workbook) relations(of string) ([]relation, error) {
	var all struct {
		Relations []relation `xml:"Relationship"`
	}
	dir, file := path.Split(of)
	if err := w.decode(path.Join(dir, "_rels", file+".rels"), &all); err != nil {
		return nil, err
	}
	for i, r := range all.Relations {
		if !strings.HasPrefix(r.Target, "/") {
			r.Target = path.Join("/", dir, r.Target)
		}
		all.Relations[i].target = path.Clean(r.Target)[1:]
	}
	return all.Relations, nil
}

// decode reads a small part whole.
func (w *workbook) decode(name string, into any) error {
	in, err := w.open(name, largestPart)
	if err != nil {
		return err
	}
	defer in.Close()
	all, err := io.ReadAll(io.LimitReader(in, largestPart))
	if err != nil {
		return w.damaged(err)
	}
	if err := xml.Unmarshal(all, into); err != nil {
		return w.damaged(err)
	}
	return nil
}

func (w *workbook) open(name string, most uint64) (io.ReadCloser, error) {
	part, there := w.parts[strings.ToLower(name)]
	switch {
	case !there:
		return nil, &Refused{Why: "it is no XLSX file, or a part of it is missing"}
	case part.UncompressedSize64 > most: // which the reader of the zip holds it to
		return nil, &Refused{Why: "a part of it is too large when it is unpacked"}
	}
	in, err := part.Open()
	if err != nil {
		return nil, w.damaged(err)
	}
	return in, nil
}

// damaged is why a part cannot be read to its end.
func (w *workbook) damaged(err error) error {
	switch {
	case w.source.err != nil:
		return w.source.err
	case errors.Is(err, errLong):
		return &Refused{Why: "a cell is longer than 64 KiB"}
	case errors.Is(err, errDeep):
		return &Refused{Why: "its XML is no spreadsheet's"}
	}
	return &Refused{Why: "a part of it is damaged"}
}

var errDeep = errors.New("elements without end")

// tokens is a stream of XML that takes no more memory than one of its cells.
type tokens struct {
	decoder *xml.Decoder
	from    *bounded
	depth   int
}

func newTokens(in io.Reader) *tokens {
	from := &bounded{from: in}
	return &tokens{decoder: xml.NewDecoder(from), from: from}
}

// next is the next token, or io.EOF after the last one of a document that is complete.
func (t *tokens) next() (xml.Token, error) {
	t.from.left = longestRow
	token, err := t.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token.(type) {
	case xml.StartElement:
		if t.depth++; t.depth > deepest {
			return nil, errDeep
		}
	case xml.EndElement:
		t.depth--
	}
	return token, nil
}

// texts are those that cells share, one after the other.
type texts struct {
	part string // empty where a file has none
	all  []byte
	ends []int32
}

func (t *texts) at(i int) (string, bool) {
	if i < 0 || i >= len(t.ends) {
		return "", false
	}
	start := int32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return string(t.all[start:t.ends[i]]), true
}

// readTexts reads the table of texts: of each the letters, without how they look, nor how
// they are pronounced.
func (w *workbook) readTexts(ctx context.Context) error {
	t := &w.texts
	if t.part == "" {
		return nil
	}
	part, err := w.open(t.part, largestTexts)
	if err != nil {
		return err
	}
	defer part.Close()
	in := newTokens(part)
	var within letters
	for {
		token, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.damaged(err)
		}
		t.all = append(t.all, within.of(token)...)
		if end, ok := token.(xml.EndElement); ok && end.Name.Local == "si" {
			t.ends = append(t.ends, int32(len(t.all)))
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if len(t.all) > mostText || len(t.ends) > mostTexts {
			return &Refused{Why: "it holds more text than a statement has"}
		}
	}
}

// letters finds the text in what a text is made of: <t>, in runs of one look <r>, and how it
// is pronounced <rPh>, which is none of it.
type letters struct{ text, spoken bool }

func (l *letters) of(token xml.Token) xml.CharData {
	switch token := token.(type) {
	case xml.StartElement:
		switch token.Name.Local {
		case "t":
			l.text = true
		case "rPh":
			l.spoken = true
		}
	case xml.EndElement:
		switch token.Name.Local {
		case "t":
			l.text = false
		case "rPh":
			l.spoken = false
		}
	case xml.CharData:
		if l.text && !l.spoken {
			return token
		}
	}
	return nil
}
