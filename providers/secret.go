package providers

import "log/slog"

// Secret is a credential or token. It prints as <secret> in every format and
// marshals so as well; only Reveal gives the value. The value stands behind a
// pointer because fmt cannot call String on the unexported field of a struct, and
// would print what it finds there.
type Secret struct{ value *string }

const masked = "<secret>"

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value, for the one line that puts it on the wire.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether no value was given.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String hides the value.
func (s Secret) String() string { return masked }

// GoString hides the value from %#v.
func (s Secret) GoString() string { return masked }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText hides the value from JSON, YAML and their kin.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// UnmarshalText reads the value as it stands in a configuration file. Whoever
// loads the file replaces ${NAME} and file: forms by Resolve afterwards.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// Resolve replaces the value by what expand makes of it.
func (s *Secret) Resolve(expand func(string) (string, error)) error {
	value, err := expand(s.Reveal())
	if err != nil {
		return err
	}
	*s = NewSecret(value)
	return nil
}
