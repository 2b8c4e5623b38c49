package providertest

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/payrouter/payrouter/providers"
)

// suite asks one subject. The provider in it is only read (claims, interfaces); every
// question makes one of its own.
type suite struct {
	subject  Subject
	claims   providers.Claims
	provider providers.Provider
	record   *Record
}

// about gathers the questions on one thing: a line of the record and a subtest.
func (s *suite) about(t *testing.T, what string, ask func(t *testing.T)) {
	t.Helper()
	t.Run(what, ask)
}

// ask puts one question, in a bubble with a bank and an adapter of its own.
func (s *suite) ask(t *testing.T, what, sentence string, m providers.Method, question func(h *house)) {
	t.Helper()
	t.Run(sentence, func(t *testing.T) {
		defer s.record.note(what, t) // a bubble that fails does not return
		s.bubble(t, m, question)
	})
}

// bubble opens a house in virtual time.
func (s *suite) bubble(t *testing.T, m providers.Method, question func(h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { question(open(t, s.subject, m)) })
}

// methods lists the claimed methods of the given flows, in the fixed order.
func (s *suite) methods(flows ...providers.Flow) []providers.MethodClaims {
	var found []providers.MethodClaims
	for _, m := range providers.Methods() {
		if len(s.subject.Only) > 0 && !slices.Contains(s.subject.Only, m) {
			continue
		}
		claimed := s.claims.Method(m)
		for _, f := range flows {
			if claimed.Flow == f {
				found = append(found, claimed)
			}
		}
	}
	return found
}

// payable are the methods by which money can come without our answering a question.
func (s *suite) payable() []providers.MethodClaims {
	return s.methods(providers.Direct, providers.Offer, providers.Pushed)
}

// holding are the methods by which a hold can be asked for.
func (s *suite) holding() []providers.MethodClaims {
	var found []providers.MethodClaims
	for _, m := range s.payable() {
		if m.TwoStage {
			found = append(found, m)
		}
	}
	return found
}

// can reports whether the adapter has an optional power.
func can[Power any](p providers.Provider) bool {
	_, ok := p.(Power)
	return ok
}
