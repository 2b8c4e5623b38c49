package halyk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/payrouter/payrouter/providers"
)

// The shapes of POST /operations, seen in one client that ran it in production.
type (
	registryQuery struct {
		Search []searchParameter `json:"searchParameters"`
		Paging paging            `json:"paging"`
		Order  []orderParameter  `json:"orderParameters"`
	}
	searchParameter struct {
		Name   string    `json:"name"`
		Method string    `json:"method"`
		Values [2]string `json:"searchParameter"`
	}
	paging struct {
		Page int `json:"page"`
		Size int `json:"size"`
	}
	orderParameter struct {
		Field string `json:"field"`
		Type  string `json:"typeOrder"`
	}
	registryPage struct {
		Total   text     `json:"totalCount"`
		Records []record `json:"records"`
	}
	// record is one row. Names, phones and e-mails of payers are not read.
	record struct {
		ID           text `json:"id"`
		InvoiceID    text `json:"invoiceId"`
		Amount       text `json:"amount"`
		Currency     text `json:"currency"`
		CreatedDate  text `json:"createdDate"`
		PayoutDate   text `json:"payoutDate"`
		PayoutAmount text `json:"payoutAmount"`
		Status       text `json:"status"`
	}
)

const pageSize = 100

// almaty is the bank's time, as its samples write it (one zone for the country
// since 2024).
var almaty = time.FixedZone("", 5*60*60)

// registry reads all rows created in a window, in the bank's order. Whether pages
// count from 0 or 1 is not known: it reads from 1 on until the announced total is
// covered, then page 0 if it is not, and drops rows that an earlier page told. One
// that a page itself repeats is there twice. The deadline is for all pages
// together; the zero time gives each page a limit of its own.
func (g *Gateway) registry(ctx context.Context, w providers.Window, pages int, deadline time.Time) ([]record, error) {
	var rows []record
	seen := map[text]bool{}
	page, total := 1, 0
	for range pages {
		until := deadline
		if until.IsZero() {
			until = time.Now().Add(g.config.Timeouts.Create)
		}
		got, err := g.registryPage(ctx, until, w, page)
		if err != nil {
			return nil, err
		}
		if total, err = strconv.Atoi(string(got.Total)); err != nil || total < 0 {
			return nil, errors.New("registry: totalCount is not a number")
		}
		var fresh []record
		for _, r := range got.Records {
			if r.ID == "" {
				return nil, errors.New("registry: a row without id")
			}
			if !seen[r.ID] {
				fresh = append(fresh, r)
			}
		}
		for _, r := range fresh {
			seen[r.ID] = true
		}
		if page == 0 {
			rows = append(fresh, rows...)
		} else {
			rows = append(rows, fresh...)
		}
		switch {
		case len(rows) >= total:
			return rows, nil
		case page == 0:
			return nil, fmt.Errorf("registry: %d of %d rows came", len(rows), total)
		case len(fresh) == 0:
			page = 0
		default:
			page++
		}
	}
	return nil, fmt.Errorf("registry: %d rows are more than %d pages: ask for a shorter time", total, pages)
}

// registryPage reads one page. The window is widened by a second either way, since
// nobody says whether "between" includes its ends; whoever needs it exact filters.
func (g *Gateway) registryPage(ctx context.Context, deadline time.Time, w providers.Window, page int) (registryPage, error) {
	stamp := func(t time.Time) string { return t.In(almaty).Truncate(time.Second).Format(time.RFC3339) }
	body := encode(registryQuery{
		Search: []searchParameter{{Name: "created_date", Method: "between",
			Values: [2]string{stamp(w.From.Add(-time.Second)), stamp(w.To.Add(time.Second))}}},
		Paging: paging{Page: page, Size: pageSize},
		Order:  []orderParameter{{Field: "created_date", Type: "DESC"}},
	})
	var got registryPage
	answer, failed := g.ask(ctx, deadline, http.MethodPost, "/operations", body)
	if failed != nil {
		return got, because(fmt.Sprintf("registry: page %d: %s %s", page, failed.Reason, failed.Code), failed.Err)
	}
	if answer.Status != http.StatusOK {
		return got, fmt.Errorf("registry: page %d: HTTP %d", page, answer.Status)
	}
	if err := readObject(answer.Body, &got); err != nil {
		return got, fmt.Errorf("registry: page %d: %w", page, err)
	}
	return got, nil
}
