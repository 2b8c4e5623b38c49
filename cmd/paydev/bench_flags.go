package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parts of a run.
const (
	partLimits  = "limits"  // what this machine can do without the service
	partClosed  = "closed"  // the service, callers wait for their answers
	partOpen    = "open"    // the service at a fixed rate
	partOutages = "outages" // a gateway breaks
	partTargets = "targets" // what the targets need besides: see [benchmark.aim]
	partScale   = "scale"   // several replicas on one PostgreSQL
)

func allParts() []string {
	return []string{partTargets, partLimits, partClosed, partOpen, partOutages, partScale}
}

// allEngines are the databases, in the order of the report.
func allEngines() []string { return []string{"sqlite", "postgresql"} }

// rateHalf is half of what the service did with callers who wait, in the same repetition.
const rateHalf = "half"

// measures reports whether a part was chosen.
func (b *benchmark) measures(part string) bool { return slices.Contains(b.parts, part) }

// flags declares the flags; the function that it returns reads what they were set to.
func (b *benchmark) flags(flags *flag.FlagSet) (understand func() error) {
	list := func(name, usual, help string) func() []string {
		value := flags.String(name, usual, help)
		return func() []string { return strings.Split(*value, ",") }
	}
	choice := func(name string, all []string, help string) func() ([]string, error) {
		value := flags.String(name, "all", strings.Join(all, ", ")+" or all: "+help)
		return func() ([]string, error) { return choose(name, *value, all) }
	}
	callers := list("callers", "1,16,64,256", "how many callers at once, one cell each")
	pauses := list("gateway", "0s,200ms", "after which time the gateway answers, one cell each")
	rates := list("rates", "200,"+rateHalf, "charges a second at a fixed rate, one cell each; "+rateHalf+" is half of what callers who wait have come to")
	replicas := list("replicas", "1,2,4", "how many replicas on one PostgreSQL, one cell each")
	engines := choice("engine", allEngines(), "databases")
	flows := choice("flows", allFlows(), "what callers ask for")
	parts := choice("parts", allParts(), "what to measure; without limits there are no ratios")
	faults := choice("faults", allFaults(), "how a gateway breaks")
	flags.DurationVar(&b.duration, "duration", 2*time.Second, "how long one run is measured, after a warm-up; two and a half times as long at a fixed rate")
	flags.DurationVar(&b.outage, "outage", 4*time.Second, "how long one outage is watched; calls to gateways time out after a quarter of it")
	flags.IntVar(&b.repetitions, "repetitions", 3, "how often the cells that targets rest on are run; the report is of medians")
	flags.IntVar(&b.sweeps, "sweeps", 1, "in how many of the repetitions all other cells are run too")
	flags.StringVar(&b.folder, "data", "", "folder on the disk to measure; a temporary one when empty")
	flags.StringVar(&b.profiles, "profiles", "", "folder for CPU profiles of the service's first runs; none when empty")
	return func() error {
		var wrong [8]error
		b.callers, wrong[0] = each("callers", callers(), callersOf)
		b.pauses, wrong[1] = each("gateway", pauses(), pauseOf)
		b.rates, wrong[2] = each("rates", rates(), rateOf)
		b.engines, wrong[3] = engines()
		b.flows, wrong[4] = flows()
		b.parts, wrong[5] = parts()
		b.faults, wrong[6] = faults()
		b.replicas, wrong[7] = each("replicas", replicas(), replicasOf)
		switch err := errors.Join(wrong[:]...); {
		case err != nil:
			return err
		case b.duration < 100*time.Millisecond:
			return errors.New("-duration: less than 100ms measures nothing")
		case b.outage < 400*time.Millisecond:
			return errors.New("-outage: less than 400ms shows nothing")
		case b.repetitions < 1:
			return errors.New("-repetitions: at least one is needed")
		case b.sweeps < 1:
			return errors.New("-sweeps: at least one is needed")
		case flags.NArg() > 0:
			return fmt.Errorf("%q is not understood (see paydev bench -h)", flags.Arg(0))
		}
		return nil
	}
}

// choose reads names out of a closed list.
func choose(name, value string, all []string) ([]string, error) {
	if value == "all" {
		return all, nil
	}
	return each(name, strings.Split(value, ","), func(text string) (string, error) {
		if !slices.Contains(all, text) {
			return "", fmt.Errorf("%q is unknown; there are all, %s", text, strings.Join(all, ", "))
		}
		return text, nil
	})
}

// each reads the entries of a list. One that is there twice is one cell, not two.
func each[T comparable](name string, texts []string, read func(string) (T, error)) ([]T, error) {
	var all []T
	for _, text := range texts {
		value, err := read(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("-%s: %w", name, err)
		}
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	return all, nil
}

func callersOf(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostCallers {
		return 0, fmt.Errorf("%q is not a number from 1 to %d", text, mostCallers)
	}
	return n, nil
}

// mostReplicas with their connections are no more than the throw-away PostgreSQL takes.
const mostReplicas = 16

func replicasOf(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostReplicas || scaleCallers%n != 0 {
		return 0, fmt.Errorf("%q is not a number from 1 to %d by which %d callers can be shared out", text, mostReplicas, scaleCallers)
	}
	return n, nil
}

// pauseOf reads whole milliseconds: cells are named by them.
func pauseOf(text string) (time.Duration, error) {
	pause, err := time.ParseDuration(text)
	if err != nil || pause < 0 || pause > 10*time.Second || pause%time.Millisecond != 0 {
		return 0, fmt.Errorf("%q is not a time from 0s to 10s, in whole milliseconds", text)
	}
	return pause, nil
}

func rateOf(text string) (string, error) {
	if n, err := strconv.Atoi(text); text != rateHalf && (err != nil || n < 1 || n > 100_000) {
		return "", fmt.Errorf("%q is neither a number from 1 to 100000 nor %q", text, rateHalf)
	}
	return text, nil
}
