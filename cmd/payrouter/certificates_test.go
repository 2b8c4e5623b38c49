package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router/identity"
)

func TestCertificatesAreMadeOnceOrAnew(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "certificates")
	p := program{t, "/nowhere"}
	for _, c := range []struct{ args, said, refused string }{
		{"--client checkout", "", "--dir is required"},
		{"--dir " + folder, "", "no certificate is asked for"},
		{"--dir " + folder + " --client checkout --days 0", "", "lasts an hour or more"},
		{"--dir " + folder + " --server payrouter,127.0.0.1 --client checkout,aida --once", "made ca, server, checkout, aida", ""},
		{"--dir " + folder + " --server payrouter,127.0.0.1 --client checkout,aida --once", "nothing to make", ""},
		{"--dir " + folder + " --client checkout", "made checkout", ""},
	} {
		said, err := p.run(append([]string{"certificates"}, strings.Fields(c.args)...)...)
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) || !strings.Contains(said, c.said) {
			t.Errorf("%s: says %q, error %v", c.args, said, err)
		}
	}
}

// What deploy/ tells people to run makes the files that its configurations name, for the names that
// they list: each configuration is then good.
func TestTheSamplesMakeTheCertificatesThatTheyName(t *testing.T) {
	for _, name := range []string{"PAYROUTER_BODY_KEY", "PAYROUTER_WAYFORPAY_SECRET", "WAYFORPAY_SECRET", "HALYK_CLIENT_SECRET", "HALYK_NOTICE_KEY", "KASPI_DEVICE_TOKEN",
		"FREEDOMPAY_SECRET", "TIPTOPPAY_SECRET", "ROBOKASSA_PASSWORD_1", "ROBOKASSA_PASSWORD_2", "QUICKPAY_API_KEY", "QUICKPAY_PRIVATE_KEY"} {
		t.Setenv(name, strings.ToLower(name)+" 0123456789abcdef")
	}
	t.Setenv("PAYROUTER_DATABASE", "postgres://payrouter@db/payrouter")
	for file, config := range map[string]string{
		"compose/compose.yaml":      "compose/payrouter.yaml",
		"kubernetes/payrouter.yaml": "kubernetes/payrouter.yaml",
		"systemd/payrouter.service": "payrouter.yaml",
		"payrouter.yaml":            "payrouter.yaml",
	} {
		folder := filepath.Join(t.TempDir(), "certificates")
		args := certificatesIn(t, text(t, file))
		for i, arg := range args {
			switch arg {
			case "--dir":
				args[i+1] = folder
			case "--authority":
				args[i+1] = filepath.Join(folder, "authority")
			}
		}
		if said, err := (program{t, "/nowhere"}).run(args...); err != nil {
			t.Errorf("%s: %q: %s, %v", file, args, said, err)
			continue
		}
		sample := text(t, config)
		if _, within, ok := strings.Cut(sample, "  payrouter.yaml: |\n"); ok {
			within, _, _ = strings.Cut(within, "\n---\n")
			sample = regexp.MustCompile(`(?m)^    `).ReplaceAllString(within, "")
		}
		sample = regexp.MustCompile(`/etc/payrouter(?:-|/)tls/(?:tls|server)\.`).ReplaceAllString(sample, folder+"/server.")
		sample = regexp.MustCompile(`/etc/payrouter(?:-|/)tls/ca\.`).ReplaceAllString(sample, folder+"/ca.")
		c, err := app.Parse([]byte(sample))
		if err != nil {
			t.Errorf("%s: %v", config, err)
			continue
		}
		if _, err := tls.LoadX509KeyPair(c.GRPC.TLS.Cert, c.GRPC.TLS.Key); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if _, err := os.Stat(c.GRPC.TLS.ClientCA); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, who := range c.Identities {
			for _, name := range who.Certificates {
				pair, err := tls.LoadX509KeyPair(filepath.Join(folder, name+".crt"), filepath.Join(folder, name+".key"))
				if err != nil || !slices.Contains(identity.Names(pair.Leaf), name) {
					t.Errorf("%s makes no certificate for %s: %v", file, name, err)
				}
			}
		}
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// certificatesIn is the command that a file runs, or tells people to run: in a list of YAML, or in a
// comment that may go on in the next line.
func certificatesIn(t *testing.T, text string) []string {
	t.Helper()
	if list := regexp.MustCompile(`(?m)command: \[(certificates.*)\]$`).FindStringSubmatch(text); list != nil {
		return strings.Fields(strings.ReplaceAll(strings.ReplaceAll(list[1], `"`, ""), ", ", " "))
	}
	line := regexp.MustCompile(`(?m)^# +payrouter (certificates(?:.*\\\n#)*.*)$`).FindStringSubmatch(text)
	if line == nil {
		t.Fatalf("no certificates are made")
	}
	return strings.Fields(strings.ReplaceAll(line[1], "\\\n#", " "))
}
