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

	write(day+" 12:00:00;stranger;7.00", day+" 12:00:00;other;8.005")
	if r := hand(); r.exit != exitRefused || !strings.Contains(r.out, "sum") || !strings.Contains(r.err, "the file is refused, and nothing of it was kept") || strings.Contains(r.out, "8.005") {
		t.Errorf("exit %d\n%s\n%s", r.exit, r.out, r.err)
	}
	w.payctl("reconcile", "import", "kaspi-main", path, "--format", "cabinet").fails(exitUsage, "--format, --from, --to and --reason are required")
	w.payctl("reconcile", "import", "kaspi-main", path+"x", "--format", "cabinet", "--from", day, "--to", day, "--reason", "month end").fails(exitUsage, "no such file")
	w.payctl("reconcile", "import", "kaspi-main", path, "--format", "else", "--from", day, "--to", day, "--reason", "month end").fails(exitRefused, "--format is no format of this gateway")
}
