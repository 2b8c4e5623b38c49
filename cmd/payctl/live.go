package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"
)

// picture draws how things stand now, through a client that prints into memory. It reports
// whether there is nothing left to watch.
type picture func(ctx context.Context, c *client) (over bool, err error)

// clear empties what a terminal shows and begins at its top. What was scrolled away stays:
// at three in the morning it is the record of what was ordered.
const clear = "\x1b[H\x1b[2J"

// live draws a picture again and again, until nothing is left to watch or the person has seen
// enough: on a terminal in place, else below the last one whenever it has changed. A service that
// does not answer for a while takes nothing away: the last picture stays, and says how old it is.
func (c *client) live(cmd *cobra.Command, every time.Duration, draw picture) error {
	var last string
	var at time.Time
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	away := strings.Repeat("\n", c.height) // scrolls what the terminal shows away, before the first picture
	for {
		text, over, err := c.drawn(cmd, draw)
		if cmd.Context().Err() != nil {
			return nil
		}
		if err != nil && at.IsZero() {
			return err // it never answered: that is no picture
		}
		changed := err == nil && text != last
		if err == nil {
			last, at = text, time.Now()
		}
		switch {
		case c.width > 0:
			fmt.Fprintf(c.out, "%s%s%s  %s, every %s; Ctrl-C ends this and nothing else\n\n%s", away, clear, c.address, clock(time.Now()), every, last)
			away = ""
			if err != nil {
				fmt.Fprintf(c.out, "\n! NO ANSWER since %s, this is how it stood then: %s\n", clock(at), plain(status.Convert(err).Message()))
			}
		case changed:
			fmt.Fprintf(c.out, "%s\n%s\n", clock(at), last)
		}
		if over {
			return nil
		}
		select {
		case <-cmd.Context().Done():
			return nil
		case <-ticker.C:
		}
	}
}

// drawn is a picture as a text.
func (c *client) drawn(cmd *cobra.Command, draw picture) (string, bool, error) {
	var text bytes.Buffer
	view := *c
	view.out = &text
	ctx, cancel := c.call(cmd)
	defer cancel()
	over, err := draw(ctx, &view)
	return text.String(), over, err
}

// clock is the time of day in the person's own zone, which it names as every table does.
func clock(t time.Time) string { return t.Local().Format("15:04:05 MST") }
