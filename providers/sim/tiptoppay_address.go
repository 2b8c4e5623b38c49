package sim

import (
	"net/url"
	"slices"
	"strings"
)

// ttpTypeNames are the types of notices as the addresses of the settings write them (notes, section 4.10).
var ttpTypeNames = map[string]string{
	TipTopPayCheck: "Check", TipTopPayPay: "Pay", TipTopPayFail: "Fail",
	TipTopPayConfirm: "Confirm", TipTopPayRefund: "Refund", TipTopPayCancel: "Cancel",
}

// ttpPostBox is how a terminal sends one type of notice.
type ttpPostBox struct {
	enabled bool
	address string
	get     bool
}

// ttpPostBoxes are the settings of a terminal at first, as the merchant wrote them into the cabinet.
func ttpPostBoxes(opt TipTopPayOptions) map[string]*ttpPostBox {
	types := opt.NotifyTypes
	if len(types) == 0 {
		types = []string{TipTopPayPay, TipTopPayFail, TipTopPayConfirm, TipTopPayRefund, TipTopPayCancel}
	}
	for _, kind := range types {
		if ttpTypeNames[kind] == "" {
			panic("sim: TipTopPayOptions.NotifyTypes has no type " + kind)
		}
	}
	boxes := map[string]*ttpPostBox{}
	for kind := range ttpTypeNames {
		address := strings.ReplaceAll(opt.NotifyURL, "{type}", kind)
		if address == opt.NotifyURL && address != "" {
			address = ttpStep(address, kind)
		}
		boxes[kind] = &ttpPostBox{enabled: address != "" && slices.Contains(types, kind), address: address}
	}
	return boxes
}

// ttpStep adds a last step to the path of an address.
func ttpStep(address, step string) string {
	path, query, has := strings.Cut(address, "?")
	path = strings.TrimSuffix(path, "/") + "/" + step
	if has {
		path += "?" + query
	}
	return path
}

// showAddress is /site/notifications/{Type}/get.
func (t *tiptoppay) showAddress(kind string) ttpAnswer {
	box := t.posts[kind]
	method := "POST"
	if box.get || t.sw.GetNotices {
		method = "GET"
	}
	return ttpAnswer{success: true, model: ttpObject{
		"IsEnabled": box.enabled, "Address": ttpOrNull(box.address), "HttpMethod": method, "Encoding": "UTF8", "Format": "CloudPayments",
	}}
}

// moveAddress is /site/notifications/{Type}/update, for every type but Check. A method that is not named is GET.
func (t *tiptoppay) moveAddress(kind string, q *ttpRequest) ttpAnswer {
	address, method := q.text("Address"), q.text("HttpMethod")
	parsed, err := url.Parse(address)
	switch {
	case kind == TipTopPayCheck:
		return ttpRefusal("Check cannot be updated")
	case q.flag("IsEnabled") && (err != nil || parsed.Host == ""):
		return ttpRefusal("Invalid Address value")
	case method != "" && method != "GET" && method != "POST":
		return ttpRefusal("Invalid HttpMethod value")
	case q.text("Encoding") != "" && q.text("Encoding") != "UTF8":
		return ttpRefusal("Invalid Encoding value") // this bank writes no Windows-1251
	case q.text("Format") != "" && q.text("Format") != "CloudPayments":
		return ttpRefusal("Invalid Format value")
	}
	*t.posts[kind] = ttpPostBox{enabled: q.flag("IsEnabled"), address: address, get: method != "POST"}
	return ttpAnswer{success: true}
}
