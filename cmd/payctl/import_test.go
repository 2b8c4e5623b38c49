package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAFileIsHandedOverTriedAndRefused(t *testing.T) {
	w := newWorld(t)
	day := time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)
	path := filepath.Join(t.TempDir(), "october.csv")
	write := func(rows ...string) {
		w.must(os.WriteFile(path, []byte("date;order;sum\n"+strings.Join(rows, "\n")+"\n"), 0o600))
	}
	hand := func(more ...string) ran {
		return w.payctl(append([]string{"reconcile", "import", "kaspi-main", path, "--format", "cabinet", "--from", day, "--to", day, "--reason", "month end"}, more...)...)
	}
	write(day+" 12:00:00;stranger;7.00", day+" 12:00:00;other;8.00")
	hand("--dry-run").done("october.csv", "state valid", "movements 2", "Nothing of it was kept")
	w.payctl("reconcile", "list").done("There are no such runs.")
	const id = "2f0c6f0a-6a55-4b0e-8a55-0c1d2e3f4a5b"
	hand("--request-id", id).done("import imports/"+id, "state accepted", "movements 2", "payctl reconcile list kaspi-main")
	hand("--request-id", id).done("state accepted") // once more is the same file
	w.eventually("the day is run", func() bool { return strings.Contains(w.payctl("reconcile", "list", "kaspi-main").out, "done") })
	w.payctl("reconcile", "list", "kaspi-main").done(day + " done 2")
	w.payctl("findings").done("unknown to us")

	t.Chdir(t.TempDir())
	for format, head := range map[string]string{"csv": "\xef\xbb\xbf", "xlsx": "PK", "pdf": "%PDF-"} {
		for _, language := range []string{"ru", "kk", "en"} {
			name := "kaspi-main-" + day + "-" + day + "." + format
			w.payctl("statement", "kaspi-main", "--from", day, "--to", day, "--format", format, "--language", language, "--merchant", "ТОО Қазақ кітаптары").
				done(name+": kaspi-main of "+day, "KZT 2 15.00 KZT")
			if text, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(text), head) || len(text) < 300 {
				t.Errorf("%s in %s: %d bytes, %v", name, language, len(text), err)
			}
		}
	}
	w.payctl("statement", "kaspi-main", "--from", day, "--to", day, "--format", "csv", "--out", "-", "--language", "en").done("stranger", "7.00")
	w.payctl("statement", "kaspi-main", "--month", "2026-01").fails(exitRefused, "DAYS_MISSING", "2026-01-01 to 2026-01-31", "payctl reconcile run kaspi-main --day 2026-01-01", "--allow-missing-days")
	w.payctl("statement", "kaspi-main", "--month", "2026-01", "--allow-missing-days", "--format", "csv").done("Missing, and named on it: 2026-01-01")
	w.payctl("statement", "kaspi-main").fails(exitUsage, "--month, or --from and --to, are required")
	w.payctl("statement", "kaspi-main", "--month", "January").fails(exitUsage, "write a month as 2026-10")
	w.payctl("statement", "kaspi-main", "--month", "2026-01", "--format", "doc").fails(exitUsage, "there are csv, xlsx and pdf")

	write(day+" 12:00:00;stranger;7.00", day+" 12:00:00;other;8.005")
	if r := hand(); r.exit != exitRefused || !strings.Contains(r.out, "sum") || !strings.Contains(r.err, "the file is refused, and nothing of it was kept") || strings.Contains(r.out, "8.005") {
		t.Errorf("exit %d\n%s\n%s", r.exit, r.out, r.err)
	}
	w.payctl("reconcile", "import", "kaspi-main", path, "--format", "cabinet").fails(exitUsage, "--format, --from, --to and --reason are required")
	w.payctl("reconcile", "import", "kaspi-main", path+"x", "--format", "cabinet", "--from", day, "--to", day, "--reason", "month end").fails(exitUsage, "no such file")
	w.payctl("reconcile", "import", "kaspi-main", path, "--format", "else", "--from", day, "--to", day, "--reason", "month end").fails(exitRefused, "--format is no format of this gateway")
}
