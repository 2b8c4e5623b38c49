package journal_test

import "strings"

// growing are the tables that grow with payments, or with the days that the books are kept: no
// statement may read one from its beginning, nor all that a tenant or a gateway has in it.
var growing = map[string]string{
	"events":          "several of each payment",
	"payments":        "one of each",
	"archive":         "one of each that was over long ago",
	"attempts":        "one or more of each",
	"refunds":         "one of each that went back",
	"findings":        "some of a thousand payments, and never removed",
	"finding_changes": "what became of each of them",
	"requests":        "one of each payment, and of each wish about it",
	"outbox":          "empties itself, and grows by one of each change while nobody numbers",
	"feed":            "one of each change",
	"notices":         "one or more of each payment, for as long as notices are kept",
	"answers":         "one of each payment where the gateway asks us",
	"instruments":     "one of each customer who saves a card",
	"statement_lines": "one or more of each payment",
	"signals":         "one of each payment while a gateway is down",
	"disputes":        "some of ten thousand payments, and never removed",
	"dispute_changes": "what became of each of them",
	"audit":           "one of each act of a person, and never removed",
}

// small are the tables that do not: to read one whole is no work.
var small = map[string]string{
	"counters":         "one row of each gateway, and some more",
	"archive_walks":    "one row of each tenant",
	"leases":           "one row of each kind of work",
	"overrides":        "what people ordered: some a week",
	"evidence":         "what people recorded as shown: some a month",
	"runs":             "one of each gateway and day, or a few: ten thousand in five years",
	"statement_days":   "one of each gateway and day",
	"imports":          "files that people gave: some a day",
	"import_chunks":    "the pieces of those that wait",
	"retention_passes": "one a night",
	"goose_db_version": "one row of each step of the schema",
}

// few are the indexes of what stays little of a growing table, however old the books are: to
// read one whole is to read what is wanted.
var few = map[string]string{
	"payments_due":          "payments at work: the others have no due time",
	"payments_waiting":      "payments at work: the others have no due time",
	"attempts_one_unclosed": "attempts at work",
	"attempts_at_risk":      "attempts at work",
	"notices_waiting":       "hints that nobody has followed yet",
	"findings_open":         "what people have still to look at",
	"findings_group":        "what people have still to look at",
	"disputes_open":         "what people have still to answer",
	"audit_once":            "overrides that ran out: some a week",
	"statement_lines_guessed": "lines without a name that were found by their amount: few gateways have any, and the next " +
		"reading of their day replaces them",
}

// narrow are the columns of which one value has a bounded number of rows, whatever the table:
// what is of one payment, one order, one customer, one day's reading.
var narrow = []string{"id", "payment_id", "reference", "external", "own", "order_ref", "request_id", "answer_key", "grp", "reading", "customer", "token_hash",
	"finding_id", "dispute_id", "case_number", "number", "rowid", "run", "import_id"}

// excuse is why a statement may read more.
type excuse struct {
	method, reason string
	engine         string // where it needs the excuse; empty: on both
	with, without  string // pieces of its text; empty: whatever it is
}

// excused are the statements that may.
var excused = []excuse{
	{method: "List", with: "FROM attempts", without: "at_risk", reason: "by gateway it goes through the tenant's payments, or those of a time, until a page is full: " +
		"at once where the tenant uses the gateway, to the end where only others do"},
	{method: "List", with: "status = $", without: "status <> 'paid'", reason: "most payments are paid"},
	{method: "Findings", reason: "findings are some of a thousand payments: a page that finds little goes through them in its order"},
	{method: "Disputes", reason: "disputes are some of ten thousand payments; those that are open have an index", engine: "postgresql"},
	{method: "Contested", reason: "a person's checklist: some disputes of ten thousand payments"},
	{method: "ListAudit", reason: "acts of people, some hundred a day; one condition is found by its index", engine: "postgresql"},
	{method: "NoteAudit", reason: "the acts about one override: three at the most"},
	{method: "LatestPaid", reason: "ends at the first that is paid: those that are held and newer are few", engine: "postgresql"},
	{method: "ErasePayers", reason: "the nightly pass goes on after its cursor, and leaves out what was changed since"},
}

func (e excuse) covers(engine, method, text string) bool {
	return e.method == method && (e.engine == "" || e.engine == engine) && strings.Contains(text, e.with) && (e.without == "" || !strings.Contains(text, e.without))
}
