package main

import (
	"slices"
	"time"
)

// timeline is what became of the charges of an outage, counted by when they began: each list
// has one number for each step.
type timeline struct {
	FromMS int64 `json:"from_ms"` // since the outage began: less than zero
	StepMS int64 `json:"step_ms"`

	First  []int `json:"first"`       // paid at the first gateway
	Moved  []int `json:"failed_over"` // paid at the backup, after the first was asked in vain
	Backup []int `json:"backup"`      // paid at the backup at once
	Unpaid []int `json:"unpaid"`      // not paid within their call
	Twice  []int `json:"twice"`       // charged at both; in no other list
	Failed []int `json:"failed"`      // refused by the router, or ended with an error
}

// timelineSteps are in an outage; the time before it has steps of the same length.
const timelineSteps = 40

// drawTimeline sorts charges into steps, and those that failed by when they began.
func drawTimeline(all []outcome, failed []time.Time, onset time.Time, before, after time.Duration) timeline {
	step := max(after/timelineSteps, time.Millisecond)
	n := int((before + after) / step)
	t := timeline{FromMS: -before.Milliseconds(), StepMS: step.Milliseconds()}
	for _, list := range t.lists() {
		*list = make([]int, n)
	}
	count := func(list []int, began time.Time) {
		since := began.Sub(onset) + before
		if at := int(since / step); since >= 0 && at < n {
			list[at]++
		}
	}
	for _, began := range failed {
		count(t.Failed, began)
	}
	for _, o := range all {
		list := t.First
		switch {
		case o.twice:
			list = t.Twice
		case !o.paid:
			list = t.Unpaid
		case o.backup && o.vain:
			list = t.Moved
		case o.backup:
			list = t.Backup
		}
		count(list, o.began)
	}
	return t
}

// drawn reports whether there is anything in it, and all of it: an older report may lack a list.
func (t *timeline) drawn() bool {
	return len(t.First) > 0 && !slices.ContainsFunc(t.lists(), func(list *[]int) bool { return len(*list) != len(t.First) })
}

func (t *timeline) lists() []*[]int {
	return []*[]int{&t.First, &t.Moved, &t.Backup, &t.Unpaid, &t.Twice, &t.Failed}
}
