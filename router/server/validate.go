package server

import (
	"cmp"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/payrouter/payrouter/proto/payrouter/v1"
)

// violations collects everything that is wrong with one request, so that its sender
// learns of all mistakes at once. Descriptions never quote what was sent.
type violations struct {
	found []violation
	paths map[string]bool // fields that have one; the first word about a field stands
}

type violation struct {
	reason             pb.ErrorReason
	field, description string
}

// gravity orders the reasons when a request breaks several rules: the answer as a
// whole names the first of them that applies, and each field its own.
var gravity = []pb.ErrorReason{
	pb.ErrorReason_ERROR_REASON_CARD_NUMBER_REFUSED,
	pb.ErrorReason_ERROR_REASON_REQUEST_ID_REQUIRED,
	pb.ErrorReason_ERROR_REASON_INVALID_AMOUNT,
	pb.ErrorReason_ERROR_REASON_UNKNOWN_CURRENCY,
	pb.ErrorReason_ERROR_REASON_OVERRIDE_NEEDS_END,
	pb.ErrorReason_ERROR_REASON_INVALID_FIELD,
}

func (v *violations) add(reason pb.ErrorReason, field, description string) {
	if v.paths[field] {
		return
	}
	if v.paths == nil {
		v.paths = map[string]bool{}
	}
	v.paths[field] = true
	v.found = append(v.found, violation{reason, field, description})
}

// wrong adds a broken rule that has no reason of its own.
func (v *violations) wrong(field, description string) {
	v.add(pb.ErrorReason_ERROR_REASON_INVALID_FIELD, field, description)
}

// fault is the answer, or nil when nothing is wrong.
func (v *violations) fault() *fault {
	if len(v.found) == 0 {
		return nil
	}
	worst := slices.MinFunc(v.found, func(a, b violation) int {
		return cmp.Compare(slices.Index(gravity, a.reason), slices.Index(gravity, b.reason))
	})
	details := &errdetails.BadRequest{}
	for _, f := range v.found {
		details.FieldViolations = append(details.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: f.field, Description: f.description, Reason: reasonText(f.reason)})
	}
	var metadata map[string]string
	if worst.reason == pb.ErrorReason_ERROR_REASON_CARD_NUMBER_REFUSED {
		metadata = map[string]string{"field": worst.field}
	}
	message := worst.field + " " + worst.description
	if more := len(v.found) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	return newFault(worst.reason, message, metadata, details)
}

// validate refuses a request whose shape breaks the contract. Handlers run only on
// requests that passed.
func validate(request any) error {
	m, ok := request.(proto.Message)
	if !ok {
		return nil
	}
	v := &violations{}
	v.texts(m.ProtoReflect(), "")
	if !v.rules(m) {
		return internal() // a method without rules: a test walks them all
	}
	if f := v.fault(); f != nil {
		return f
	}
	return nil
}

// texts looks at every text in the message, whatever its field is for: card numbers
// and control characters have no place in any of them.
func (v *violations) texts(m protoreflect.Message, prefix string) {
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		path := prefix + string(f.Name())
		switch {
		case f.IsMap():
			value.Map().Range(func(key protoreflect.MapKey, one protoreflect.Value) bool {
				v.text(path, key.String())
				v.value(f.MapValue(), one, path)
				return true
			})
		case f.IsList():
			for i := range value.List().Len() {
				v.value(f, value.List().Get(i), fmt.Sprintf("%s[%d]", path, i))
			}
		default:
			v.value(f, value, path)
		}
		return true
	})
}

func (v *violations) value(f protoreflect.FieldDescriptor, value protoreflect.Value, path string) {
	switch f.Kind() {
	case protoreflect.StringKind:
		v.text(path, value.String())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		v.texts(value.Message(), path+".")
	}
}

func (v *violations) text(path, text string) {
	switch {
	case hasCardNumber(text):
		v.add(pb.ErrorReason_ERROR_REASON_CARD_NUMBER_REFUSED, path, "contains what looks like a card number; it was neither stored nor logged")
	case hasControl(text):
		v.wrong(path, "contains control characters")
	}
}

// hasControl reports characters that would break lines, terminals or databases.
func hasControl(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return true
		}
	}
	return false
}

// length refuses a text outside its bounds, counted in characters as a person would.
func (v *violations) length(field, text string, least, most int) {
	switch n := utf8.RuneCountInString(text); {
	case n < least && least == 1:
		v.wrong(field, "is required")
	case n < least:
		v.wrong(field, fmt.Sprintf("has fewer than %d characters", least))
	case n > most:
		v.wrong(field, fmt.Sprintf("has more than %d characters", most))
	}
}
