package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGrowthMeasuresEveryOperationInBooksOfEachSize(t *testing.T) {
	if testing.Short() {
		t.Skip("fills books")
	}
	for _, engine := range allEngines() {
		t.Run(engine, func(t *testing.T) {
			var out, errs strings.Builder
			data := filepath.Join(t.TempDir(), "data")
			if engine == "postgresql" { // which runs as somebody else, who must reach it
				data = ""
			}
			if status := run([]string{"growth", "-engine", engine, "-sizes", "1k,3k", "-calls", "1", "-repetitions", "1", "-shared-buffers", "64MB", "-spare", "0", "-data", data, "-json"}, &out, &errs); status != 0 {
				if strings.Contains(errs.String(), "initdb and postgres were not found") {
					t.Skip(errs.String())
				}
				t.Fatalf("status %d: %s", status, errs.String())
			}
			var r growthReport
			if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
				t.Fatal(err)
			}
			var measured []string
			for _, c := range r.Cells {
				measured = append(measured, c.Operation)
				if len(c.Books) != 2 || c.Books[0].Payments != 1000 || c.Books[1].Payments != 3000 || c.Ratio <= 0 || c.What == "" {
					t.Errorf("%+v", c)
				}
				if known := c.Books[1].Pages >= 0; known != (engine == "postgresql") {
					t.Errorf("%s touches %v pages", c.Operation, c.Books[1].Pages)
				}
			}
			if !slices.Equal(measured, operationNames()) {
				t.Errorf("measured were %q", measured)
			}
			if len(r.Books) != 2 || r.Books[1].Rows["payments"] != 3000 || r.Books[1].Bytes < 3000*1000 {
				t.Errorf("the books are %+v", r.Books)
			}
			if len(r.Engines) != 1 || len(r.Warnings) > 0 {
				t.Errorf("what is measured must be durable: %q, %q", r.Engines, r.Warnings)
			}
		})
	}
}

func TestGrowthRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for _, args := range []string{"-sizes 10", "-sizes 10G", "-engine oracle", "-operations fly", "-calls 0", "-sizes 1k extra"} {
		var out, errs strings.Builder
		if status := run(append([]string{"growth"}, strings.Fields(args)...), &out, &errs); status != 2 || errs.Len() == 0 {
			t.Errorf("%s: status %d, said %q", args, status, errs.String())
		}
	}
}

func TestGrowthStopsBeforeTheDiskIsFull(t *testing.T) {
	var out, errs strings.Builder
	status := run([]string{"growth", "-engine", "sqlite", "-sizes", "5k", "-spare", "1000000", "-data", t.TempDir()}, &out, &errs)
	if status != 1 || !strings.Contains(errs.String(), errDisk.Error()) {
		t.Errorf("status %d, said %q", status, errs.String())
	}
}
