package sim

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Results of the biller protocol that decide about the money after pay.
const (
	billerOK         = "0"
	billerNotFound   = "1"
	billerCancelled  = "2"
	billerPaid       = "3"
	billerInProgress = "4"
)

// What became of a debit.
const (
	debitWaiting  = "waiting"  // no answer yet, or "in progress": the bank asks again
	debitCredited = "credited" // the merchant has taken it on
	debitReturned = "returned" // the payer has it back
	debitByHand   = "by-hand"  // the answer settles nothing
)

// kaspiDebit is money that a payer has paid already when the merchant hears of it.
type kaspiDebit struct {
	o     *Object
	id    string
	query url.Values // of every call about it, the first and the repeats
	tries int
	busy  bool // the next call is planned
}

// billerOrder is the body of POST /kaspi/biller: a payer who types an account into the Payments list of the app.
type billerOrder struct {
	Command string `json:"command"` // check or pay
	Account string `json:"account"`
	Sum     string `json:"sum"`    // tenge; check may leave it out
	TxnID   string `json:"txn_id"` // empty invents one; a known one of pay repeats the call and debits nobody
	Data1   string `json:"data1"`  // an agreed extra field, often a shared secret
}

// billerReport is what POST /kaspi/biller answers.
type billerReport struct {
	TxnID  string `json:"txn_id"`
	Status int    `json:"status,omitempty"` // the merchant's HTTP status
	Answer string `json:"answer,omitempty"` // the merchant's body, or the transport's error
	Result string `json:"result,omitempty"`
	Money  string `json:"money,omitempty"` // after pay: waiting, credited, returned or by-hand
}

// serveBiller calls the merchant once and reports. After pay the bank goes on asking by itself while the answer is missing or 4.
func (k *kaspi) serveBiller(w http.ResponseWriter, r *http.Request) {
	var order billerOrder
	if err := readJSON(r, &order); err != nil {
		badRequest(w, err)
		return
	}
	query, debit, err := k.order(order)
	if err != nil {
		badRequest(w, err)
		return
	}
	report := k.callBiller(query)
	if debit != nil {
		report.Money = k.settleDebit(debit, report)
	}
	writeJSON(w, http.StatusOK, report)
}

// order checks the wish, and for a new pay debits the payer before anybody is asked.
func (k *kaspi) order(order billerOrder) (url.Values, *kaspiDebit, error) {
	sum, err := parseMinor(cmp.Or(order.Sum, "1.00")) // the sum of check is fictitious
	switch {
	case k.opt.BillerURL == "":
		return nil, nil, errors.New("KaspiOptions.BillerURL is not set")
	case order.Command != "check" && order.Command != "pay":
		return nil, nil, fmt.Errorf(`command %q is unknown; there are "check" and "pay"`, order.Command)
	case order.Account == "":
		return nil, nil, errors.New("account is missing")
	case err != nil:
		return nil, nil, fmt.Errorf("sum: %w", err)
	case order.Command == "pay" && (order.Sum == "" || sum <= 0):
		return nil, nil, errors.New("pay needs a sum above 0")
	case order.TxnID != "" && (!isDigits(order.TxnID) || len(order.TxnID) > 18):
		return nil, nil, errors.New("txn_id takes up to 18 digits")
	}
	b := k.b
	b.mu.Lock()
	defer b.mu.Unlock()
	id := order.TxnID
	if id == "" {
		id = "74" + b.digits(10)
	}
	query := url.Values{"command": {order.Command}, "txn_id": {id}, "account": {order.Account}, "sum": {major(sum)}}
	if order.Data1 != "" {
		query.Set("data1", order.Data1)
	}
	if order.Command == "check" {
		return query, nil, nil
	}
	if i := slices.IndexFunc(k.debits, func(d *kaspiDebit) bool { return d.id == id }); i >= 0 {
		return k.debits[i].query, k.debits[i], nil
	}
	query.Set("txn_date", time.Now().In(kaspiZone).Format("20060102150405"))
	d := &kaspiDebit{id: id, query: query}
	d.o = b.open(&call{}, &Object{
		Face: k.Name(), Account: k.opt.Organizations[0].BIN, Reference: order.Account, ID: id, Style: StyleDebit,
		Status: debitWaiting, Phase: Charged, Amount: sum, Currency: "KZT",
	})
	b.book(d.o, KindCharge, "", sum, "biller")
	k.debits = append(k.debits, d)
	return query, d, nil
}

// callBiller makes one GET to the merchant. The lock must not be held.
func (k *kaspi) callBiller(query url.Values) billerReport {
	report := billerReport{TxnID: query.Get("txn_id")}
	target, glue := k.opt.BillerURL, "?"
	if strings.Contains(target, "?") {
		glue = "&"
	}
	r, err := http.NewRequestWithContext(k.b.ctx, http.MethodGet, target+glue+query.Encode(), nil)
	if err != nil {
		report.Answer = err.Error()
		return report
	}
	status, body, err := k.b.merchant(r)
	if err != nil {
		report.Answer = err.Error()
		return report
	}
	report.Status, report.Answer = status, string(body)
	if status == http.StatusOK {
		report.Result = billerResult(body, report.TxnID)
	}
	return report
}

// billerResult reads the result out of JSON or XML, or nothing if the answer is about another txn_id.
func billerResult(body []byte, txn string) string {
	var answer struct {
		TxnID  json.RawMessage `json:"txn_id"`
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(body, &answer) == nil {
		if strings.Trim(string(answer.TxnID), `"`) != txn {
			return ""
		}
		return strings.Trim(string(answer.Result), `"`)
	}
	var response struct {
		XMLName xml.Name `xml:"response"`
		TxnID   string   `xml:"txn_id"`
		Result  string   `xml:"result"`
	}
	if xml.Unmarshal(body, &response) != nil || response.TxnID != txn {
		return ""
	}
	return response.Result
}

// settleDebit acts on the answer to pay: 1, 2 and 3 give the money back, 4 and silence are asked again, the rest is for people.
func (k *kaspi) settleDebit(d *kaspiDebit, report billerReport) string {
	k.b.mu.Lock()
	defer k.b.mu.Unlock()
	if d.o.Status == debitCredited || d.o.Status == debitReturned {
		return d.o.Status // a repeat changes nothing
	}
	switch report.Result {
	case billerOK:
		d.o.Status = debitCredited
	case billerNotFound, billerCancelled, billerPaid:
		d.o.Status = debitReturned
		k.b.book(d.o, KindRefund, "74"+k.b.digits(10), d.o.Amount, "biller result "+report.Result)
	default:
		k.askAgain(d, report)
	}
	return d.o.Status
}

// askAgain plans the next call. An answer that is neither broken nor "in progress" leaves the debit to people. The lock is held.
func (k *kaspi) askAgain(d *kaspiDebit, report billerReport) {
	broken := report.Status != http.StatusOK
	if d.busy {
		return
	}
	d.tries++
	pause, again := k.retry(d.tries)
	if !again || !broken && report.Result != billerInProgress {
		d.o.Status = debitByHand
		return
	}
	d.o.Status, d.busy = debitWaiting, true
	k.b.after(k.b.scaled(pause), func() {
		d.busy = false
		k.b.spawn(func() { k.settleDebit(d, k.callBiller(d.query)) })
	})
}
