package app_test

import (
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// free puts the doors on free ports.
func free(c *app.Config) {
	c.GRPC.Address, c.Webhooks.Address, c.Ops.Address = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
}

// serve runs the service on free ports until the test ends.
func serve(t *testing.T, c app.Config) *app.App {
	t.Helper()
	free(&c)
	c.Store.URL = providers.NewSecret("sqlite:" + filepath.Join(t.TempDir(), "books.db"))
	service, err := app.New(t.Context(), c, app.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- service.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	return service
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return string(body)
}

// described are the metrics that a service registers and their labels, by name: also those that
// have no series before something happens, as what a reconciled day came to.
func described(t *testing.T, service *app.App) (labels map[string][]string, help map[string]string) {
	t.Helper()
	labels, help = map[string][]string{}, map[string]string{}
	form := regexp.MustCompile(`^Desc\{fqName: ("(?:[^"\\]|\\.)*"), help: ("(?:[^"\\]|\\.)*"), (?:unit: "[^"]*", )?constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)
	for _, d := range service.Described() {
		parts := form.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("a metric is described in another form: %s", d)
		}
		name, _ := strconv.Unquote(parts[1])
		help[name], _ = strconv.Unquote(parts[2])
		labels[name] = []string{}
		for pair := range strings.SplitSeq(parts[3]+","+parts[4], ",") {
			if label, _, _ := strings.Cut(pair, "="); label != "" {
				labels[name] = append(labels[name], label)
			}
		}
		slices.Sort(labels[name])
	}
	return labels, help
}

// The names, labels and help texts of metrics are a contract: dashboards and alerts depend on
// them. A change shows in the golden file, and belongs in the changelog.
func TestMetricNamesArePinnedAndEverySeriesExistsFromTheStart(t *testing.T) {
	text := strings.Replace(proved(identitytest.New(t)), "provider: wayforpay", "provider: wayforpay\n    credentials_expire: 2027-02-28", 1)
	c := parsed(t, text+"\ntraces: {endpoint: 127.0.0.1:1, insecure: true}\n")
	service := serve(t, c)
	text = get(t, "http://"+service.OpsAddr()+"/metrics")
	var told []string
	samples := map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "# TYPE payrouter_"):
			told = append(told, strings.TrimPrefix(line, "# "))
		case !strings.HasPrefix(line, "#"):
			name, _, _ := strings.Cut(line, "{")
			name, _, _ = strings.Cut(name, " ")
			samples[name] = true
		}
	}
	for _, line := range told {
		name := strings.Fields(line)[1]
		if strings.HasPrefix(line, "TYPE") && !samples[name] && !samples[name+"_count"] {
			t.Errorf("%s has no series before anything happened", name)
		}
	}
	labels, help := described(t, service)
	for name := range labels {
		if strings.HasPrefix(name, "payrouter_") {
			told = append(told, "HELP "+name+" "+help[name], strings.TrimSpace("LABELS "+name+" "+strings.Join(labels[name], " ")))
		}
	}
	slices.Sort(told)
	got, golden := strings.Join(told, "\n")+"\n", filepath.Join("testdata", "metrics.golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("metrics changed; if that is meant, run the test with -update (-want +got):\n%s", diff)
	}
}
