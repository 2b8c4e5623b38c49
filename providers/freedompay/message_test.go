package freedompay

import (
	"strings"
	"testing"
)

func TestOnlyPlainXMLIsRead(t *testing.T) {
	refused := map[string]string{
		"nothing":                 "",
		"text":                    "OK",
		"JSON":                    `{"pg_status":"ok"}`,
		"another root":            "<xml/>",
		"two roots":               "<response/><response/>",
		"a document type":         `<!DOCTYPE response [<!ENTITY x "y">]><response><a>&x;</a></response>`,
		"an outside entity":       `<!DOCTYPE response SYSTEM "file:///etc/passwd"><response/>`,
		"an entity of its own":    "<response><a>&x;</a></response>",
		"an instruction":          `<?xml version="1.0"?><?php echo 1 ?><response/>`,
		"an instruction inside":   `<response><?xml version="1.0"?></response>`,
		"another encoding":        `<?xml version="1.0" encoding="windows-1251"?><response><a>b</a></response>`,
		"a namespace":             `<x:response xmlns:x="urn:x"/>`,
		"a namespace inside":      `<response><x:a>1</x:a></response>`,
		"text among fields":       "<response>x<a>1</a></response>",
		"text after fields":       "<response><a>1</a>x</response>",
		"text after the root":     "<response/>x",
		"half of it":              "<response><a>1</a>",
		"crossed fields":          "<response><a><b></a></b></response>",
		"an end without a start":  "<response></a></response>",
		"bytes that are no UTF-8": "<response><a>\xff</a></response>",
		"too deep a tree":         "<response>" + strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20) + "</response>",
		"too many siblings":       "<response>" + strings.Repeat("<a/>", 1000) + "</response>",
	}
	for name, body := range refused {
		if m, err := parseXML([]byte(body), "response"); err == nil {
			t.Errorf("%s is read as %+v", name, m)
		} else if strings.Contains(err.Error(), "passwd") || strings.Contains(err.Error(), "&x;") {
			t.Errorf("%s: the error quotes it: %v", name, err)
		}
	}
	many := "<response>" + strings.Repeat("<a>"+strings.Repeat("<b/>", 900)+"</a>", 30) + "</response>"
	if _, err := parseXML([]byte(many), "response"); err == nil {
		t.Error("more fields than are read are read")
	}
}

func TestWhatXMLSaysIsKeptAsItStands(t *testing.T) {
	m, err := parseXML([]byte("\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- note --><response lang=\"ru\">\n <a> x &amp; &#1095; </a>\n <b/>\n"+
		" <c><![CDATA[<d>]]></c>\n <list>\n  <item>1</item>\n  <item>2</item>\n </list>\n <e>1</e><e>2</e>\n</response>\n"), "response")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": " x & ч ", "b": "", "c": "<d>", "list": "", "e": "", "absent": ""} {
		if got := m.text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := m.list("list", "item"); len(got) != 2 || got[1].value != "2" {
		t.Errorf("the list is %+v", got)
	}
	if got := strings.Join(m.values(), "|"); got != " x & ч ||<d>|1|2|1|2" {
		t.Errorf("the values are %q", got)
	}
}

func TestFormsKeepTheirOrderAndNest(t *testing.T) {
	m, err := parseForm("b=2&a=%D0%A7+%26&c[y][p]=3&c[x]=4&&c[y][q]=5&d=")
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, child := range m.children {
		order = append(order, child.name)
	}
	if got := strings.Join(order, " "); got != "b a c d" {
		t.Errorf("the order is %s", got)
	}
	if m.text("a") != "Ч &" || m.text("c") != "" {
		t.Errorf("a is %q, c is %q", m.text("a"), m.text("c"))
	}
	if got := strings.Join(m.values(), ";"); got != "Ч &;2;4;3;5;" {
		t.Errorf("the values are %q", got)
	}
	for _, bad := range []string{"", "&", "a=1&a=2", "a=1&a[b]=2", "a[b]=1&a=2", "a[b]=1&a[b]=2", "=1", "[a]=1", "a]=1", "a[=1", "a[]=1", "a[b]c=1", "a[b]c[d]=1",
		"%zz=1", "a=%zz", "a[b][c][d][e][f][g][h]=1", strings.Repeat("a=1&", 2000)} {
		if m, err := parseForm(bad); err == nil {
			t.Errorf("%.40q is read as %+v", bad, m)
		}
	}
}

func TestWhatWeWriteIsReadBack(t *testing.T) {
	m := flat("pg_status", "ok", "pg_description", "<&> \"Ч\"\r\n;", "pg_salt", "s")
	back, err := parseXML(m.writeXML(), "response")
	if err != nil || strings.Join(back.values(), "|") != strings.Join(m.values(), "|") {
		t.Errorf("XML comes back as %q, %v", back.values(), err)
	}
	back, err = parseForm(string(m.writeForm()))
	if err != nil || strings.Join(back.values(), "|") != strings.Join(m.values(), "|") {
		t.Errorf("a form comes back as %q, %v", back.values(), err)
	}
}
