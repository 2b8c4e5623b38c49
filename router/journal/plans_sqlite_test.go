package journal_test

import (
	"database/sql"
	"regexp"
	"strings"
	"testing"
)

// sqlitePlanner asks SQLite. Nobody has it look at its tables (ANALYZE), so that it plans by
// the statement and the indexes alone: books need not be full for it.
type sqlitePlanner struct{ indexes map[string]string } // table by index

func (*sqlitePlanner) tables() string {
	return `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
}

func (p *sqlitePlanner) prepare(t *testing.T, rows *sql.DB) {
	found, err := rows.QueryContext(t.Context(), `SELECT name, tbl_name FROM sqlite_master WHERE type = 'index'`)
	must(t, err)
	defer found.Close()
	p.indexes = map[string]string{}
	for found.Next() {
		var index, table string
		must(t, found.Scan(&index, &table))
		p.indexes[index] = table
	}
	must(t, found.Err())
}

var (
	access = regexp.MustCompile(`^(SCAN|SEARCH) (\S+)(?: (?:EXISTS )?USING (?:AUTOMATIC )?(?:PARTIAL )?(?:COVERING )?(?:INDEX (\S+)|INTEGER PRIMARY KEY))?(?: \((.*)\))?`)
	// The first or the last of an index: SQLite goes no further.
	first = regexp.MustCompile(`^SELECT M(IN|AX)\(\w+\) FROM \w+( WHERE [^()]+)?$`)
	// A condition that an index could answer.
	findable = regexp.MustCompile(`\b(` + strings.Join(narrow, "|") + `) (= \$|IN \()`)
	tested   = regexp.MustCompile(`\(?([a-z_, ]+)\)?([=<>])`)
)

func (p *sqlitePlanner) plan(t *testing.T, rows *sql.DB, s statement) (wrong []string, plans string) {
	t.Helper()
	args := make([]any, strings.Count(s.text, "$")) // at least as many as there are places
	found, err := rows.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.text, args...)
	must(t, err)
	defer found.Close()
	var steps []string
	var parents []int
	for found.Next() {
		var id, parent, unused int
		var step string
		must(t, found.Scan(&id, &parent, &unused, &step))
		steps, parents = append(steps, step), append(parents, parent)
	}
	must(t, found.Err())
	plans = strings.Join(steps, "\n")
	sorts := map[int]bool{} // the queries that do, by their place in the plan
	for i, step := range steps {
		sorts[parents[i]] = sorts[parents[i]] || strings.HasPrefix(step, "USE TEMP B-TREE")
	}
	for i, step := range steps {
		// What is left out of what it reads, SQLite does not tell; PostgreSQL does.
		limited := first.MatchString(s.text) || strings.Contains(s.text, "LIMIT") && !sorts[parents[i]]
		if strings.Contains(step, "AUTOMATIC") {
			wrong = append(wrong, "builds an index each time")
		}
		found := access.FindStringSubmatch(step)
		if found == nil {
			continue
		}
		index := found[3]
		table := p.indexes[index]
		if table == "" {
			table = aliased(s.text, found[2])
		}
		var equal, between []string
		for _, condition := range tested.FindAllStringSubmatch(found[4], -1) {
			columns := strings.Split(strings.TrimPrefix(condition[1], " AND "), ",")
			switch {
			case condition[2] == "=":
				equal = append(equal, strings.TrimSpace(columns[0]))
			case strings.Contains(found[4], columns[0]+">") && strings.Contains(found[4], columns[0]+"<"):
				between = columns
			}
		}
		switch {
		case regexp.MustCompile(`\(SELECT M(IN|AX)\(` + found[2] + `\.\w+\) FROM \w+ ` + found[2] + `\b`).MatchString(s.text), found[1] == "SEARCH" && found[4] == "":
			limited = true // only the first or the last
		case limited && findable.MatchString(s.text) && growing[table] != "":
			limited = false // it reads until it meets what an index could find
		}
		limited = limited && (index != "" || found[4] != "") // not the table itself, from its first row
		if bad := reads(table, index, equal, between, limited); bad != "" {
			wrong = append(wrong, bad)
		}
	}
	return wrong, plans
}

// aliased is the table that a name stands for in a statement; the name itself where it is one.
func aliased(text, name string) string {
	if found := regexp.MustCompile(`(?:FROM|JOIN|UPDATE|INTO) ([a-z_]+) (?:AS )?` + regexp.QuoteMeta(name) + `\b`).FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return name
}
