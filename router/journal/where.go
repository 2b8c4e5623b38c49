package journal

import (
	"fmt"
	"strings"
)

// where collects the conditions of a query, and the values of their places.
type where struct {
	conditions []string
	args       []any
}

// and adds a condition whose values stand where it has a question mark.
func (w *where) and(condition string, values ...any) {
	for _, v := range values {
		condition = strings.Replace(condition, "?", w.place(v), 1)
	}
	w.conditions = append(w.conditions, condition)
}

func (w *where) andIf(so bool, condition string, values ...any) {
	if so {
		w.and(condition, values...)
	}
}

// place is the place of one more value.
func (w *where) place(value any) string {
	w.args = append(w.args, value)
	return fmt.Sprintf("$%d", len(w.args))
}

// places are the places of a list of texts.
func (w *where) places(texts []string) string {
	var all []string
	for _, text := range texts {
		all = append(all, w.place(storable(text)))
	}
	return strings.Join(all, ", ")
}

func (w *where) text() string {
	if len(w.conditions) == 0 {
		return "TRUE"
	}
	return strings.Join(w.conditions, " AND ")
}
