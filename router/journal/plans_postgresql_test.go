package journal_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// postgresPlanner asks PostgreSQL, on books so full that it has a choice, and has looked at.
type postgresPlanner struct{}

func (postgresPlanner) tables() string {
	return `SELECT tablename FROM pg_tables WHERE schemaname = current_schema()`
}

func (postgresPlanner) prepare(t *testing.T, rows *sql.DB) {
	fill(t, rows)
	_, err := rows.ExecContext(t.Context(), "ANALYZE")
	must(t, err)
}

// node is a step of a plan.
type node struct {
	Type     string   `json:"Node Type"`
	Join     string   `json:"Join Type"`
	Strategy string   `json:"Strategy"`
	Relation string   `json:"Relation Name"`
	Index    string   `json:"Index Name"`
	Cond     string   `json:"Index Cond"`
	Filter   string   `json:"Filter"`
	Rows     float64  `json:"Plan Rows"`
	Parent   string   `json:"Parent Relationship"`
	Presort  []string `json:"Presorted Key"`
	Plans    []node   `json:"Plans"`
}

func (postgresPlanner) plan(t *testing.T, rows *sql.DB, s statement) (wrong []string, plans string) {
	t.Helper()
	if noPlan.MatchString(s.text) {
		return nil, ""
	}
	must1 := func(query string) {
		t.Helper()
		if _, err := rows.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	must1("PREPARE asked AS " + s.text)
	defer must1("DEALLOCATE asked")
	ask := "EXPLAIN (FORMAT JSON) EXECUTE asked"
	if len(s.args) > 0 {
		var values []string
		for _, arg := range s.args {
			values = append(values, literal(arg))
		}
		ask += "(" + strings.Join(values, ", ") + ")"
	}
	// The first five are planned for their values; for the sixth the server may take a plan for
	// any values, if that is no worse by its own reckoning.
	seen := map[string]bool{}
	for range 6 {
		var text string
		if err := rows.QueryRowContext(t.Context(), ask).Scan(&text); err != nil {
			t.Fatalf("%s: %s: %v", s.text, ask, err)
		}
		var found []struct{ Plan node }
		must(t, json.Unmarshal([]byte(text), &found))
		n := found[0].Plan
		var told strings.Builder
		n.tell(&told, "")
		if seen[told.String()] {
			continue
		}
		seen[told.String()] = true
		plans += told.String()
		for _, bad := range n.judge(false) {
			if !slices.Contains(wrong, bad) {
				wrong = append(wrong, bad)
			}
		}
	}
	return wrong, plans
}

// noPlan are the statements that a server does not plan.
var noPlan = regexp.MustCompile(`(?i)^(ANALYZE [a-z_]+|SET LOCAL .*|begin|commit|rollback|savepoint .*|release .*)`)

// newest is how many rows some questions look through, of books that have many more.
const newest = 5000

func literal(arg any) string {
	switch v := arg.(type) {
	case nil:
		return "NULL"
	case int:
		if v == newest { // as much less as there is in these books
			v = 50
		}
		return fmt.Sprint(v)
	case int64, bool:
		return fmt.Sprint(v)
	case []byte:
		return fmt.Sprintf(`'\x%x'`, v)
	}
	return "'" + strings.ReplaceAll(fmt.Sprint(arg), "'", "''") + "'"
}

func (n node) tell(to *strings.Builder, indent string) {
	fmt.Fprintf(to, "%s%s", indent, n.Type)
	for _, more := range []struct{ name, value string }{{"", n.Join}, {"", n.Relation}, {"by ", n.Index}, {"cond ", n.Cond}, {"filter ", n.Filter}} {
		if more.value != "" {
			fmt.Fprintf(to, " %s%s", more.name, more.value)
		}
	}
	to.WriteString("\n")
	for _, p := range n.Plans {
		p.tell(to, indent+"  ")
	}
}

var (
	equals = regexp.MustCompile(`\(?(?:\w+\.)?"?(\w+)"?\)?(?:::text)? = `)
	lower  = regexp.MustCompile(`\((?:\w+\.)?"?(\w+)"? >=? `)
	upper  = regexp.MustCompile(`\((?:\w+\.)?"?(\w+)"? <=? `)
)

// fewRows are so few by the server's own count that no two plans for them differ.
const fewRows = 100

// judge says what is wrong with a plan. limited: a LIMIT above ends it, and all that it reads
// counts.
func (n node) judge(limited bool) (wrong []string) {
	switch n.Type {
	case "Limit":
		limited = true
	case "Seq Scan":
		if bad := reads(n.Relation, "", nil, nil, false); bad != "" {
			wrong = append(wrong, bad)
		}
	case "Index Scan", "Index Only Scan", "Bitmap Index Scan":
		var equal, between []string
		for _, found := range equals.FindAllStringSubmatch(n.Cond, -1) {
			equal = append(equal, found[1])
		}
		for _, low := range lower.FindAllStringSubmatch(n.Cond, -1) {
			for _, high := range upper.FindAllStringSubmatch(n.Cond, -1) {
				if low[1] == high[1] {
					between = append(between, low[1])
				}
			}
		}
		if n.Filter == "" && n.Rows <= fewRows {
			break // had it counted more, it would have gone another way
		}
		table := n.Relation
		if table == "" {
			table = tableOf(n.Index)
		}
		if bad := reads(table, n.Index, equal, between, limited && n.Filter == "" && n.Type != "Bitmap Index Scan"); bad != "" {
			wrong = append(wrong, bad)
		}
	case "Append", "Merge Append", "Subquery Scan", "Result", "Unique", "Group", "LockRows", "Incremental Sort":
		limited = limited && n.Filter == ""
	default:
		limited = false
	}
	for _, p := range n.Plans {
		wrong = append(wrong, p.judge(limited && (p.Parent == "Outer" || p.Parent == "Member" || p.Parent == "Subquery"))...)
	}
	return wrong
}

// tableOf is the table of an index, which is named after it.
func tableOf(index string) (table string) {
	for name := range growing {
		if strings.HasPrefix(index, name+"_") && len(name) > len(table) {
			table = name
		}
	}
	return table
}
