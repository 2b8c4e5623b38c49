package providertest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/providers/kaspi"
	"github.com/payrouter/payrouter/providers/providertest"
	"github.com/payrouter/payrouter/providers/sim"
)

// planting names the mistake in a child process.
const planting = "PAYROUTER_PROVIDERTEST_MISTAKE"

// A suite that finds nothing proves nothing. Each mistake is planted in a correct
// adapter, in a process of its own, since its tests must fail; the adapter without a
// mistake must pass.
func TestTheSuiteFindsEveryPlantedMistake(t *testing.T) {
	if os.Getenv(planting) != "" {
		t.Skip("a child process")
	}
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run", "^TestPlanted$/^"+m.question, "-test.timeout", "60s", "-test.v")
			child.Env = append(os.Environ(), planting+"="+name)
			output, err := child.CombinedOutput()
			text := string(output)
			switch {
			case name == "none" && (err != nil || strings.Count(text, "--- PASS") < 500):
				t.Errorf("the correct adapter does not pass: %v\n%s", err, text)
			case name != "none" && err == nil:
				t.Errorf("it is not found, or not asked about:\n%s", text)
			case name != "none" && !strings.Contains(text, "--- FAIL: TestPlanted/"+strings.SplitN(m.question, "$", 2)[0]):
				t.Errorf("something else failed: %v\n%s", err, text)
			}
		})
	}
}

// TestPlanted is the child's part.
func TestPlanted(t *testing.T) {
	name, planted := os.LookupEnv(planting)
	if !planted {
		t.Skip("for TestTheSuiteFindsEveryPlantedMistake")
	}
	m, known := mistakes[name]
	if !known {
		t.Fatalf("no mistake is called %q", name)
	}
	providertest.Run(t, with(m))
}

// settled is a Kaspi account that claims what is true of the simulated one: an invoice
// may be canceled again under the same number.
type settled struct{ *kaspi.Gateway }

func (g settled) Claims() providers.Claims {
	c := g.Gateway.Claims()
	c.Idempotent = []providers.IdempotentClaim{{Operation: "void", Window: 10 * time.Minute}}
	return c
}

func TestATrueClaimOfIdempotencePasses(t *testing.T) {
	record := providertest.Run(t, providertest.Subject{
		Gateway: "kaspi",
		Bank:    func(providers.Method) sim.Face { return sim.Kaspi(sim.KaspiOptions{NotifyURL: providertest.NotifyURL}) },
		New: func(dial providertest.Dial) (providers.Provider, error) {
			g, err := kaspi.New(kaspi.Config{BaseURL: "http://127.0.0.1:1/r3/v01", OrganizationBIN: sim.KaspiDefaultBIN,
				DeviceToken: providers.NewSecret(sim.KaspiDefaultDevice), NoticeSources: []string{"127.0.0.1"}}, kaspi.Options{Dial: dial})
			return settled{g}, err
		},
		Only: []providers.Method{providers.Push}, Secrets: []string{sim.KaspiDefaultDevice}, ByExternal: true,
	})
	table := providertest.Table(record)
	for _, row := range []string{"| operation | kaspi |", "| push | simulated bank, ", "| withdraw | simulated bank, ", "| qr | not asked |"} {
		if !strings.Contains(table, row) {
			t.Errorf("the table has no %q:\n%s", row, table)
		}
	}
}
