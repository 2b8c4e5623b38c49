package app_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// ruleFile is a file of recording and alert rules.
type ruleFile struct {
	Groups []struct {
		Rules []struct {
			Record, Alert, Expr string
			Labels, Annotations map[string]string
		}
	}
}

// caseFile is a file of promtool's about them.
type caseFile struct {
	Tests []struct {
		Name  string
		Input []struct{ Series string } `yaml:"input_series"`
		Asked []struct {
			Expr    string
			Samples []struct{ Labels string } `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

// loose decodes YAML of which a test looks at some fields.
func loose(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, path)), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

var (
	metricUsed = regexp.MustCompile(`(^|[^\w:])((?:payrouter|grpc|process|go)_\w+)(\{[^}]*\})?`)
	recordUsed = regexp.MustCompile(`\w+:\w+:\w+`)
	matcher    = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*["']`)
	grouping   = regexp.MustCompile(`\b(?:by|on)\s*\(([^)]*)\)`)
)

// faultsOf names what an expression asks for that no metric has.
func faultsOf(expr string, labels map[string][]string) (faults []string) {
	scraped := []string{"instance", "job"}      // labels that every series gets
	known := append([]string{"le"}, scraped...) // whatever the expression may group by
	for _, used := range metricUsed.FindAllStringSubmatch(grouping.ReplaceAllString(expr, ""), -1) {
		of, ok := labelsOf(used[2], labels)
		if !ok {
			faults = append(faults, "there is no metric "+used[2])
		}
		known = append(known, of...)
		for _, m := range matcher.FindAllStringSubmatch(used[3], -1) {
			if !slices.Contains(of, m[1]) && !slices.Contains(scraped, m[1]) {
				faults = append(faults, used[2]+" has no label "+m[1])
			}
		}
	}
	if recordUsed.MatchString(expr) {
		return faults // what is recorded has the labels that it was grouped by
	}
	for _, list := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(list[1], ",") {
			if label = strings.TrimSpace(label); label != "" && !slices.Contains(known, label) {
				faults = append(faults, "nothing there has the label "+label)
			}
		}
	}
	return faults
}

// labelsOf are the labels of a metric, or of the histogram that a series is of.
func labelsOf(series string, labels map[string][]string) ([]string, bool) {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if name, ok := strings.CutSuffix(series, suffix); ok {
			if of, ok := labels[name]; ok {
				if suffix == "_bucket" {
					of = append(slices.Clone(of), "le")
				}
				return of, true
			}
		}
	}
	return nil, false
}

func TestAnExpressionThatAsksForNothingIsNoticed(t *testing.T) {
	labels := map[string][]string{"payrouter_calls_seconds": {"gateway"}, "payrouter_up": {}}
	for expr, faults := range map[string]int{
		`max by (gateway) (payrouter_calls_seconds_count{gateway="a", instance="b"})`:     0,
		`histogram_quantile(0.9, sum by (le) (rate(payrouter_calls_seconds_bucket[5m])))`: 0,
		`rate(payrouter_calls_seconds_bucket{gateway="a", le="30"}[5m])`:                  0,
		`payrouter_calls_seconds_sum{le="30"}`:                                            1,
		`payrouter_up == 0 unless payrouter_down`:                                         1,
		`payrouter_up{gateway="a"}`:                                                       1,
		`max by (gatway) (payrouter_calls_seconds_sum)`:                                   1,
		`payrouter_up_bucket or payrouter_calls_seconds_total`:                            1,
	} {
		if got := faultsOf(expr, labels); len(got) != faults {
			t.Errorf("%s: %q", expr, got)
		}
	}
}

// Every alert asks for metrics that exist, says how bad it is and what to do, and was seen to fire
// and to stay quiet (make rules runs these cases).
func TestEveryAlertIsTrueTestedAndExplained(t *testing.T) {
	labels, _ := described(t, serve(t, parsed(t, proved(identitytest.New(t)))))
	var rules ruleFile
	loose(t, "deploy/prometheus/payrouter.rules.yaml", &rules)
	fires, quiet := casesOf(t, labels)
	runbook := read(t, "docs/runbook.md")
	recorded, alerts := map[string]bool{}, []string{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			for _, fault := range faultsOf(r.Expr, labels) {
				t.Errorf("%s%s: %s", r.Alert, r.Record, fault)
			}
			for _, name := range recordUsed.FindAllString(r.Expr, -1) {
				if !recorded[name] {
					t.Errorf("%s%s: nothing before it records %s", r.Alert, r.Record, name)
				}
			}
			if recorded[r.Record] = true; r.Alert == "" {
				continue
			}
			alerts = append(alerts, r.Alert)
			if s := r.Labels["severity"]; s != "page" && s != "ticket" {
				t.Errorf("%s has the severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say what is wrong", r.Alert)
			}
			if _, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "/docs/runbook.md#"); anchor != strings.ToLower(r.Alert) {
				t.Errorf("%s sends people to %s", r.Alert, r.Annotations["runbook_url"])
			}
			if !strings.Contains(runbook, "\n## "+r.Alert+"\n\n*"+map[string]string{"page": "Page", "ticket": "Ticket"}[r.Labels["severity"]]+".*") {
				t.Errorf("docs/runbook.md has no paragraph %s of that severity", r.Alert)
			}
			if !fires[r.Alert] || !quiet[r.Alert] {
				t.Errorf("%s: fires in a case: %t, stays quiet in one: %t", r.Alert, fires[r.Alert], quiet[r.Alert])
			}
		}
	}
	for _, heading := range regexp.MustCompile(`(?m)^## (Payrouter\w+)$`).FindAllStringSubmatch(runbook, -1) {
		if !slices.Contains(alerts, heading[1]) {
			t.Errorf("docs/runbook.md explains %s, which is no alert", heading[1])
		}
	}
}

// casesOf says which alerts were seen to fire and which to stay quiet, and looks at what they are fed.
func casesOf(t *testing.T, labels map[string][]string) (fires, quiet map[string]bool) {
	t.Helper()
	fires, quiet = map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob(filepath.Join(root, "deploy/prometheus/*.test.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	name := regexp.MustCompile(`alertname=~?"([\w|]+)"`)
	for _, file := range files {
		var cases caseFile
		loose(t, filepath.Join("deploy/prometheus", filepath.Base(file)), &cases)
		for _, c := range cases.Tests {
			for _, in := range c.Input {
				for _, fault := range faultsOf(in.Series, labels) {
					t.Errorf("%s: %s", c.Name, fault)
				}
			}
			for _, asked := range c.Asked {
				of := fires
				if len(asked.Samples) == 0 {
					of = quiet
				}
				for alert := range strings.SplitSeq(name.FindStringSubmatch(asked.Expr)[1], "|") {
					of[alert] = true
				}
			}
		}
	}
	return fires, quiet
}

// An alert that the example silences or routes by another name would be lost.
func TestTheExampleRoutesNameAlertsThatExist(t *testing.T) {
	rules, routes := read(t, "deploy/prometheus/payrouter.rules.yaml"), read(t, "deploy/prometheus/alertmanager.yaml")
	var form map[string]any
	loose(t, "deploy/prometheus/alertmanager.yaml", &form)
	for _, name := range regexp.MustCompile(`Payrouter\w+`).FindAllString(routes, -1) {
		if !strings.Contains(rules, "alert: "+name+"\n") {
			t.Errorf("there is no alert %s", name)
		}
	}
}

// dashboard is what a test looks at of Grafana's form.
type dashboard struct {
	UID        string
	Templating struct{ List []struct{ Name string } }
	Panels     []struct {
		ID      int
		Type    string
		Title   string
		Grid    struct{ H, W, X, Y int } `json:"gridPos"`
		Targets []struct{ RefID, Expr string }
	}
}

// A panel that asks for a name that is gone shows an empty graph, and nobody notices.
func TestTheDashboardAsksForMetricsThatExist(t *testing.T) {
	labels, _ := described(t, serve(t, parsed(t, proved(identitytest.New(t)))))
	var rules ruleFile
	loose(t, "deploy/prometheus/payrouter.rules.yaml", &rules)
	recorded := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			recorded[r.Record] = true
		}
	}
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, "deploy/grafana/payrouter.json")), &d); err != nil {
		t.Fatal(err)
	}
	ids, taken, asked := map[int]bool{}, map[[2]int]string{}, 0
	for _, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q: its id %d is there twice", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.Grid.X; x < p.Grid.X+p.Grid.W; x++ {
			for y := p.Grid.Y; y < p.Grid.Y+p.Grid.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("panel %q lies over %q or beyond the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if len(p.Targets) == 0 && p.Type != "row" {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			asked++
			for _, fault := range faultsOf(target.Expr, labels) {
				t.Errorf("panel %q: %s", p.Title, fault)
			}
			for _, name := range recordUsed.FindAllString(target.Expr, -1) {
				if !recorded[name] {
					t.Errorf("panel %q: nothing records %s", p.Title, name)
				}
			}
		}
	}
	if asked < 20 {
		t.Errorf("the dashboard asks %d questions", asked)
	}
}
