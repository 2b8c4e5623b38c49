package app_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/payrouter/payrouter/cmd/internal/app"
	"github.com/payrouter/payrouter/router/identity/identitytest"
)

// manifest is what a test looks at of Kubernetes' forms.
type manifest struct {
	Kind string
	Data map[string]string
	Spec struct {
		Replicas     int
		MinAvailable int `yaml:"minAvailable"`
		Template     struct {
			Spec struct {
				Grace      int         `yaml:"terminationGracePeriodSeconds"`
				Init       []container `yaml:"initContainers"`
				Containers []container
				Volumes    []struct {
					Name   string
					Secret struct {
						Name string `yaml:"secretName"`
					}
				}
			}
		}
		Ingress []struct {
			Ports []struct{ Port string }
		}
	}
}

type container struct {
	Args   []string
	Mounts []struct {
		Name string
		Path string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
	Env   []struct{ Name string }
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Startup   asks `yaml:"startupProbe"`
	Readiness asks `yaml:"readinessProbe"`
	Liveness  asks `yaml:"livenessProbe"`
}

type asks struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}

// What the cluster is told about the service is true: its ports, its probes, its commands, the
// variables that its configuration wants, and how long it may take to end.
func TestTheKubernetesManifestsFitTheService(t *testing.T) {
	kinds := map[string]manifest{}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "deploy/kubernetes/payrouter.yaml")))
	for {
		var m manifest
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if m.Kind != "Service" {
			kinds[m.Kind] = m
		}
	}
	for _, kind := range []string{"ConfigMap", "Deployment", "PodDisruptionBudget", "NetworkPolicy"} {
		if _, ok := kinds[kind]; !ok {
			t.Fatalf("there is no %s", kind)
		}
	}
	deployment := kinds["Deployment"].Spec
	if deployment.Replicas < 2 || kinds["PodDisruptionBudget"].Spec.MinAvailable != 1 || deployment.Template.Spec.Grace < 60 {
		t.Errorf("%d replicas, %d of them always, %d seconds to end", deployment.Replicas, kinds["PodDisruptionBudget"].Spec.MinAvailable, deployment.Template.Spec.Grace)
	}
	service, secrets := deployment.Template.Spec.Containers[0], map[string]string{}
	var variables []string
	for _, e := range service.Env {
		variables = append(variables, e.Name)
	}
	c := wanted(t, kinds["ConfigMap"].Data["payrouter.yaml"], variables)
	for _, m := range service.Mounts {
		for _, v := range deployment.Template.Spec.Volumes {
			if v.Name == m.Name && v.Secret.Name != "" {
				secrets[m.Path] = v.Secret.Name
			}
		}
	}
	for _, file := range regexp.MustCompile(`(/\S+)/((?:tls|ca)\.(?:crt|key))\b`).FindAllStringSubmatch(kinds["ConfigMap"].Data["payrouter.yaml"], -1) {
		made := regexp.MustCompile(`create secret generic ` + secrets[file[1]] + ` (?s:[^\n]*\\\n)?[^\n]*--from-file=(?:\S+/)?` + regexp.QuoteMeta(file[2]) + `\b`)
		if secrets[file[1]] == "" || !made.MatchString(read(t, "deploy/kubernetes/payrouter.yaml")) {
			t.Errorf("no secret brings %s", file[0])
		}
	}
	if c.Store.MayMigrate() || !slices.Equal(deployment.Template.Spec.Init[0].Args, []string{"migrate"}) || !slices.Equal(service.Args, []string{"serve"}) {
		t.Error("the schema is brought up to date by nobody, or by each replica")
	}
	ports := map[string]string{}
	for _, p := range service.Ports {
		ports[p.Name] = fmt.Sprint(p.ContainerPort)
	}
	for name, address := range map[string]string{"grpc": c.GRPC.Address, "webhooks": c.Webhooks.Address, "ops": c.Ops.Address} {
		if _, port, err := net.SplitHostPort(address); err != nil || ports[name] != port {
			t.Errorf("%s listens on %s, and the cluster is told %q", name, address, ports[name])
		}
	}
	for _, p := range []asks{service.Startup, service.Readiness, service.Liveness} {
		if p.Get.Port != "ops" || p.Get.Path != "/readyz" && p.Get.Path != "/healthz" {
			t.Errorf("a probe asks %s at %s", p.Get.Path, p.Get.Port)
		}
	}
	if service.Liveness.Get.Path != "/healthz" {
		t.Error("the process is ended when the database is away")
	}
	for _, rule := range kinds["NetworkPolicy"].Spec.Ingress {
		if ports[rule.Ports[0].Port] == "" {
			t.Errorf("the policy is about the port %q", rule.Ports[0].Port)
		}
	}
}

// What compose mounts is there, and the configuration wants what compose sets.
func TestTheComposeFileFitsTheService(t *testing.T) {
	text := read(t, "deploy/compose/compose.yaml")
	var file struct {
		Services map[string]struct {
			Environment map[string]string
			Volumes     []string
			Ports       []string
		}
	}
	loose(t, "deploy/compose/compose.yaml", &file)
	for name, s := range file.Services {
		for _, volume := range s.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(filepath.Join(root, "deploy/compose", from)); strings.HasPrefix(from, ".") && err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s can be reached from elsewhere: %s", name, port)
			}
		}
	}
	var variables []string
	for name := range file.Services["payrouter"].Environment {
		variables = append(variables, name)
	}
	c := wanted(t, read(t, "deploy/compose/payrouter.yaml"), variables)
	for _, address := range []string{c.GRPC.Address, c.Webhooks.Address, c.Ops.Address} {
		if _, port, _ := net.SplitHostPort(address); !strings.Contains(text, ":"+port+":"+port) {
			t.Errorf("nobody reaches %s", address)
		}
	}
	if !strings.Contains(read(t, "deploy/compose/prometheus.yaml"), "payrouter"+strings.TrimPrefix(c.Ops.Address, "0.0.0.0")) {
		t.Error("Prometheus scrapes another address")
	}
}

// wanted reads a configuration with exactly the variables that are set beside it.
func wanted(t *testing.T, text string, variables []string) app.Config {
	t.Helper()
	var named []string
	for _, found := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(text, -1) {
		named = append(named, found[1])
	}
	slices.Sort(named)
	slices.Sort(variables)
	if !slices.Equal(named, variables) {
		t.Errorf("the configuration wants %q, and is given %q", named, variables)
	}
	for _, name := range named {
		value := strings.ToLower(name) + " 0123456789abcdef"
		if strings.HasSuffix(name, "DATABASE") {
			value = "postgres://payrouter@db/payrouter"
		}
		t.Setenv(name, value)
	}
	c := parsed(t, housed(identitytest.New(t), text))
	if err := app.Check(c); err != nil {
		t.Error(err)
	}
	return c
}
