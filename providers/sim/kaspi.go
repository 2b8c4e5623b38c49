package sim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// What a Kaspi face knows when its options name nothing else.
const (
	KaspiDefaultBIN    = "240540012345"
	KaspiDefaultDevice = "7c1f6a52-0d3b-4a83-9a55-1f2f5f0b7e11"
	KaspiDefaultKey    = "test_4f6a0c9d2b" // keys begin with test_ or prod_
)

// What the face does when an ExternalId comes a second time: no document says what Kaspi does.
const (
	KaspiRepeatNew    = "new"    // another purchase, so that a careless retry shows as two QRs
	KaspiRepeatReuse  = "reuse"  // the first answer again
	KaspiRepeatRefuse = "refuse" // an undocumented code
)

// KaspiOptions are the settings of the Kaspi face. The zero value works: one organisation, the published windows, no notices.
type KaspiOptions struct {
	// Scheme is "r1", "r2" or "r3" and then may be left out of the path. Empty serves all three, told apart by the path.
	Scheme string
	// Organizations are the merchants with their trade points and devices. Empty is one, made of the KaspiDefault constants.
	Organizations []KaspiOrganization
	// APIKeys are the keys of r1. Empty is KaspiDefaultKey.
	APIKeys []string
	// RequireCertificate answers -10000 to r2 and r3 clients without a certificate. False lets them come over plain HTTP.
	RequireCertificate bool
	// Sources are the registered addresses of r3. Empty lets everybody in.
	Sources []netip.Prefix
	// DropForeign breaks the connection of a foreign address instead of answering -10000.
	DropForeign bool

	ScanWindow    time.Duration // from offer to scan; 0 is 180 s, as published
	ConfirmWindow time.Duration // from scan to confirmation; 0 is 65 s, as published
	InvoiceLife   time.Duration // how long a remote invoice waits for its payer; 0 is 24 h
	PollInterval  time.Duration // told to the merchant; 0 is 5 s, as published
	// ThrottlePolling answers 429 to a status question about one purchase that comes sooner than PollInterval after the last.
	ThrottlePolling bool

	// LateSuccess breaks Kaspi's promise that a purchase is dead once its windows are closed: pay-late then takes money.
	LateSuccess bool
	// RefundsShowAfter is how long payment/details does not show a return: no document says that it does at once.
	RefundsShowAfter time.Duration
	// ExternalID is what a repeated ExternalId does: new, reuse or refuse. Empty is new.
	ExternalID string
	// Product is what payers pay with: Gold, Red or Loan. Empty is Gold. A loan cannot be returned in part.
	Product string
	// NotClients are phones that no client of Kaspi has (-1404), NoInvoices those of clients who take no invoices (990000032).
	NotClients, NoInvoices []string
	// TextNumbers writes ids, and the numbers of payment/status, as JSON strings, as some live answers do.
	TextNumbers bool
	// HourOffsets writes dates as the document does (2020-01-16T10:30:00+06) instead of as live answers do.
	HourOffsets bool

	// NotifyURL gets notifyPayment, and NotifyURL/scan gets scan. Empty sends no notices.
	NotifyURL string
	// BareNotices leaves only OrderId and Status in notifyPayment: a merchant must do with these two.
	BareNotices bool
	// BillerURL is the merchant's URL of the biller protocol.
	BillerURL string
	// FeeBasisPoints is the fee in the statement, in hundredths of a percent. 0 is 95, negative is none.
	FeeBasisPoints int64
}

// KaspiOrganization is one merchant of Kaspi.
type KaspiOrganization struct {
	BIN         string // 12 digits
	Name        string // StoreName in answers
	Address     string
	City        string
	TradePoints []KaspiTradePoint
}

// KaspiTradePoint is one shop of an organisation.
type KaspiTradePoint struct {
	ID       int64
	Name     string
	Disabled bool     // creates and returns are answered 990000018
	NoQR     bool     // registrations and QRs are answered 990000026
	Devices  []string // tokens of devices that are registered already
}

// Kaspi is the face of Kaspi Pay: the QR API in its schemes r1, r2 and r3, the sandbox emulator, the two notices of the project's
// brief, the bank's side of the biller protocol and a statement. Besides the acts that every face knows there is take-back: the bank
// returns a purchase by itself, which turns Processed into Error. Options that make no sense are a programming mistake and panic.
func Kaspi(opt KaspiOptions) Face {
	if opt.Scheme != "" && !slices.Contains(kaspiSchemes, opt.Scheme) {
		panic(fmt.Sprintf("sim: Kaspi has no scheme %q", opt.Scheme))
	}
	opt.ExternalID = cmp.Or(opt.ExternalID, KaspiRepeatNew)
	if !slices.Contains([]string{KaspiRepeatNew, KaspiRepeatReuse, KaspiRepeatRefuse}, opt.ExternalID) {
		panic(fmt.Sprintf("sim: KaspiOptions.ExternalID is %q", opt.ExternalID))
	}
	opt.Product = cmp.Or(opt.Product, "Gold")
	opt.ScanWindow = cmp.Or(opt.ScanWindow, 180*time.Second)
	opt.ConfirmWindow = cmp.Or(opt.ConfirmWindow, 65*time.Second)
	opt.InvoiceLife = cmp.Or(opt.InvoiceLife, 24*time.Hour)
	opt.PollInterval = cmp.Or(opt.PollInterval, 5*time.Second)
	opt.FeeBasisPoints = max(cmp.Or(opt.FeeBasisPoints, 95), 0)
	if len(opt.APIKeys) == 0 {
		opt.APIKeys = []string{KaspiDefaultKey}
	}
	if len(opt.Organizations) == 0 {
		opt.Organizations = []KaspiOrganization{{
			BIN: KaspiDefaultBIN, Name: "Qazaq Books", Address: "Abay 150", City: "Almaty",
			TradePoints: []KaspiTradePoint{{ID: 1, Name: "Qazaq Books", Devices: []string{KaspiDefaultDevice}}},
		}}
	}
	k := &kaspi{opt: opt, routesOf: kaspiRoutes(), byID: map[int64]*kaspiPurchase{}, lastID: 12911004000}
	for i := range opt.Organizations {
		org := &opt.Organizations[i]
		for j := range org.TradePoints {
			for _, token := range org.TradePoints[j].Devices {
				k.devices = append(k.devices, &kaspiDevice{token: token, org: org, point: &org.TradePoints[j]})
			}
		}
	}
	return k
}

var kaspiSchemes = []string{"r1", "r2", "r3"}

// kaspi is the face. Bank.mu guards everything in it.
type kaspi struct {
	opt      KaspiOptions
	b        *Bank
	routesOf map[string]kaspiRoute

	devices   []*kaspiDevice
	purchases []*kaspiPurchase // oldest first
	byID      map[int64]*kaspiPurchase
	returns   []*kaspiReturn
	debits    []*kaspiDebit
	lastID    int64
}

func (k *kaspi) Name() string { return "kaspi" }

func (k *kaspi) attach(b *Bank) { k.b = b }

func (k *kaspi) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /kaspi/biller":   k.serveBiller,
		"GET /kaspi/statement": k.serveStatement,
	}
}

// newID invents an id of the one number space that purchases, links and returns share. Live ids have 11 digits, more than 32 bits hold.
func (k *kaspi) newID() int64 {
	k.lastID += 1 + k.b.rng.Int64N(900)
	return k.lastID
}
