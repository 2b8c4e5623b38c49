package app

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/health"
	"github.com/payrouter/payrouter/providers"
	"github.com/payrouter/payrouter/router"
	"github.com/payrouter/payrouter/router/payment"
)

// Config is the whole configuration: one YAML file. Unknown keys are refused. Secrets
// may be written as ${NAME}, taken from the environment, or as file:PATH.
type Config struct {
	GRPC      GRPC              `yaml:"grpc"`
	Webhooks  Webhooks          `yaml:"webhooks"`
	Ops       Ops               `yaml:"ops"`
	Store     Store             `yaml:"store"`
	Log       Log               `yaml:"log"`
	Traces    Traces            `yaml:"traces"`
	Keys      Keys              `yaml:"keys"`
	Terms     Terms             `yaml:"terms"`
	Health    Health            `yaml:"health"`
	Retention Retention         `yaml:"retention"`
	Tenants   map[string]Tenant `yaml:"tenants"` // at least one
	Gateways  []Gateway         `yaml:"gateways"`
	Readiness Readiness         `yaml:"readiness"`
	// Identities are who may call. Required with grpc.tls or grpc.tokens. Without either a
	// caller is whoever it says it is, and calls from this machine.
	Identities []Identity `yaml:"identities"`
}

// GRPC is where internal services call.
type GRPC struct {
	// Address is host:port; default 127.0.0.1:7070. One that is not loopback needs tls, and
	// identities.
	Address string  `yaml:"address"`
	TLS     *TLS    `yaml:"tls"`    // default: plain text, which never leaves this machine
	Tokens  *Tokens `yaml:"tokens"` // default: no token is taken
	// DefaultTenant is whose money it is when a caller names no tenant. Default: the
	// only tenant, when there is one. A caller who proves who it is has no other default
	// than the only tenant that it has a role in.
	DefaultTenant string `yaml:"default_tenant"`
	// MaxCharges is how many charges may be in progress at once in this process; what comes
	// beyond is told to come back. Default: what the gateways take together, because more
	// would only be refused later, after it was stored.
	MaxCharges int `yaml:"max_charges"`
	// CallsPerSecond is how many calls one caller may make, in a second and at once; what
	// comes beyond is told to come back. Default 1000.
	CallsPerSecond int `yaml:"calls_per_second"`
	// StreamsPerCaller is how many streams one caller may have open. Default 128.
	StreamsPerCaller int `yaml:"streams_per_caller"`
}

// Webhooks is where gateways call us.
type Webhooks struct {
	Address        string   `yaml:"address"`         // host:port; default 127.0.0.1:7071
	PublicURL      string   `yaml:"public_url"`      // how gateways reach it from outside; default http://<address>
	TrustedProxies []string `yaml:"trusted_proxies"` // addresses or CIDR blocks whose X-Forwarded-For is believed
	MaxNotices     int      `yaml:"max_notices"`     // stored and ruled on at once; what comes beyond is told to come back; default half of grpc.max_charges, 128 at most
}

// Ops is where Prometheus scrapes and orchestrators ask for health.
type Ops struct {
	Address string `yaml:"address"` // host:port; default 127.0.0.1:7072
}

// Store is the database of the books.
type Store struct {
	URL           providers.Secret `yaml:"url"`            // sqlite:PATH or postgres://…; default sqlite:payrouter.db
	MaxConns      int              `yaml:"max_conns"`      // PostgreSQL connections; default 16
	CommitTimeout time.Duration    `yaml:"commit_timeout"` // of one write or read, and until PostgreSQL lets go of what a stopped process holds; default 5s
	// GroupCommit is how many payments may share one commit while another one is under way.
	// Nobody waits for it. With 1 each has its own. Default 64.
	GroupCommit int `yaml:"group_commit"`
	// Migrate brings the schema up to date at start. Default true.
	Migrate *bool `yaml:"migrate"`
}

// MayMigrate reports whether the program may bring the schema up to date by itself.
func (s Store) MayMigrate() bool { return s.Migrate == nil || *s.Migrate }

// Log is what the service says about itself, to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error; default info
	Format string `yaml:"format"` // json or text; default json
}

// Keys are secrets of the service's own.
type Keys struct {
	// Body hashes request bodies kept beside idempotency keys, and signs page tokens. It
	// must never change: with another key every repeated request looks like another body.
	Body providers.Secret `yaml:"body"`
}

// Terms are how patient the router is.
type Terms struct {
	ResolveLimit   time.Duration   `yaml:"resolve_limit"`   // undecided longer than this calls a person; default 24h
	Ladder         []time.Duration `yaml:"ladder"`          // pauses between look-ups; default 2s, 5s, … 5m
	SlowLook       time.Duration   `yaml:"slow_look"`       // pace after that; default 1h
	StartWithin    time.Duration   `yaml:"start_within"`    // a payment that never began ends after; default 15m
	MaxAttempts    int             `yaml:"max_attempts"`    // attempts of one payment; default 5
	DirectDeadline time.Duration   `yaml:"direct_deadline"` // of payments by instrument that name none; default 15m
	OfferDeadline  time.Duration   `yaml:"offer_deadline"`  // of other payments that name none; default 26h
	MinBudget      time.Duration   `yaml:"min_budget"`      // left of a caller's deadline for another direct attempt; default 5s
	PollEvery      time.Duration   `yaml:"poll_every"`      // how often the worker looks for due payments; default 500ms
	MaxUndecided   int             `yaml:"max_undecided"`   // attempts at a gateway of which nobody knows what became; when all gateways have as many, new charges are refused; default 1000
}

func (t Terms) payment() payment.Terms {
	return payment.Terms{ResolveLimit: t.ResolveLimit, Ladder: t.Ladder, SlowLook: t.SlowLook,
		StartWithin: t.StartWithin, MaxAttempts: t.MaxAttempts}
}

// Health are the settings of breakers and probes.
type Health struct {
	Window       time.Duration `yaml:"window"`        // default 4 × the longest time-out, at least 60s
	Consecutive  int           `yaml:"consecutive"`   // faults in a row that open; default 5
	Completed    int           `yaml:"completed"`     // calls before a share counts; default 20
	FaultShare   int           `yaml:"fault_share"`   // per cent; default 50
	SlowShare    int           `yaml:"slow_share"`    // per cent; default 80
	OpenFor      time.Duration `yaml:"open_for"`      // default 15s, doubling
	OpenAtMost   time.Duration `yaml:"open_at_most"`  // default 5m
	ProbeEvery   time.Duration `yaml:"probe_every"`   // default 15s
	ProbeFast    time.Duration `yaml:"probe_fast"`    // after an outage; default 2s
	ProbeTimeout time.Duration `yaml:"probe_timeout"` // default 5s
	ProbesNeeded int           `yaml:"probes_needed"` // in a row; default 3
	Trials       int           `yaml:"trials"`        // real charges before the ramp; default 3
	Ramp         []int         `yaml:"ramp"`          // per cent; default 5, 20, 50, 100
	RampStep     time.Duration `yaml:"ramp_step"`     // default 60s
	MaxOpenings  int           `yaml:"max_openings"`  // an hour, beyond which the gateway stays out; default 2
	Forget       time.Duration `yaml:"forget"`        // when openings are forgotten; default 1h
}

func (h Health) options() health.Options {
	return health.Options{Window: h.Window, Consecutive: h.Consecutive, Completed: h.Completed, FaultShare: h.FaultShare,
		SlowShare: h.SlowShare, OpenFor: h.OpenFor, OpenAtMost: h.OpenAtMost, ProbeEvery: h.ProbeEvery, ProbeFast: h.ProbeFast,
		ProbeTimeout: h.ProbeTimeout, ProbesNeeded: h.ProbesNeeded, Trials: h.Trials, Ramp: h.Ramp, RampStep: h.RampStep,
		MaxOpenings: h.MaxOpenings, Forget: h.Forget}
}

// Readiness is what a bank's checklist is answered with besides the books: payctl kaspi
// readiness prints it.
type Readiness struct {
	// Egress are the addresses or CIDR blocks from which gateways see us call, for the bank's
	// allow-list. They are printed as they stand here: nothing is sent to find them out.
	Egress []string `yaml:"egress"`
}

// Tenant is one merchant's rules.
type Tenant struct {
	Rules []Rule `yaml:"rules"`
	// GiveBackLimit, in minor units: a larger surplus waits for a person. Default: no limit.
	GiveBackLimit int64 `yaml:"give_back_limit"`
}

// Rule lets a tenant use a gateway.
type Rule struct {
	Gateway    string             `yaml:"gateway"`    // required
	Priority   int                `yaml:"priority"`   // lower is tried first
	Weight     int                `yaml:"weight"`     // among equal priorities; default 1
	Methods    []providers.Method `yaml:"methods"`    // only these; default all that the gateway serves
	Currencies []string           `yaml:"currencies"` // only these; default all
	Min        int64              `yaml:"min"`        // minor units
	Max        int64              `yaml:"max"`        // minor units
}

// Gateway is one account at a provider.
type Gateway struct {
	Name     string `yaml:"name"`     // lower case letters, digits and dashes: "kaspi-main"
	Provider string `yaml:"provider"` // kaspi, halyk, wayforpay, tiptoppay, freedompay, quickpay or robokassa: the key below with its settings

	MaxConcurrent int           `yaml:"max_concurrent"` // charges and offers at once; default 64
	SlowAfter     time.Duration `yaml:"slow_after"`     // a charge or offer that takes longer counts as slow; default never
	ObserveOnly   bool          `yaml:"observe_only"`   // breakers and probes watch and refuse nothing
	Books         Books         `yaml:"books"`          // how its own books are held against ours

	Account `yaml:",inline"` // what new attempts begin with
	// Retiring are earlier settings whose credentials the provider still accepts: attempts
	// that began with them keep them, and notices signed with them are believed.
	Retiring []Account `yaml:"retiring"`
}

// Account is how we are known at the provider: its settings, and whose turn they are. Only
// credentials may differ between a gateway's accounts: it is the same account there.
type Account struct {
	// Credentials is their version, a name and no secret, such as "2026-11": each attempt
	// keeps that of the credentials it began with. Required where two are valid at once.
	Credentials string `yaml:"credentials"`
	// Issued is the day on which the provider gave them out, as 2026-11-30.
	Issued Day `yaml:"credentials_issued"`
	// Expire is the last day on which the provider accepts them, as 2027-11-30. People are
	// told 30, 7 and 1 days before. A client certificate tells its own end besides.
	Expire   Day `yaml:"credentials_expire"`
	Settings `yaml:",inline"`
}

// Day is a day of the calendar in UTC; the zero value is none.
type Day struct{ time.Time }

// UnmarshalText reads 2027-11-30.
func (d *Day) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%q is no day; write it as 2027-11-30", text)
	}
	return nil
}

// end is the moment when the day is over.
func (d Day) end() time.Time {
	if d.IsZero() {
		return time.Time{}
	}
	return d.AddDate(0, 0, 1)
}

// Load reads, resolves and validates a configuration file.
func Load(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w (name the file with --config or PAYROUTER_CONFIG)", err)
	}
	c, err := Parse(text)
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse is Load for a text.
func Parse(text []byte) (Config, error) {
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, unquoted(err)
	}
	var more any
	if err := decoder.Decode(&more); err == nil {
		return c, errors.New("more than one document; one file is one configuration")
	}
	// Secrets are expanded after decoding and nowhere else, so that a secret with ": " or
	// "#" in it cannot change the document.
	unresolved := resolve(reflect.ValueOf(&c).Elem(), "", expand)
	c.defaults()
	return c, errors.Join(unresolved, c.validate())
}

// expand gives the value that a secret's text stands for.
func expand(text string) (string, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(content), "\r\n"), nil
	}
	if name, ok := strings.CutPrefix(text, "${"); ok && strings.HasSuffix(name, "}") {
		name = strings.TrimSuffix(name, "}")
		value, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("the environment has no %s", name)
		}
		return value, nil
	}
	return text, nil
}

// resolve expands every secret of the configuration, and refuses what looks like one
// where nothing is expanded. It reports all that is wrong at once.
func resolve(v reflect.Value, path string, expand func(string) (string, error)) error {
	here := strings.TrimPrefix(path, ".")
	if secret, ok := v.Addr().Interface().(*providers.Secret); ok {
		if err := secret.Resolve(expand); err != nil {
			return fmt.Errorf("%s: %w", here, err)
		}
		return nil
	}
	var wrong []error
	switch v.Kind() {
	case reflect.String:
		if strings.HasPrefix(v.String(), "${") {
			return fmt.Errorf("%s: %s is not expanded here, only in secrets: write the value itself", here, v.String())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			return resolve(v.Elem(), path, expand)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			name, how, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			below := path + "." + cmp.Or(name, strings.ToLower(field.Name))
			if how == "inline" {
				below = path
			}
			wrong = append(wrong, resolve(v.Field(i), below, expand))
		}
	case reflect.Slice:
		for i := range v.Len() {
			wrong = append(wrong, resolve(v.Index(i), fmt.Sprintf("%s[%d]", path, i), expand))
		}
	}
	return errors.Join(wrong...) // maps hold tenants, which have no secrets
}

func (c *Config) defaults() {
	set(&c.GRPC.Address, "127.0.0.1:7070")
	set(&c.Webhooks.Address, "127.0.0.1:7071")
	set(&c.Ops.Address, "127.0.0.1:7072")
	set(&c.Log.Level, "info")
	set(&c.Log.Format, "json")
	c.Traces.defaults()
	together := 0
	for i := range c.Gateways {
		c.Gateways[i].MaxConcurrent = cmp.Or(c.Gateways[i].MaxConcurrent, 64)
		together += c.Gateways[i].MaxConcurrent
	}
	c.GRPC.MaxCharges = cmp.Or(c.GRPC.MaxCharges, together)
	if c.Store.URL.Empty() {
		c.Store.URL = providers.NewSecret("sqlite:payrouter.db")
	}
	if c.GRPC.DefaultTenant == "" && len(c.Tenants) == 1 {
		for name := range c.Tenants {
			c.GRPC.DefaultTenant = name
		}
	}
}

func set(field *string, otherwise string) {
	if *field == "" {
		*field = otherwise
	}
}

func (t Tenant) rules() router.Tenant {
	out := router.Tenant{GiveBackLimit: t.GiveBackLimit}
	for _, r := range t.Rules {
		out.Rules = append(out.Rules, router.Rule{Gateway: r.Gateway, Priority: r.Priority, Weight: r.Weight, Methods: r.Methods,
			Currencies: r.Currencies, Min: r.Min, Max: r.Max})
	}
	return out
}
