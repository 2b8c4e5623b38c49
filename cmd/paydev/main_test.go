package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

func TestAddressesThatCannotServeAreToldWithTheWayOut(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		flag, address, want string
		status              int
	}{
		{"-webhooks", "127.0.0.1:0", "-webhooks 127.0.0.1:0: name a host and a port", 2}, // the bank's notices would reach nobody
		{"-bank", taken.Addr().String(), "Is another one running?", 1},
	} {
		var out, errs bytes.Buffer
		if status := run([]string{"-once", c.flag, c.address}, &out, &errs); status != c.status || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s %s: exit status %d, and it says\n%s", c.flag, c.address, status, &errs)
		}
	}
}
