package sim

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// The codes of Result (notes, section 5).
const (
	robokassaResultOK        = "0"
	robokassaResultSignature = "1"
	robokassaResultShop      = "2"
	robokassaResultNotFound  = "3"
	robokassaResultTwo       = "4"
	robokassaResultInternal  = "1000"
)

var robokassaResults = map[string]string{
	robokassaResultSignature: "Bad signature", robokassaResultShop: "Shop not found or inactive", robokassaResultNotFound: "Operation not found",
	robokassaResultTwo: "Two operations found", robokassaResultInternal: "Internal error",
}

const robokassaNamespace = "http://merchant.roboxchange.com/WebService/"

// robokassaNode is an XML element: text, or elements within.
type robokassaNode struct {
	name string
	text string
	in   []robokassaNode
	attr []xml.Attr
}

func robokassaLeaf(name, text string) robokassaNode { return robokassaNode{name: name, text: text} }

// write writes the element; backwards turns the order of everything within it round.
func (n robokassaNode) write(e *xml.Encoder, backwards bool) {
	start := xml.StartElement{Name: xml.Name{Local: n.name}, Attr: n.attr}
	_ = e.EncodeToken(start)
	if n.text != "" {
		_ = e.EncodeToken(xml.CharData(n.text))
	}
	in := slices.Clone(n.in)
	if backwards {
		slices.Reverse(in)
	}
	for _, child := range in {
		child.write(e, backwards)
	}
	_ = e.EncodeToken(start.End())
}

// xml writes an answer of the services, in the spelling of the switches.
func (r *robokassa) xml(status int, root robokassaNode) reply {
	if !r.sw.OtherXML {
		root.attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: robokassaNamespace}}
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	e := xml.NewEncoder(&out)
	root.write(e, r.sw.OtherXML)
	_ = e.Flush() // text always encodes
	return reply{status: status, contentType: "text/xml; charset=utf-8", body: out.Bytes()}
}

func robokassaResult(code string) robokassaNode {
	return robokassaNode{name: "Result", in: []robokassaNode{
		robokassaLeaf("Code", code), robokassaLeaf("Description", robokassaResults[code]),
	}}
}

// readState reads OpStateExt.
func (r *robokassa) readState(c *call, w *robokassaWish) {
	c.reference, _ = robokassaNumber(w.form.Get("InvoiceID"))
}

// showState is OpStateExt. What nobody has opened does not exist for it, and neither does a test payment, unless it shares its
// number with a real one.
func (r *robokassa) showState(c *call, w *robokassaWish) reply {
	p, code := r.numbers[c.reference], robokassaResultOK
	switch {
	case w.form.Get("MerchantLogin") != r.opt.Shop:
		code = robokassaResultShop
	case !r.signedBy(w.form.Get("Signature"), r.opt.Shop, w.form.Get("InvoiceID"), r.opt.Password2):
		code = robokassaResultSignature
	case p == nil || p.state == robokassaUnopened, p.state == robokassaStarted && time.Since(p.stateAt) < time.Duration(r.sw.StateLags):
		code = robokassaResultNotFound
	case r.tests[c.reference] != nil:
		code = robokassaResultTwo
	}
	if code != robokassaResultOK {
		robokassaTwists(c)
		return r.xml(0, robokassaNode{name: "OperationStateResponse", in: []robokassaNode{robokassaResult(code)}})
	}
	lies := []FaultKind{FaultWrongAmount, FaultUnknownStatus}
	if len(p.shp) > 0 {
		lies = append(lies, FaultWrongReference) // else nothing in the answer says which number it is about
	}
	robokassaTwists(c, lies...)
	return r.xml(0, robokassaNode{name: "OperationStateResponse", in: []robokassaNode{
		robokassaResult(robokassaResultOK), r.stateNode(c, p), r.infoNode(c, p), robokassaFieldsNode(c, p),
	}})
}

func (r *robokassa) stateNode(c *call, p *robokassaPayment) robokassaNode {
	state := strconv.Itoa(p.state)
	if c.twist == FaultUnknownStatus {
		state = strconv.Itoa(robokassaStrange(c.code))
	}
	return robokassaNode{name: "State", in: []robokassaNode{
		robokassaLeaf("Code", state), robokassaLeaf("RequestDate", robokassaDate(time.Now())), robokassaLeaf("StateDate", robokassaDate(p.stateAt)),
	}}
}

// infoNode is about the operation. The card is known once somebody has paid with it.
func (r *robokassa) infoNode(c *call, p *robokassaPayment) robokassaNode {
	key := p.ID
	if c.twist == FaultWrongReference {
		key = r.b.guid() + "-" + r.b.letters(10)
	}
	sum := p.sum()
	if r.sw.StateShowsHold {
		sum = p.Amount
	}
	account := p.account
	if p.rrn == "" {
		account = ""
	}
	return robokassaNode{name: "Info", in: []robokassaNode{
		robokassaLeaf("IncCurrLabel", robokassaLabel), robokassaLeaf("IncSum", robokassaLong(robokassaTold(c, r.paid(p)))), robokassaLeaf("IncAccount", account),
		{name: "PaymentMethod", in: []robokassaNode{robokassaLeaf("Code", robokassaMethod), robokassaLeaf("Description", "Bank card")}},
		robokassaLeaf("OutCurrLabel", p.Currency), robokassaLeaf("OutSum", robokassaLong(robokassaTold(c, sum))),
		robokassaLeaf("OpKey", key), robokassaLeaf("BankCardRRN", p.rrn),
	}}
}

func robokassaFieldsNode(c *call, p *robokassaPayment) robokassaNode {
	n := robokassaNode{name: "UserField"}
	for _, shp := range p.shp {
		value := shp.value
		if c.twist == FaultWrongReference {
			value = "other-" + value
		}
		n.in = append(n.in, robokassaNode{name: "Field", in: []robokassaNode{robokassaLeaf("Name", shp.name), robokassaLeaf("Value", value)}})
	}
	return n
}

// refuseXML answers in the envelope of the service that was asked.
func (r *robokassa) refuseXML(c *call, kind FaultKind, code string, status int) reply {
	w, _ := c.wants.(*robokassaWish)
	switch kind {
	case FaultUnauthorized:
		code = robokassaResultSignature
	case FaultNotFound:
		code = robokassaResultNotFound
	}
	root := map[string]string{
		robokassaServicePath + "GetPaymentMethods": "PaymentMethodsList",
		robokassaServicePath + "GetCurrencies":     "CurrenciesList",
		robokassaServicePath + "CalcOutSumm":       "CalcSummsResponseData",
		robokassaServicePath + "OpStateExt":        "OperationStateResponse",
	}[w.route.path]
	return r.xml(status, robokassaNode{name: root, in: []robokassaNode{robokassaResult(code)}})
}

func robokassaAttr(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}

// unknownShop answers a question that is not signed about a shop that the bank does not have; nil when it has.
func (r *robokassa) unknownShop(c *call, w *robokassaWish) *reply {
	robokassaTwists(c)
	if w.form.Get("MerchantLogin") == r.opt.Shop {
		return nil
	}
	rep := r.refuseXML(c, FaultCode, robokassaResultShop, http.StatusOK)
	return &rep
}

func (r *robokassa) showMethods(c *call, w *robokassaWish) reply {
	if no := r.unknownShop(c, w); no != nil {
		return *no
	}
	return r.xml(0, robokassaNode{name: "PaymentMethodsList", in: []robokassaNode{
		robokassaResult(robokassaResultOK),
		{name: "Methods", in: []robokassaNode{
			{name: "Method", attr: []xml.Attr{robokassaAttr("Code", robokassaMethod), robokassaAttr("Description", "Bank card")}},
		}},
	}})
}

func (r *robokassa) showCurrencies(c *call, w *robokassaWish) reply {
	if no := r.unknownShop(c, w); no != nil {
		return *no
	}
	currency := robokassaNode{name: "Currency", attr: []xml.Attr{
		robokassaAttr("Label", robokassaLabel), robokassaAttr("Alias", robokassaMethod), robokassaAttr("Name", "Bank card"),
	}}
	return r.xml(0, robokassaNode{name: "CurrenciesList", in: []robokassaNode{
		robokassaResult(robokassaResultOK),
		{name: "Groups", in: []robokassaNode{
			{name: "Group", attr: []xml.Attr{robokassaAttr("Code", robokassaMethod), robokassaAttr("Description", "Bank card")}, in: []robokassaNode{
				{name: "Items", in: []robokassaNode{currency}},
			}},
		}},
	}})
}

// calculate is CalcOutSumm: what the shop gets if the payer pays IncSum.
func (r *robokassa) calculate(c *call, w *robokassaWish) reply {
	if no := r.unknownShop(c, w); no != nil {
		return *no
	}
	if !r.signedBy(w.form.Get("Signature"), r.opt.Shop, w.form.Get("IncSum"), r.opt.Password1) {
		return r.refuseXML(c, FaultUnauthorized, "", 0)
	}
	minor, err := robokassaMinor(w.form.Get("IncSum"))
	if err != nil {
		return r.refuseXML(c, FaultCode, robokassaResultInternal, 0)
	}
	return r.xml(0, robokassaNode{name: "CalcSummsResponseData", in: []robokassaNode{
		robokassaResult(robokassaResultOK), robokassaLeaf("OutSum", robokassaLong(minor-robokassaFee(minor))),
	}})
}
