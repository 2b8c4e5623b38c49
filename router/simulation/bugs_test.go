package simulation

// bug is a known mistake: what stands in the code, and what a hurried hand would have
// written there. Planting one builds the simulation with the changed text laid over the
// file; the file itself, and so every program that is shipped, has no hook for it.
type bug struct {
	name  string
	edits []edit
}

// edit replaces a text, which must stand exactly once in the file.
type edit struct{ file, old, new string }

var charging = "		outcome = signal(result)\n		permit.Report(outcome)"

// The ends of a shared commit and of a member of it that was refused.
var (
	sharing = "	return true, tx.Commit()"
	undoing = "			if _, err := tx.ExecContext(ctx, undo); err != nil {\n				return errors.Join(err, m.err)\n			}\n"
)

// among says in which seeds a mistake can show at all, where few of them draw the fault.
var among = map[string]func(swarm) bool{
	"order numbers of a lost window are given out again": func(s swarm) bool { return s.window != "" },
}

var bugs = []bug{
	{"a time-out means: try the next gateway", []edit{{"router/drive.go", charging,
		`		if result.Verdict == providers.Unknown && (result.Reason == providers.Timeout || result.Reason == providers.Broken) {
			result = providers.Unsent(result.Err)
		}
` + charging}}},
	{"a 5xx means: declined", []edit{{"router/drive.go", charging,
		`		if result.Reason == providers.ServerError {
			result.Verdict, result.Reason = providers.Declined, providers.DeclinedHard
		}
` + charging}}},
	{"the first \"not found\" is believed", []edit{{"router/payment/evidence.go",
		"if len(late) >= max(method.Absent.Times, leastAbsences) && span(late) >= max(method.Absent.Apart, leastApart) {",
		"if late = a.Absences; len(late) >= 1 {"}}},
	{"the attempt is written after it is sent", []edit{
		{"router/drive.go", "	decided := time.Now()\n	p, err = books.plan(ctx, p", `	decided := time.Now()
	early := r.charge(ctx, gateway, providers.Charge{Ref: providers.Ref{Order: reference, Method: c.Method, Amount: p.Amount, Planned: decided, TwoStage: p.TwoStage},
		Payer: payer, CustomerID: p.Customer, Instrument: token.Token, Description: p.Description, NotifyURL: gateway.NotifyURL, Expires: p.Deadline})
	p, err = books.plan(ctx, p`},
		{"router/drive.go", `		result = r.charge(ctx, gateway, providers.Charge{
			Ref: p.Ref(a), Payer: payer, CustomerID: p.Customer, Instrument: token.Token, Save: p.Save,
			Description: p.Description, ReturnURL: p.ReturnURL, NotifyURL: gateway.NotifyURL, Expires: p.Deadline,
		})`, `		_ = a
		result = early`}}},
	{"whoever finds an attempt planned sends it again", []edit{{"router/drive.go", "	result := r.lookup(ctx, a.Gateway, p.Ref(a))\n", `	var result providers.Result
	if cards, _ := r.instruments(ctx, p); !a.Answered {
		g, _ := r.Gateway(a.Gateway)
		result = r.charge(ctx, g, providers.Charge{Ref: p.Ref(a), CustomerID: p.Customer,
			Instrument: cards[a.Gateway].Token, Description: p.Description, NotifyURL: g.NotifyURL, Expires: p.Deadline})
	} else {
		result = r.lookup(ctx, a.Gateway, p.Ref(a))
	}
`}}},
	{"the key is looked for first and written afterwards", []edit{
		{"router/journal/write.go", "	return s.opened(ctx, r, p, s.insist(ctx, w))",
			"	if kept, again := s.Repeated(ctx, r); !errors.Is(again, ErrNotFound) {\n		return kept, again\n	}\n	return s.opened(ctx, r, p, s.insist(ctx, w))"},
		{"router/journal/migrations/00001_books.sql", "  object     TEXT NOT NULL,\n  PRIMARY KEY (tenant, request_id)", "  object     TEXT NOT NULL"}}},
	{"the key is looked for without its tenant", []edit{
		{"router/journal/write.go", "FROM requests WHERE tenant = $1 AND request_id = $2`,\n		tenant, id)", "FROM requests WHERE request_id = $1`,\n		id)"},
		{"router/journal/migrations/00001_books.sql", "  object     TEXT NOT NULL,\n  PRIMARY KEY (tenant, request_id)", "  object     TEXT NOT NULL,\n  PRIMARY KEY (request_id)"}}},
	{"a late failure overwrites a success", []edit{{"router/payment/observe.go", "		if learnt == providers.Approved || overtaken {\n			return known, \"\"",
		"		if learnt == providers.Declined || learnt == providers.Unserved {\n			return learnt, \"\"\n		}\n		if learnt == providers.Approved || overtaken {\n			return known, \"\""}}},
	{"refunds are not reserved", []edit{{"router/payment/sums.go", "		if r.State == RefundPending {\n			left -= r.Amount.Minor", "		if r.State == RefundPending {\n			left -= 0"}}},
	{"money on a closed attempt is dropped", []edit{{"router/learn.go", "	a := p.Attempts[o.Attempt-1]\n	if o.Source", "	a := p.Attempts[o.Attempt-1]\n	if a.Closed != nil {\n		return true\n	}\n	if o.Source"}}},
	{"a void that was answered \"ok\" is proof", []edit{{"router/payment/evidence.go", "		method.Withdraw == providers.Binding && quiet && a.Seen.At.After(w.SettledAt.Add(method.WithdrawWait)) {", "		true {"}, {
		"router/payment/evidence.go", "if w, ok := p.withdrawal(a.N); ok && w.Verdict == providers.Approved && w.Source != FromLookup &&", "if w, ok := p.withdrawal(a.N); ok && w.Answered &&"}}},
	{"a notice is acknowledged before it is stored", []edit{{"router/notices.go", "		return listener.Answer(providers.Heard{}, providers.Ruling{Kind: providers.TryLater}), nil\n	}\n	listener, heard",
		"		return listener.Answer(r.read(listener, gateway, n), providers.Ruling{Kind: providers.Accepted}), nil\n	}\n	listener, heard"}}},
	{"a push whose answer was lost counts as never shown", []edit{
		{"router/payment/evidence.go", "	if a.Flow != providers.Offer || a.Shown", "	if a.Flow == providers.Direct || a.Shown"},
		{"providers/kaspi/claims.go", "OfferLife: c.PushLife + c.ConfirmWindow,", "OfferLife: c.PushLife + c.ConfirmWindow, NeverShown: true,"}}},
	{"an offer is dead by the clock alone", []edit{{"router/payment/evidence.go", "if dead, ok := a.deadAt(t); ok && quiet && a.Seen.At.After(dead) {", "if dead, ok := a.deadAt(t); ok && now.After(dead.Add(-70*time.Second)) {"}}},
	{"somebody else's append counts as mine", []edit{{"router/journal/write.go", "		case err == nil:\n			s.remember", "		case err == nil, errors.Is(err, errConflict):\n			s.remember"}}},
	{"a commit without an answer counts as done", []edit{{"router/journal/write.go", "			if s.holds(context.WithoutCancel(ctx), p.ID, writer) {", "			if !errors.Is(err, context.Canceled) {"}}},
	{"a refund that timed out is sent again", []edit{{"router/payment/operate.go", "	if late := since(o.Absences, p.operationLate(o, t)); len(late) < leastAbsences || span(late) < leastApart {", "	if o.Op != OpRefund || o.Reason != providers.Timeout && o.Reason != providers.Broken {"}}},
	{"another amount than the payment's is taken", []edit{{"router/payment/observe.go", "	if o.Verdict.HasMoney() {\n		if why := p.mismatch(o); why != \"\" {", "	if o.Verdict.HasMoney() {\n		if why := p.mismatch(o); why != \"\" && p.ID == \"\" {"}, {
		"providers/halyk/compare.go", "	return none, providers.Mismatch, errOtherAmount\n", "	return sum, providers.NoReason, nil\n"}}},
	// The look that follows the approval of a hold would hide it.
	{"signatures of notices are not checked", []edit{{"providers/wayforpay/sign.go", "	return err == nil && hmac.Equal(given, digest(secret, fields))", "	return err == nil || hmac.Equal(given, digest(secret, fields))"},
		{"providers/wayforpay/notices.go", "refundInProcessing,\n		said.TransactionStatus == approved && said.TransactionType != \"\" && said.TransactionType != oneStage:", "refundInProcessing:"}}},
	// That a payment is in one worker's hands at a time would hide it.
	{"a surplus is given back by whoever sees it", []edit{{"router/worker.go", "lease := now.Add(r.Lease)", "lease := now.Add(0 * r.Lease)"}, {"router/payment/operate.go", "	if _, open := p.openOperation(plan.Attempt); open {\n		return Step{}, false\n	}\n	last", "	last"}, {
		"router/payment/operation.go", "	if open, ok := p.openOperation(b.Attempt); ok {", "	if open, ok := p.openOperation(b.Attempt); ok && b.Op != OpRefund {"}}},
	{"a paid payment can be canceled", []edit{{"router/payment/sums.go", "	if ok && kept.Verdict == providers.Approved {\n		return refuse(\"paid already: use a refund\")\n	}\n", "	_ = ok\n"}}},
	{"the bank's question is always answered yes", []edit{{"router/payment/payable.go", "	for _, other := range p.Attempts {\n		if other.Verdict.HasMoney() {\n			return providers.AlreadyPaid\n		}\n	}\n", "	if a != nil {\n		return providers.Payable\n	}\n"}}},
	{"a number is handed out twice", []edit{
		{"router/reference.go", "	return b.next - 1, nil", "	return b.next / 2 * 2, nil"},
		{"router/journal/migrations/00001_books.sql", "CREATE UNIQUE INDEX attempts_reference", "CREATE INDEX attempts_reference"}}},
	{"a process that slept through its window sends all the same", []edit{{"router/clock.go", "elapsed(decided, now) >= sendBy ||", "elapsed(decided, now) >= 1000*sendBy ||"}}},
	{"books that went back are not noticed", []edit{
		{"router/journal/mark.go", "	if last := s.last.Load(); last != nil {", "	if last := (*mark)(nil); last != nil {"},
		{"router/journal/mark.go", "look.Behind = s.back.Swap(false)", "look.Behind = false"}}},
	{"order numbers of a lost window are given out again", []edit{{"router/window.go", "counterOf, lost.Skip, asked)", "counterOf, 0, asked)"}, {
		"router/reference.go", "const block = 64\n", "const block = 1\n"}}}, // a block of them hides it from most windows
	{"refunds go on before a lost window is reconciled", []edit{{"router/operate.go", "		return r.mayMove()\n", "		return nil\n"}, {
		"health/options.go", " || o == OpCapture || o == OpRefund }", " }"}}},
	{"what a lost window does not say closes attempts", []edit{{"router/payment/terms.go", "return !t.LostAt.IsZero() && ", "return false && "}, {
		"router/drive.go", "if err = r.mayMove(); err != nil { // our own silence", "if err = error(nil); err != nil { // our own silence"}, {
		"router/router.go", "held := mistimed || r.mayMove() != nil", "held := mistimed"}}},
	{"the payment is closed while its offer lives", []edit{{"router/payment/evidence.go", "	if method.Withdraw == providers.Veto && p.leaving(a, now) && ", "	if p.Cancel != nil || method.Withdraw == providers.Veto && p.leaving(a, now) && "}}},
	{"a phone number is logged", []edit{{"router/create.go", "		o.mine = true\n", "		o.mine = true\n		o.r.Log.Debug(\"opened\", \"payer\", o.person.Phone)\n		o.r.Log.Info(\"opened\", \"payer\", o.person.Phone)\n"}}},
	{"money that comes after the end is kept", []edit{{"router/payment/operate.go", "	if !a.Verdict.HasMoney() || a.net(p) <= 0 {\n		return Step{}, false\n	}\n	if kept,", "	if !a.Verdict.HasMoney() || a.net(p) <= 0 || p.Finished != nil {\n		return Step{}, false\n	}\n	if kept,"}}},
	{"the key of a refund is not kept", []edit{{"router/journal/write.go", "		if r != nil {\n			w.request(", "		if r != nil && r.Kind != \"refund\" {\n			w.request("}}},
	{"nobody is called about what stays open", []edit{{"router/payment/next.go", "	case expired && !p.Found(Undecided, a.N):", "	case expired && p.ID == \"\":"}}},
	{"an attempt that nobody decided is forgotten", []edit{{"router/payment/next.go", "	return now.Add(takeover)\n", "	return time.Time{}\n"}}},
	{"of those who share a commit that failed only the first is told", []edit{{"router/journal/group_sqlite.go",
		"		for _, m := range members { // also", "		for _, m := range members[:1] { // also"}}},
	{"who shares a commit is answered before it is durable", []edit{{"router/journal/group_sqlite.go", sharing,
		"	for _, m := range members[1:] {\n		m.told <- m.outcome\n	}\n" + sharing}}},
	{"a shared commit without an answer counts as done", []edit{
		{"router/journal/group_sqlite.go", sharing, "	if err := tx.Commit(); !errors.Is(err, syscall.ECONNRESET) {\n		return true, err\n	}\n	return true, nil"},
		{"router/journal/group_sqlite.go", "	\"errors\"\n", "	\"errors\"\n	\"syscall\"\n"}}},
	{"whose write is refused in a shared commit is told that it is made", []edit{{"router/journal/group_sqlite.go", undoing,
		undoing + "			m.err = nil\n"}}},
	{"what was written before a refusal stays in the shared commit", []edit{{"router/journal/group_sqlite.go", undoing, ""}}},
	{"a refusal for what a shared commit wrote is told, though it failed", []edit{{"router/journal/group_sqlite.go",
		"			m.err = err\n", "			if m.err == nil {\n				m.err = err\n			}\n"}}},
	{"all who share a commit are told what its leader is told", []edit{{"router/journal/group.go", "				m.told <- m.outcome\n", "				m.told <- leader.outcome\n"}}},
}
