package payrouterv1_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	payrouterv1 "github.com/payrouter/payrouter/proto/payrouter/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
)

var files = []protoreflect.FileDescriptor{
	payrouterv1.File_payrouter_v1_payments_proto,
	payrouterv1.File_payrouter_v1_operations_proto,
	payrouterv1.File_payrouter_v1_finance_proto,
	payrouterv1.File_payrouter_v1_audit_proto,
}

// Answers are only ever written by the server, so their fields need no annotation.
func isAnswer(m protoreflect.MessageDescriptor) bool {
	if parent, ok := m.Parent().(protoreflect.MessageDescriptor); ok {
		return isAnswer(parent)
	}
	return strings.HasSuffix(string(m.Name()), "Response") || m.Name() == "Change"
}

func behaviours(f protoreflect.FieldDescriptor) []annotations.FieldBehavior {
	return proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
}

// walk calls visit for each message, nested ones included.
func walk(messages protoreflect.MessageDescriptors, visit func(protoreflect.MessageDescriptor)) {
	for i := range messages.Len() {
		m := messages.Get(i)
		if m.IsMapEntry() {
			continue
		}
		visit(m)
		walk(m.Messages(), visit)
	}
}

func TestEveryFieldSaysWhoSetsIt(t *testing.T) {
	seen := 0
	for _, file := range files {
		walk(file.Messages(), func(m protoreflect.MessageDescriptor) {
			if isAnswer(m) {
				return
			}
			for i := range m.Fields().Len() {
				f := m.Fields().Get(i)
				seen++
				if len(behaviours(f)) == 0 {
					t.Errorf("%s has no field_behavior", f.FullName())
				}
				if f.Name() == "name" && !strings.HasSuffix(string(m.Name()), "Request") && m.Name() != "Claim" &&
					!slices.Contains(behaviours(f), annotations.FieldBehavior_IDENTIFIER) {
					t.Errorf("%s is a resource's name and not marked IDENTIFIER", f.FullName())
				}
			}
		})
	}
	if seen < 150 {
		t.Errorf("only %d fields were looked at", seen)
	}
}

func TestEveryWishThatMovesMoneyNeedsARequestID(t *testing.T) {
	needed := []protoreflect.Name{
		"CreatePayment", "CapturePayment", "CancelPayment", "CreateRefund", "CreateOverride",
	}
	found := 0
	for _, file := range files {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				method := methods.Get(j)
				if !slices.Contains(needed, method.Name()) && !strings.HasPrefix(string(method.Name()), "Create") {
					continue
				}
				found++
				id := method.Input().Fields().ByName("request_id")
				if id == nil || !slices.Contains(behaviours(id), annotations.FieldBehavior_REQUIRED) {
					t.Errorf("%s has no required request_id", method.FullName())
				}
			}
		}
	}
	if found != len(needed) {
		t.Errorf("%d methods were looked at, want %d", found, len(needed))
	}
}

// Amounts are exact: a binary fraction anywhere in the contract would be a hole.
func TestNoFieldIsABinaryFraction(t *testing.T) {
	for _, file := range files {
		walk(file.Messages(), func(m protoreflect.MessageDescriptor) {
			for i := range m.Fields().Len() {
				f := m.Fields().Get(i)
				if f.Kind() == protoreflect.DoubleKind || f.Kind() == protoreflect.FloatKind {
					t.Errorf("%s is a %s", f.FullName(), f.Kind())
				}
			}
		})
	}
}

// There is no place for card data, so that no caller can send any by mistake.
func TestThereIsNoFieldForCardData(t *testing.T) {
	for _, file := range files {
		walk(file.Messages(), func(m protoreflect.MessageDescriptor) {
			for i := range m.Fields().Len() {
				name := string(m.Fields().Get(i).Name())
				for _, word := range []string{"pan", "cvv", "cvc", "card", "cryptogram"} {
					if slices.Contains(strings.Split(name, "_"), word) {
						t.Errorf("%s.%s looks like a place for card data", m.FullName(), name)
					}
				}
			}
		})
	}
}
