package kaspi

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The biller protocol, as several implementers quote the bank's document: check
// asks whether an account may be paid and how much; pay tells that the payer has
// been debited. A repeated pay has the same txn_id and must get the same answer.

const (
	formatJSON = "json"
	formatXML  = "xml"
)

// The result codes. All but paidOK and wait make the bank return the money of a pay,
// except trouble, which people settle.
const (
	paidOK      = 0
	noAccount   = 1
	gone        = 2
	alreadyPaid = 3
	wait        = 4
	trouble     = 5
)

var comments = [...]string{"OK", "Not found", "Canceled or expired", "Already paid", "Being decided, ask again", "Refused"}

// debit is one biller request, for Answer.
type debit struct {
	txn string          // the bank's id of the transaction, digits
	pay bool            // pay, not check
	sum providers.Money // what was taken; of a check it is fictitious
	at  time.Time       // the bank's accounting date of a pay, for reconciliation; zero when not told
}

func (g *Gateway) hearBiller(n providers.Notice) providers.Heard {
	var d debit
	noise := func(why string) providers.Heard { return providers.Heard{Err: errors.New(why), Detail: d} }
	if g.config.Biller.Service == "" {
		return providers.Heard{Err: errors.New("biller.service is not configured")}
	}
	query, err := url.ParseQuery(n.Query)
	switch {
	case n.Method != http.MethodGet:
		return noise("not a GET")
	case err != nil:
		return noise("the query is not readable")
	}
	for _, values := range query {
		if len(values) > 1 {
			return noise("a parameter comes twice")
		}
	}
	if txn := query.Get("txn_id"); digits(txn) && len(txn) <= transactionLimit {
		d.txn = txn
	}
	d.pay = query.Get("command") == "pay"
	// Our account numbers are digits. Whatever else a payer types names nothing here,
	// least of all the reference of a QR: it is asked about as nobody's, so that the
	// answer is "not found" and a debit goes back.
	var ref providers.Ref
	if account := strings.TrimSpace(query.Get("account")); digits(account) {
		ref.Order = account
	}
	switch {
	case !g.config.Biller.Secret.Empty() && !same(query.Get("data1"), g.config.Biller.Secret.Reveal()):
		return providers.Heard{Forged: true, Err: errors.New("data1 is not the agreed secret")}
	case d.txn == "":
		return noise("txn_id is not readable")
	case !d.pay && query.Get("command") != "check":
		return noise("no such command")
	case !d.pay:
		return providers.Heard{Kind: providers.Question, Ref: ref, Detail: d}
	}
	d.sum, err = providers.ParseMoney(query.Get("sum"), currency)
	if err != nil || d.sum.Minor <= 0 {
		return noise("sum is not readable")
	}
	d.at = transactionDate(query.Get("txn_date"))
	return providers.Heard{
		Kind: providers.Debit, Ref: ref, Key: d.txn, Detail: d,
		Result: providers.Result{Verdict: providers.Approved, External: d.txn, Amount: d.sum, Code: "pay"},
	}
}

// transactionLimit: the bank's ids have up to 18 digits by its document, 20 by some
// validators.
const transactionLimit = 20

// digits reports whether the text is a number of any length.
func digits(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != ""
}

// transactionDate reads YYYYMMDDHHMMSS in Kazakhstan's time. The payer has paid: a
// date that cannot be read is no reason to refuse.
func transactionDate(text string) time.Time {
	at, err := time.ParseInLocation("20060102150405", text, almaty)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// result is the code for a ruling: of a debit, payable says that it was owed and is
// in the books. A ruling that does not fit makes the bank ask again.
func (d debit) result(kind providers.HeardKind, r providers.RulingKind) int {
	switch {
	case (kind == providers.Question || kind == providers.Debit) && r == providers.Payable,
		kind == providers.Debit && r == providers.Accepted:
		return paidOK
	case r == providers.Unmatched:
		return noAccount
	case r == providers.Gone:
		return gone
	case r == providers.AlreadyPaid:
		return alreadyPaid
	case r == providers.Rejected:
		return trouble
	}
	return wait
}

// billed is our answer. The bank's samples call our id prv_txn in XML and
// prv_txn_id in JSON, so both are sent in both.
type billed struct {
	XMLName xml.Name `json:"-" xml:"response"`
	Txn     string   `json:"txn_id" xml:"txn_id"`
	ID      string   `json:"prv_txn,omitempty" xml:"prv_txn,omitempty"`
	SameID  string   `json:"prv_txn_id,omitempty" xml:"prv_txn_id,omitempty"`
	Sum     string   `json:"sum,omitempty" xml:"sum,omitempty"`
	Result  int      `json:"result" xml:"result"`
	Comment string   `json:"comment" xml:"comment"`
	Fields  fields   `json:"fields,omitempty" xml:"fields,omitempty"`
}

// answerBiller is always HTTP 200: anything else counts as a broken connection, which is
// what a request that is not authentic is answered with (Answer).
func (g *Gateway) answerBiller(kind providers.HeardKind, d debit, r providers.Ruling) providers.Reply {
	answer := billed{Txn: d.txn, Result: d.result(kind, r.Kind), Comment: r.Text}
	if answer.Comment == "" {
		answer.Comment = comments[answer.Result]
	}
	switch {
	case d.pay:
		answer.ID, answer.SameID = r.ID, r.ID
		if d.sum.Minor > 0 {
			answer.Sum = d.sum.Decimal()
		}
	case answer.Result == paidOK:
		answer.Sum, answer.Fields = r.Amount.Decimal(), g.config.Biller.Fields
	}
	if g.config.Biller.Format == formatXML {
		body, err := xml.Marshal(answer)
		return written("application/xml", append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`), body...), err)
	}
	body, err := json.Marshal(answer)
	return written("application/json", body, err)
}

func written(contentType string, body []byte, err error) providers.Reply {
	if err != nil {
		return providers.Reply{Status: http.StatusServiceUnavailable}
	}
	return providers.Reply{Status: http.StatusOK, ContentType: contentType, Body: body}
}

// fields are lines for the payer: {"field1":{"@name":…,"#text":…}, …} in JSON, the
// same as attribute and text in XML.
type fields []Field

func (f fields) MarshalJSON() ([]byte, error) {
	type line struct {
		Name string `json:"@name"`
		Text string `json:"#text"`
	}
	named := map[string]line{}
	for i, field := range f {
		named[fmt.Sprint("field", i+1)] = line(field)
	}
	return json.Marshal(named)
}

func (f fields) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for i, field := range f {
		element := xml.StartElement{
			Name: xml.Name{Local: fmt.Sprint("field", i+1)},
			Attr: []xml.Attr{{Name: xml.Name{Local: "name"}, Value: field.Name}},
		}
		if err := e.EncodeElement(field.Text, element); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}
