package providertest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bank is a gateway that refunds, and can hold under one setting alone.
func bank() []Record {
	return []Record{
		{Gateway: "bank", Lines: []Line{{"page", Simulated, 40}, {"hold", NotOffered, 0}, {"refund", Simulated, 12}, {"claims", Simulated, 4}}},
		{Gateway: "bank, two steps", Lines: []Line{{"page", NotAsked, 0}, {"hold", Simulated, 7}, {"refund", Simulated, 3}}},
	}
}

var _ = flag.Bool("update", false, "as the tests of adapters have it")

// keeping names the adapter's folder in a child process, which is an adapter's test.
const keeping = "PAYROUTER_PROVIDERTEST_KEEP"

// TestKeeping is the child's part: a test with one question. Its words are those of the
// environment: "another" records, and an answer that is "bad".
func TestKeeping(t *testing.T) {
	folder, child := os.LookupEnv(keeping)
	if !child {
		t.Skip("for TestOnlyAWholeRunThatPassedIsComparedOrWritten")
	}
	t.Chdir(folder)
	records := bank()
	if os.Getenv(keeping+"_RECORDS") == "another" {
		records = records[:1]
	}
	t.Run("question", func(t *testing.T) {
		if os.Getenv(keeping+"_ANSWER") == "bad" {
			t.Error("a bad answer")
		}
	})
	Keep(t, records...)
}

func TestOnlyAWholeRunThatPassedIsComparedOrWritten(t *testing.T) {
	const whole, wayOut = "^TestKeeping$", "-run '^TestKeeping$' -update, then make capabilities"
	another, bad := keeping+"_RECORDS=another", keeping+"_ANSWER=bad"
	for name, c := range map[string]struct {
		flags  []string
		words  []string
		fails  bool
		writes bool
		says   string
	}{
		"the same":                     {flags: []string{"-test.run", whole}, says: "| operation | bank |"},
		"another":                      {flags: []string{"-test.run", whole}, words: []string{another}, fails: true, says: wayOut},
		"another, to be written":       {flags: []string{"-test.run", whole, "-update"}, words: []string{another}, writes: true},
		"a part, by -run":              {flags: []string{"-test.run", whole + "/question"}, words: []string{another}, says: "not every question was asked"},
		"a part, by -run, and -update": {flags: []string{"-test.run", whole + "/question", "-update"}, words: []string{another}},
		"a part, by -skip":             {flags: []string{"-test.run", whole, "-test.skip", whole + "/question", "-update"}, words: []string{another}},
		"a failure, and -update":       {flags: []string{"-test.run", whole, "-update"}, words: []string{another, bad}, fails: true, says: "not every question was answered well"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := keep(folder, true, bank()); err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0], append(c.flags, "-test.v")...)
			child.Env = append(append(os.Environ(), keeping+"="+folder), c.words...)
			output, err := child.CombinedOutput()
			if (err != nil) != c.fails || !strings.Contains(string(output), c.says) {
				t.Errorf("%v\n%s", err, output)
			}
			if err := keep(folder, false, bank()); (err != nil) != c.writes {
				t.Errorf("the file: %v", err)
			}
		})
	}
}

func TestWhatIsKeptIsReadBackAsItWas(t *testing.T) {
	folder := t.TempDir()
	if err := keep(folder, true, bank()); err != nil {
		t.Fatal(err)
	}
	if err := keep(folder, false, bank()); err != nil {
		t.Errorf("the same records: %v", err)
	}
	got, err := Kept(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bank(), got); diff != "" {
		t.Errorf("-kept +read:\n%s", diff)
	}
}

func TestAFileThatSaysSomethingElseThanTheSuiteHasSeenFails(t *testing.T) {
	for name, c := range map[string]struct {
		seen func([]Record) []Record
		want []string
	}{
		"an operation less": {
			func(r []Record) []Record { r[0].Lines[2] = Line{"refund", NotOffered, 0}; return r },
			[]string{`- {"gateway":"bank","operation":"refund","how":"simulated bank","questions":12}`, `+ {"gateway":"bank","operation":"refund","how":"not offered"}`},
		},
		"another number of questions": {
			func(r []Record) []Record { r[1].Lines[2].Questions++; return r },
			[]string{`- {"gateway":"bank, two steps","operation":"refund","how":"simulated bank","questions":3}`, `"questions":4}`},
		},
		"a variant less": {func(r []Record) []Record { return r[:1] }, []string{`- {"gateway":"bank, two steps"`}},
		"a variant more": {
			func(r []Record) []Record { return append(r, Record{"bank, slow", []Line{{"page", Simulated, 1}}}) },
			[]string{`+ {"gateway":"bank, slow"`},
		},
		"another order": {
			func(r []Record) []Record { slices.Reverse(r[0].Lines); return r },
			[]string{"the same lines in another order"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if err := keep(folder, true, bank()); err != nil {
				t.Fatal(err)
			}
			err := keep(folder, false, c.seen(bank()))
			if err == nil {
				t.Fatal("it passes")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("it does not say %s:\n%v", part, err)
				}
			}
			if strings.Contains(err.Error(), `"page","how":"simulated bank","questions":40`) {
				t.Errorf("it repeats what is the same:\n%v", err)
			}
		})
	}
}

func TestAnAdapterThatHasKeptNothingYetFails(t *testing.T) {
	if err := keep(t.TempDir(), false, bank()); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

func TestRecordsThatMakeNoColumnAreNotKept(t *testing.T) {
	for want, records := range map[string][]Record{
		"there is no record":     nil,
		"two records are of":     {{Gateway: "bank"}, {Gateway: "bank"}},
		"there is no record of ": {{Gateway: "bank, two steps"}},
	} {
		folder := t.TempDir()
		if err := keep(folder, true, records); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", records, err)
		}
		if _, err := os.Stat(filepath.Join(folder, keptIn)); !os.IsNotExist(err) {
			t.Errorf("%v are written: %v", records, err)
		}
	}
}

func TestOnlyAPatternThatChoosesAmongQuestionsNarrowsATest(t *testing.T) {
	for pattern, want := range map[string]bool{
		"": false, "^TestConformance$": false, "TestConformance|TestHostile": false, ".": false,
		"TestConformance/kaspi_r1": true, "/": true, "TestHostile|TestConformance/kaspi_r1/push": true,
	} {
		if narrowed(pattern) != want {
			t.Errorf("%q: %t", pattern, !want)
		}
	}
}

func TestAFileThatWasWrittenByHandIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", `[{"gateway":"bank","operation":"page","how":"simulated bank","question":1}]`} {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "testdata"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, keptIn), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if records, err := Kept(folder); err == nil {
			t.Errorf("%q is read as %v", text, records)
		}
	}
}

func TestAGatewayIsOneColumnAndItsVariantsAreCountedInIt(t *testing.T) {
	table := Capabilities(append(bank(), Record{Gateway: "other", Lines: []Line{{"page", Failed, 3}, {"hold", Simulated, 9}}})...)
	for _, row := range []string{
		"| operation | bank | other |\n| --- | --- | --- |\n",
		"| page | simulated bank, 40 questions | FAILED |\n",
		"| hold | simulated bank, 7 questions (two steps) | simulated bank, 9 questions |\n",
		"| refund | simulated bank, 15 questions | – |\n",
		"| statement | – | – |\n",
		"\n\nAsked again under other settings of the account or the bank, and counted above: bank (two steps).\n",
	} {
		if !strings.Contains(table, row) {
			t.Errorf("the table has no %q:\n%s", row, table)
		}
	}
	if strings.Contains(table, "claims") {
		t.Errorf("claims are no operation:\n%s", table)
	}
}

func TestAFailureInAVariantIsTheGateways(t *testing.T) {
	records := bank()
	records[1].Lines[2].How = Failed
	if table := Capabilities(records...); !strings.Contains(table, "| refund | FAILED |") {
		t.Errorf("it is hidden:\n%s", table)
	}
}
