package sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/payrouter/payrouter/providers/sim"
)

func TestRobokassaStatementCanBeTamperedWith(t *testing.T) {
	inRobokassa(t, sim.RobokassaOptions{}, func(t *testing.T, s *robo) {
		numbers := []string{"1001", "1002", "1003"}
		for _, number := range numbers {
			s.paid(number)
			pass(time.Hour)
		}
		s.refundCall(s.object("1001").ID, "500.25")
		sim.TamperCheck{
			Bank: s.b, Face: "robokassa", Match: "1002", Row: 1,
			Read: func() []map[string]string {
				return sim.CSVRows(control(s.b, http.MethodGet, "/robokassa/registry", "").Body.String())
			},
			Look: func() string {
				out := ""
				for _, number := range numbers {
					a := s.state(number)
					out += fmt.Sprintf("%+v %+v\n", *a.State, a.Info)
				}
				return out
			},
			Wants: map[sim.TamperKind]map[string]string{
				sim.TamperDouble:   {"OpKey": sim.TamperAnew},
				sim.TamperForeign:  {"OpKey": sim.TamperAnew, "InvId": sim.TamperAnew},
				sim.TamperAmount:   {"OutSum": "1501.50"},
				sim.TamperWord:     {"State": "77"},
				sim.TamperDeclined: {"State": "10", "Fee": "0.00", "PaidAt": ""},
				sim.TamperFee:      {"Fee": "53.52"},
				sim.TamperLate:     {"PaidAt": "2000-01-01T04:30:00+03:00"},
				sim.TamperNameless: {"InvId": "", "OpKey": ""},
			},
		}.Run(t)
	})
}
