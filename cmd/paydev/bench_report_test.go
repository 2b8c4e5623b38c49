package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestRatiosCompareRunsOfTheSameRepetition(t *testing.T) {
	r := &report{}
	did := func(k key, perSecond ...int) {
		k.Callers = 16
		for n, rate := range perSecond {
			if rate > 0 { // otherwise that run failed
				r.cell(k).add(n, sample{done: rate, all: 2 * rate, took: time.Second, syncs: int64(4 * rate), unnumbered: 3})
			}
		}
	}
	service := func(engine string) key { return key{What: whatPayrouter, Engine: engine, Flow: flowCharge} }
	did(key{What: whatGateway}, 3000, 2000, 1000)
	did(key{What: whatGateway, GatewayMS: 200}, 1, 1, 1)
	did(key{What: whatEcho}, 3000, 2000, 1000)
	did(key{What: whatCommits, Engine: "sqlite"}, 3000, 2000, 1000)
	did(key{What: whatBatch, Engine: "sqlite"}, 6000, 4000, 0)
	did(service("sqlite"), 600, 500, 300)
	did(service("postgresql"), 300, 0, 100) // no pgbench
	r.conclude()
	at := func(engine string) *cell { k := service(engine); k.Callers = 16; return r.find(k) }
	lite, pg := at("sqlite"), at("postgresql")
	if lite.PerSecond != 500 || lite.Least != 300 || lite.Most != 600 || lite.OfCommits != 0.25 || lite.OfGateway != 0.25 || lite.OfEcho != 0.25 || lite.OfBoth != 0.5 {
		t.Errorf("%+v, %s", lite.figures, r.grids(false)[1].rows)
	}
	if math.Abs(lite.OfAll-0.75) > 1e-9 || lite.OfBatch != 0.1 { // of 0.1 and 0.125 the lower
		t.Errorf("of all %f, of batch %f", lite.OfAll, lite.OfBatch)
	}
	if lite.Syncs != 2 || *lite.Behind != 3 {
		t.Errorf("%.1f syncs a charge, %d behind", lite.Syncs, *lite.Behind)
	}
	if len(pg.Runs) != 2 || pg.OfGateway != 0.1 || pg.OfCommits != 0 || pg.OfBoth != 0 || pg.OfAll != 0 {
		t.Errorf("%+v, %s", pg.figures, r.grids(false)[1].rows)
	}
	if half, err := r.perSecond(key{Engine: "sqlite", Flow: flowCharge, Rate: rateHalf}, 2); err != nil || half != 150 {
		t.Errorf("half of the last repetition is %f, error %v", half, err)
	}
	var out bytes.Buffer
	if err := r.print(&out); err != nil || strings.Count(out.String(), whatPayrouter) != 3 || strings.Count(out.String(), "0.750") != 1 {
		t.Errorf("error %v:\n%s", err, out.String())
	}
	if ratios, table := strings.Index(out.String(), "of batch"), strings.Index(out.String(), "per second"); ratios < 0 || table < ratios {
		t.Errorf("ratios do not come first:\n%s", out.String())
	}
}

func TestWhatIsPerChargeIsOfTheServiceAloneAndOfAllCharges(t *testing.T) {
	s := sample{done: 10, all: 20, took: time.Second, cpu: 40 * time.Millisecond, ready: 30 * time.Millisecond, syncs: -1,
		service: usage{CPU: 20 * time.Millisecond, Objects: 2000, Bytes: 40000, RSS: 7, Peak: 8}}
	f := s.read()
	if f.CPUUS != 1000 || f.LoadCPUUS != 2000 || f.Objects != 100 || f.Bytes != 2000 || f.RSS != 7 || f.Peak != 8 || f.ReadyMS != 30 || f.Syncs != 0 {
		t.Errorf("%+v", f)
	}
	s.service = usage{}
	if f = s.read(); f.CPUUS != 2000 || f.LoadCPUUS != 0 || f.ReadyMS != 0 {
		t.Errorf("without a service %+v", f)
	}
}

// The names are read by other programs.
func TestTheReportAsJSONKeepsItsNames(t *testing.T) {
	r := &report{Settings: map[string]string{"rates": "half"}, Warnings: []string{}}
	k := key{What: whatPayrouter, Engine: "sqlite", Flow: flowOffer, GatewayMS: 200, Rate: rateHalf}
	r.cell(k).add(0, sample{done: 90, all: 100, asked: 100, late: 2, unstarted: 1, refused: 3, failed: 1, why: errors.New("broken"), took: time.Second, syncs: -1, unnumbered: -1})
	r.outage(routerToy, faultLost).runs = []outageRun{{needed: 6, first: time.Second, spared: never, firstAdded: time.Second, opened: never, vain: 7, penalties: []time.Duration{time.Second, 3 * time.Second}, twice: 6}}
	r.conclude()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"date":`, `"commit":`, `"cpu":`, `"load_average":`, `"settings":{"rates":"half"}`,
		`{"what":"payrouter","engine":"sqlite","flow":"offer","gateway_ms":200,"rate":"half","per_second":90,"p50_us":0,"p90_us":0,"p99_us":0,"p99_9_us":0,"max_us":0,"asked_per_second":100,"late":2,"unstarted":1,`,
		`"refused":3,"failed":1,`, `"of_asked":0.9,`, `"runs":[{"per_second":90,`,
		`{"router":"gobreaker toy","fault":"lost","failures_needed":6,"first_paid_at_backup_ms":1000,"first_spared_ms":null,"charges":0,"in_vain":7,"penalized":2,"penalty_p50_ms":1000,"penalty_p90_ms":3000,"penalty_max_ms":3000,"not_paid_within_call":0,"not_paid_since_broken":0,"first_added_ms":1000,"opened_ms":null,"orders_charged_twice":6,"failed":0,"timeline":{"from_ms":0,"step_ms":0,"first":null,"failed_over":null,"backup":null,"unpaid":null,"twice":null,"failed":null}}`,
		`{"what":"an override seen by another replica","at_least":false,"limit":1,"unit":"s","value":null,"note":"","verdict":"not measured"}`, `"skip":null`,
		`"warnings":["FAILED: payrouter sqlite offer, gateway 200 ms, rate half: broken"]`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%s is missing from %s", want, text)
		}
	}
}
